"""Reports that were written before anybody looked at patterns: matcher and plain substrings, trap by trap."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.labels.plain_substrings import positive_by_substring

from rarebeat.labels.states import STATE_NAMES
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary

FOLDER = Path(__file__).parent
FILES = {
    "hughes24": ["cases.yaml", "reports.yaml", "reports_everyday.yaml"],
    "cinc2020": ["reports_cinc2020.yaml"],
}
MATCHERS = {name: Matcher(load_vocabulary(name)) for name in FILES}
CODES = {name: {entry.id: entry.code for entry in load_vocabulary(name).classes} for name in FILES}


def cases() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Vocabulary, trap and case."""
    for vocabulary, files in FILES.items():
        for file in files:
            content = yaml.safe_load((FOLDER / file).read_text(encoding="utf-8"))
            for trap, listed in content.items():
                for case in listed:
                    yield vocabulary, trap, case


def by_state(vocabulary: str, text: str) -> dict[str, set[str]]:
    """Short codes of the classes in each state."""
    states = MATCHERS[vocabulary].label(text).states
    codes = CODES[vocabulary]
    return {
        word: {codes[name] for name, found in states.items() if found == state}
        for state, word in STATE_NAMES.items()
    }


def faults(vocabulary: str, case: dict[str, Any]) -> list[str]:
    """What is wrong with the labels of a case; classes that it does not list are neither positive nor uncertain."""
    found = by_state(vocabulary, case["text"])
    wrong = []
    for state in ("positive", "uncertain"):
        expected = set(case.get(state, ()))
        if found[state] != expected:
            wrong.append(f"{state}: {sorted(found[state])} instead of {sorted(expected)}")
    for state in ("negative", "unknown"):
        if missing := set(case.get(state, ())) - found[state]:
            wrong.append(f"not {state}: {sorted(missing)}")
    return wrong


@pytest.mark.parametrize(
    ("vocabulary", "case"),
    [
        pytest.param(vocabulary, case, id=f"{vocabulary}, {trap}: {case['text'][:60]!r}")
        for vocabulary, trap, case in cases()
    ],
)
def test_a_report_gets_the_labels_that_a_reader_gives_it(vocabulary: str, case: dict[str, Any]) -> None:
    assert faults(vocabulary, case) == []


def test_there_are_many_different_reports() -> None:
    texts = [case["text"].casefold() for vocabulary, _, case in cases() if vocabulary == "hughes24"]
    assert len(set(texts)) >= 1180


def test_plain_substrings_fall_into_the_traps(capsys: pytest.CaptureFixture[str]) -> None:
    """The score of the baseline, printed beside the matcher's: reports with exactly the right positive classes."""
    score: dict[str, list[int]] = {}
    for vocabulary, trap, case in cases():
        if vocabulary == "hughes24":
            row = score.setdefault(trap, [0, 0, 0])
            expected = set(case.get("positive", ()))
            row[0] += 1
            row[1] += by_state(vocabulary, case["text"])["positive"] == expected
            row[2] += positive_by_substring(case["text"]) == expected
    total, ours, plain = (sum(row[column] for row in score.values()) for column in range(3))
    with capsys.disabled():
        print(
            f"\nreports with the right positive classes: matcher {ours} of {total}, plain substrings {plain}"
        )
        for trap, (count, one, other) in sorted(score.items()):
            print(f"  {one:3} {other:3} of {count:3}  {trap}")
    assert plain < 0.75 * ours
