"""What the machine says beside the classes, and its verdict."""

import re
from datetime import datetime

import numpy as np
import pytest

from rarebeat.simulator.reports.findings import Findings, Voice
from rarebeat.simulator.reports.statements import background, verdict

DAY = datetime(2015, 6, 2, 11, 30)


def some(*seen: str, conditions: tuple[str, ...] = (), statements: tuple[str, ...] = ()) -> set[str]:
    """The statements that forty readers make."""
    classes = frozenset(seen)
    findings = Findings(classes, "", 70.0, 0, statements, frozenset(conditions), DAY)
    voices = [Voice(np.random.default_rng(seed)) for seed in range(40)]
    return {line for voice in voices for line in background(voice, classes, findings)}


def test_marks_of_diseases_are_stated() -> None:
    assert "voltage criteria for left ventricular hypertrophy" in some(
        "sinus_rhythm", conditions=("left_ventricular_hypertrophy", "hypertension")
    )
    assert "inferior infarct , age undetermined" in some("sinus_rhythm", conditions=("inferior_infarct",))


def test_an_old_infarct_is_cited_with_an_earlier_date() -> None:
    cited = [
        re.search(r"before \d\d-[A-Z]{3}-(\d{4})", line) for line in some(conditions=("anterior_infarct",))
    ]
    years = [int(found[1]) for found in cited if found]
    assert years
    assert all(2009 <= year <= 2015 for year in years)


def test_diseases_as_such_are_not_seen_in_an_ecg() -> None:
    assert not some("sinus_rhythm", conditions=("hypertension", "sick_sinus", "heart_failure"))


def test_nothing_is_said_beside_wide_complexes() -> None:
    for name in ("paced_rhythm", "left_bundle_branch_block", "ventricular_tachycardia"):
        assert not some(name, conditions=("anterior_infarct",), statements=("low voltage QRS",))


def test_the_left_atrium_is_judged_by_p_waves() -> None:
    assert some("sinus_rhythm", conditions=("left_atrial_enlargement",))
    assert not some("atrial_fibrillation", conditions=("left_atrial_enlargement",))


def test_the_weaker_statement_is_left_out() -> None:
    statements = ("left anterior fascicular block", "left axis deviation")
    assert some("sinus_rhythm", statements=statements) == {"left anterior fascicular block"}


def test_a_statement_without_wordings_is_kept_as_it_is() -> None:
    assert some("sinus_rhythm", statements=("dextrocardia",)) == {"dextrocardia"}


@pytest.mark.parametrize(
    ("seen", "others", "expected"),
    [
        ({"sinus_rhythm", "sinus_arrhythmia"}, False, {"Normal ECG"}),
        ({"sinus_bradycardia"}, False, {"Otherwise normal ECG"}),
        ({"sinus_rhythm"}, True, {"Borderline ECG", "Abnormal ECG"}),
        ({"atrial_fibrillation"}, False, {"Abnormal ECG"}),
        (set(), False, {"Abnormal ECG"}),
    ],
)
def test_the_verdict_follows_the_findings(seen: set[str], others: bool, expected: set[str]) -> None:
    voices = [Voice(np.random.default_rng(seed)) for seed in range(30)]
    assert {verdict(voice, frozenset(seen), others) for voice in voices} == expected
