import pytest

from rarebeat.readers.free_text.redaction import redact


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("Confirmed by SMITH MD, JOHN (105) on 5/17/2011 1:23:45 PM", ""),
        ("Abnormal ECG Confirmed By:Jane Roe", "Abnormal ECG"),
        ("Referred by: SELF      Electronically Signed By: J. ROE", ""),
        ("ELECTRONICALLY SIGNED BY ROE", ""),
        ("Reconfirmed by ROE", ""),
        ("Over-read by ROE", ""),
        ("Technician: ROE", ""),
        ("Name: DOE, JANE", ""),
        ("Unconfirmed", "Unconfirmed"),
    ],
)
def test_signature_lines_are_cut(line: str, kept: str) -> None:
    assert redact(line) == kept


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("When compared with ECG of 17-MAY-2011 09:12,", "When compared with ECG of [date],"),
        ("ECG of 17-MAY-11 09:12:30, no change", "ECG of [date], no change"),
        ("seen 5/17/2011 at 1:23 PM again", "seen [date] again"),
        ("seen 2011-05-17T01:23 again", "seen [date] again"),
        ("seen May 17th, 2011, again", "seen [date], again"),
        ("seen 17. May 2011 again", "seen [date] again"),
        ("seen May 2011 and 5/2011", "seen [date] and [date]"),
        ("Anterior infarct (cited on or before 03-FEB-2009)", "Anterior infarct (cited on or before [date])"),
        ("wie am 12.03.98", "wie am [date]"),
        ("record 00123456, see there", "record [number], see there"),
    ],
)
def test_dates_and_record_numbers_are_replaced(line: str, kept: str) -> None:
    assert redact(line) == kept


@pytest.mark.parametrize(
    "line",
    [
        "Sinus rhythm with 2:1 AV block and 12:1 conduction",
        "ST & T wave abnormality, consider inferior ischemia",
        "PR interval 220 ms RBBB in V1-V3",
        "Vent. rate has decreased BY 12 BPM",
        "Inferior infarct, age undetermined; may be old",
        "QS in V1-V4, 1-2 mm ST elevation, R/S ratio 1/2 in V6",
        "MI in 2005",
        "(No P-waves found)",
    ],
)
def test_findings_stay_as_they_are(line: str) -> None:
    assert redact(line) == line


def test_known_names_go_wherever_they_stand() -> None:
    names = ["DOE", "Mary-Jane", "00123456", "4711", "Li"]
    assert redact("Doe's ECG for mary-jane, 4711", names) == "[name]'s ECG for [name], 4711"


def test_names_that_are_words_of_the_ecg_stay() -> None:
    assert redact("Left bundle branch block", ["Block", "Left"]) == "Left bundle branch block"


def test_doctors_are_named_nowhere() -> None:
    assert redact("discussed with Dr. Jane Roe, normal ECG") == "discussed with [name], normal ECG"
    assert redact("DR ROE: ATRIAL FIBRILLATION") == "[name]: ATRIAL FIBRILLATION"


PLANTED = ("Li", "Smith-Jones", "O'Hara", "00123456", "77-41-902")
"""Of a patient: a short name, a hyphenated one, one with an apostrophe, and two record numbers."""


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("ECG of Li, sinus rhythm", "ECG of [name], sinus rhythm"),
        ("SINUS RHYTHM IN LI", "SINUS RHYTHM IN [name]"),
        ("Mrs Jones has atrial flutter", "Mrs [name] has atrial flutter"),
        ("smith called about AF", "[name] called about AF"),
        ("Smith-Jones: AF", "[name]: AF"),
        ("Hara has AF", "[name] has AF"),
        ("record 001-234-56 seen", "record [name] seen"),
        ("record 12 34 56 seen", "record [name] seen"),
        ("record 7741902 seen", "record [name] seen"),
        ("record 88-12-345 seen", "record [number] seen"),
        ("record 8812345-1 seen", "record [number] seen"),
        ("call 555-1234", "call [number]"),
        ("call (555) 123-4567 now", "call [number] now"),
        ("call 555.123.4567 now", "call [number] now"),
        ("call +49 30 1234567 now", "call [number] now"),
        ("call 0171/2345678 now", "call [number] now"),
        ("as on 14 March, AF", "as on [date], AF"),
        ("as on March 14, AF", "as on [date], AF"),
        ("as on 14-Mar, AF", "as on [date], AF"),
        ("as on the 3rd of May, AF", "as on the [date], AF"),
        ("AF, taken by JB", "AF, taken [name]"),
        ("AF, JB/RN", "AF, [name]"),
        ("AF, nurse J.B. at bedside", "AF, [name] at bedside"),
        ("Overread: J. Brown. Atrial flutter", "Atrial flutter"),
        ("Sinus rhythm. Read by A. Roe, MD; Left axis deviation", "Sinus rhythm. Left axis deviation"),
        ("Confirmed by Roe. Seen with Ann Doe. Normal ECG. Signed by: Doe", "Normal ECG."),
    ],
)
def test_planted_identifiers_go_and_statements_stay(line: str, kept: str) -> None:
    assert redact(line, PLANTED) == kept


@pytest.mark.parametrize(
    "line",
    [
        "Rate 100-150, PR 120-200 ms, QTc 350-480",
        "Lead 2 may be reversed; LEAD 2 MAY BE REVERSED",
        "Caused by AF, by VT",
        "axis +60 120 80",
        "followed by ST depression and per QT rule",
        "No Q in II, aVF",
        "rate has decreased by 12 BPM since the last",
    ],
)
def test_findings_stay_beside_hostile_names(line: str) -> None:
    assert redact(line, [*PLANTED, "St", "No", "In"]) == line
