"""Statements that mention no class, ranked."""

from pathlib import Path

from rarebeat.core.csv_rows import read_rows
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.unmatched import COLUMNS, UnmatchedStatements
from rarebeat.labels.vocabulary import load_vocabulary


def test_a_matcher_names_the_statements_in_which_it_found_nothing() -> None:
    text = "Sinus rhythm\nNonspecific T wave abnormality\nConfirmed by X\nWhen compared with ECG of 3-MAY,\nLow voltage"
    labels = Matcher(load_vocabulary("hughes24")).label(text)
    assert labels.unmatched == ("Nonspecific T wave abnormality",), (
        "signatures and comparisons are cut, not missed"
    )


def test_statements_are_ranked_by_how_many_records_have_them(tmp_path: Path) -> None:
    statements = UnmatchedStatements()
    statements.add("a", ["Low voltage", "Vent. rate 72 BPM"])
    statements.add("b", ["VENT. RATE  101 BPM", "vent. rate 99 bpm"])
    statements.write(tmp_path / "unmatched.csv")
    assert [row for _, row in read_rows(tmp_path / "unmatched.csv", COLUMNS)] == [
        {"statement": "vent. rate # bpm", "records": "2", "example": "a"},
        {"statement": "low voltage", "records": "1", "example": "a"},
    ]
