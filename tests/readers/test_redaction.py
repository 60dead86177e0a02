import pytest

from rarebeat.readers.redaction import redact


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
