"""One spelling, and the way back."""

import pytest

from rarebeat.labels.text.normalise import Normaliser

NORMALISE = Normaliser(
    abbreviations={"AF": "atrial fibrillation"},
    spellings={"a-v|a\\.v\\.": "av", "(first|1st)[- ]degree|1 ?°": "1st degree", "w/": "with"},
)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("Normal  SINUS\trhythm", "normal sinus rhythm"),
        ("ventrikulÄre Extrasystole(n)", "ventrikulaere extrasystolen"),
        ("QRS(T) abnormal", "qrst abnormal"),
        ("vänstersidigt skänkelblock på ÅR", "vaenstersidigt skaenkelblock pa ar"),
        ("Straße", "strasse"),
        ("A-V block (Mobitz I)", "av block mobitz i "),
        ("first-degree A.V. block", "1st degree av block"),
        ("1° block", "1st degree block"),
        ("RBBB & LAFB+PVC", "rbbb and lafb and pvc"),
        ("AF w/ RVR", "atrial fibrillation with rvr"),
        ("af", "af"),
        ("AFTER", "after"),
        ("flutter?", "flutter unsure"),
        ("?flutter", "query flutter"),
        ("SR ? flutter", "sr query flutter"),
        ("st \u2013 segment", "st segment"),
        ("\u2764 beat", "  beat"),
        ("", ""),
    ],
)
def test_statements_are_brought_into_one_spelling(statement: str, expected: str) -> None:
    assert NORMALISE(statement).text == expected


@pytest.mark.parametrize(
    ("statement", "word", "original"),
    [
        ("Äußerst AF möglich", "atrial fibrillation", "AF"),
        ("Äußerst AF möglich", "fibrillation", "AF"),
        ("Äußerst AF möglich", "moeglich", "möglich"),
        ("kein A-V block", "av block", "A-V block"),
        ("PVC(s) seen", "pvcs", "PVC(s)"),
        ("(first degree) block", "block", "block"),
    ],
)
def test_spans_lead_back_to_what_was_typed(statement: str, word: str, original: str) -> None:
    normalised = NORMALISE(statement)
    at = normalised.text.index(word)
    start, end = normalised.span(at, at + len(word))
    assert statement[start:end] == original


def test_nothing_to_rewrite_is_allowed() -> None:
    assert Normaliser({}, {})("AF, A-V block").text == "af, a v block"
