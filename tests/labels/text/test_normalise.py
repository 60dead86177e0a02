"""One spelling, and the way back."""

from pathlib import Path

import pytest
from tests.labels.score_reports import read_cases

from rarebeat.labels.text.normalise import Normaliser
from rarebeat.labels.vocabulary import load_vocabulary

FILES = ("cases.yaml", "reports.yaml", "reports_everyday.yaml", "reports_cinc2020.yaml")
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


def test_only_rewrites_whose_words_are_there_are_tried_and_none_is_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same as with the full list, on statements with every abbreviation and the words of every spelling."""
    language = load_vocabulary("hughes24").language
    chosen = Normaliser(language.abbreviations, language.spellings)
    full = Normaliser(language.abbreviations, language.spellings)
    regex = full._compile(frozenset(range(len(language.spellings))), True)
    monkeypatch.setattr(full, "_rewrites", lambda statement: regex)
    folder = Path(__file__).parents[1]
    texts = [case["text"] for name in FILES for _, case in read_cases(folder / name)]
    texts += [f"{text[::-1]}  {text.upper()} ({text})" for text in texts]
    texts += [f"{word} block" for word in (*language.abbreviations, *language.spellings)]
    rewritten = 0
    for text in texts:
        assert chosen(text) == full(text), text
        rewritten += chosen._rewrites(text) is not chosen._tidy
    assert len(texts) / 10 < rewritten < 0.9 * len(texts)
