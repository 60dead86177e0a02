"""Splitting reports into statements."""

import pytest

from rarebeat.labels.text.statements import statement_splitter

SPLIT = statement_splitter(["v.a", "mögl"], wrapped=["rhythm"])


@pytest.mark.parametrize(
    ("report", "statements"),
    [
        ("Sinus rhythm\nLBBB", ["Sinus rhythm", "LBBB"]),
        ("sinus rhythm. q waves in v4,5,6. normal.", ["sinus rhythm", "q waves in v4,5,6", "normal"]),
        ("AF; RBBB | PVCs!", ["AF", "RBBB", "PVCs"]),
        ("av-block 1. grades", ["av-block 1. grades"]),
        ("av-block II. Grades. Sinus", ["av-block II. Grades", "Sinus"]),
        ("V.a. Vorhofflimmern", ["V.a. Vorhofflimmern"]),
        ("infarkt mögl. akut", ["infarkt mögl. akut"]),
        ("4.46   unbestÄtigter bericht", ["4.46   unbestÄtigter bericht"]),
        ("normal ecg. Edit: NORM 100", ["normal ecg", "NORM 100"]),
        ("AF? LBBB. SR ?PVCs", ["AF?", "LBBB", "SR ?PVCs"]),
        ("AF? No. Sinus", ["AF? No", "Sinus"]),
        ("rhythm..normal qrs", ["rhythm", "normal qrs"]),
        (
            "im Vergleich zum 12.03. nicht mehr. Am 13.03. Sinus",
            ["im Vergleich zum 12.03. nicht mehr", "Am 13.03", "Sinus"],
        ),
        ("ectopic atrial\n  rhythm\nrhythmic", ["ectopic atrial\n  rhythm", "rhythmic"]),
        ("\r\n \n.", []),
        ("", []),
    ],
)
def test_a_statement_ends_where_a_reader_would_end_it(report: str, statements: list[str]) -> None:
    assert SPLIT(report) == statements
