"""Languages that are not read: what their reports state is found or unknown, never denied."""

from pathlib import Path

import pytest
from tests.labels.score_reports import Case, Reader, read_cases

REPORTS = Path(__file__).parent / "reports_languages.yaml"
READER = Reader("hughes24")


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=f"{language}: {case['text'][:60]!r}") for language, case in read_cases(REPORTS)],
)
def test_what_a_report_in_another_language_states_is_not_denied(case: Case) -> None:
    found = READER.read(case["text"])
    assert found["negative"].isdisjoint(case["stated"])
    assert found["positive"].isdisjoint(case.get("gone", ()))
