"""Reports that were written before anybody looked at patterns: matcher and plain substrings, trap by trap."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.labels.score_reports import Case, Reader, faults, read_cases

FOLDER = Path(__file__).parent
FILES = {
    "hughes24": [
        "cases.yaml",
        "reports.yaml",
        "reports_everyday.yaml",
        "reports_statements.yaml",
        "reports_ended.yaml",
        "reports_devices.yaml",
    ],
    "cinc2020": [
        "reports_cinc2020.yaml",
        "reports_programs.yaml",
        "reports_devices_cinc2020.yaml",
        "reports_places.yaml",
    ],
}
READERS = {name: Reader(name) for name in FILES}

PHRASES = {
    "SR": ["sinus rhythm", "sinusrhythmus", "sinusrytm", "nsr"],
    "AF": ["atrial fibrillation", "afib", "a-fib", "vorhofflimmern", "förmaksflimmer"],
    "AFL": ["atrial flutter", "aflutter", "a-flutter", "vorhofflattern", "förmaksfladder"],
    "EAR": ["ectopic atrial rhythm", "atrial rhythm", "wandering atrial pacemaker"],
    "1AVB": ["1st degree", "first degree", "first-degree", "av-block i", "av block i", "1° av", "1avb"],
    "MOBI": ["mobitz i", "wenckebach"],
    "CHB": ["complete heart block", "third degree", "3rd degree", "complete av block", "av-block iii"],
    "AVNRT": ["avnrt", "av nodal reentrant tachycardia", "av nodal reentry tachycardia"],
    "PAC": ["premature atrial", "pac", "atrial premature", "supraventrikuläre extrasystole", "sves"],
    "PVC": ["premature ventricular", "pvc", "ventricular premature", "ventrikuläre extrasystole", "ves"],
    "FUS": ["fusion"],
    "BIG": ["bigemin"],
    "SB": ["sinus bradycardia", "sinus brady", "sinusbradykardi"],
    "STACH": ["sinus tachycardia", "sinus tach", "sinustachykardi", "sinustakykardi"],
    "SARRH": ["sinus arrhythmia", "sinusarrhythmie", "sinus arrhythmie", "sinusarytmi"],
    "SVT": ["supraventricular tachycardia", "svt"],
    "AT": ["atrial tachycardia"],
    "VT": ["ventricular tachycardia", "vt"],
    "JR": ["junctional"],
    "IVR": ["idioventricular", "ventricular escape"],
    "MOBII": ["mobitz ii", "2:1 av", "high grade av block", "high degree av block"],
    "PACE": ["paced", "pacemaker", "pacing", "schrittmacher"],
    "LBBB": ["left bundle branch block", "lbbb", "linksschenkelblock"],
    "RBBB": ["right bundle branch block", "rbbb", "rechtsschenkelblock"],
}
"""The baseline: a class is positive when one of a few phrases stands anywhere in the report, in any case. This is what
"simple string matching" becomes when it is written in an afternoon."""


def cases() -> Iterator[tuple[str, str, Case]]:
    """Vocabulary, trap and case."""
    for vocabulary, files in FILES.items():
        for file in files:
            for trap, case in read_cases(FOLDER / file):
                yield vocabulary, trap, case


def positive_by_substring(text: str) -> set[str]:
    """Short codes of the classes that the baseline finds."""
    lower = text.lower()
    return {code for code, phrases in PHRASES.items() if any(phrase in lower for phrase in phrases)}


@pytest.mark.parametrize(
    ("vocabulary", "case"),
    [
        pytest.param(vocabulary, case, id=f"{vocabulary}, {trap}: {case['text'][:60]!r}")
        for vocabulary, trap, case in cases()
    ],
)
def test_a_report_gets_the_labels_that_a_reader_gives_it(vocabulary: str, case: Case) -> None:
    assert faults(READERS[vocabulary].read(case["text"]), case) == []


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
            row[1] += READERS[vocabulary].read(case["text"])["positive"] == expected
            row[2] += positive_by_substring(case["text"]) == expected
    total, ours, plain = (sum(row[column] for row in score.values()) for column in range(3))
    with capsys.disabled():
        print(
            f"\nreports with the right positive classes: matcher {ours} of {total}, plain substrings {plain}"
        )
        for trap, (count, one, other) in sorted(score.items()):
            print(f"  {one:3} {other:3} of {count:3}  {trap}")
    assert plain < 0.75 * ours


UNSEEN = {"reports_unseen.yaml": (50, 45), "reports_unseen_later.yaml": (40, 36)}
"""Reports, and how many of them were right when they had been written: nothing was mended by one of them."""


@pytest.mark.parametrize("file", UNSEEN)
def test_reports_that_nothing_was_mended_by_are_read_as_well_as_at_first(file: str) -> None:
    found = [
        faults(READERS[vocabulary].read(case["text"]), case) for vocabulary, case in read_cases(FOLDER / file)
    ]
    count, right = UNSEEN[file]
    assert len(found) == count
    assert sum(not wrong for wrong in found) >= right
