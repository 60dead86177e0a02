from collections.abc import Callable

import pytest

from rarebeat.readers.muse.reader import parse_muse

Make = Callable[..., bytes]


def test_fragments_are_joined_until_the_end_of_the_line(muse_xml: Make) -> None:
    diagnosis = (("Sinus bradycardia", "with 1st degree A-V block"), ("Abnormal ECG",))
    assert parse_muse(muse_xml(diagnosis=diagnosis)).text == (
        "Sinus bradycardia with 1st degree A-V block\nAbnormal ECG"
    )


def test_the_over_read_counts_and_the_machine_only_without_it(muse_xml: Make) -> None:
    assert parse_muse(muse_xml()).text == "Normal sinus rhythm"
    assert parse_muse(muse_xml(diagnosis=())).text == "Machine statement"
    assert parse_muse(muse_xml(diagnosis=(), original=())).text is None


@pytest.mark.parametrize(
    ("demographics", "age"),
    [
        ("<PatientAge>56</PatientAge><AgeUnits>YEARS</AgeUnits>", 56.0),
        ("<PatientAge>56</PatientAge>", 56.0),
        ("<PatientAge>²</PatientAge>", None),
        (f"<PatientAge>{'9' * 5000}</PatientAge>", None),
        ("<PatientAge>18</PatientAge><AgeUnits>MONTHS</AgeUnits>", 1.5),
        ("<PatientAge>200</PatientAge><AgeUnits>DAYS</AgeUnits>", 0.55),
        ("<PatientAge>97</PatientAge><AgeUnits>YEARS</AgeUnits>", 90.0),
        ("<DateofBirth>05-16-1950</DateofBirth>", 61.0),
        ("<DateofBirth>05-18-1950</DateofBirth>", 60.0),
        ("<DateofBirth>1911-01-01</DateofBirth>", 90.0),
        ("<DateofBirth>01-01-2020</DateofBirth>", None),  # after the recording
        ("<DateofBirth>unknown</DateofBirth>", None),
        ("", None),
    ],
)
def test_the_age_at_the_recording(muse_xml: Make, demographics: str, age: float | None) -> None:
    assert parse_muse(muse_xml(demographics=demographics)).person.age == age


def test_a_date_of_birth_that_is_not_understood_is_noted(muse_xml: Make) -> None:
    ecg = parse_muse(muse_xml(demographics="<DateofBirth>16.05.1950</DateofBirth><Gender>MALE</Gender>"))
    assert (ecg.person.age, ecg.person.not_understood) == (None, ("age",))
    assert parse_muse(muse_xml(demographics="<Gender>MALE</Gender>")).person.not_understood == ()


def test_a_patient_who_is_not_told_is_not_known(muse_xml: Make) -> None:
    """Else all of whom nothing is known would be one patient."""
    for told in (b"UNKNOWN", b"n/a", b"-"):
        ecg = parse_muse(muse_xml().replace(b">00123456<", b">" + told + b"<"))
        assert (ecg.person.patient, ecg.person.not_understood) == (None, ("patient",))
