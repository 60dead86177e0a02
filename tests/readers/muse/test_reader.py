from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import LEADS
from rarebeat.readers.muse import reader
from rarebeat.readers.ingest import ingest_cohort, summary_lines
from rarebeat.readers.muse.reader import parse_muse
from rarebeat.readers.privacy import Pseudonym

Steps = npt.NDArray[np.int16]
Make = Callable[..., bytes]
PRIVATE = Pseudonym(b"secret key of a hospital", private=True)


def refusal(content: bytes) -> BadRecordError:
    with pytest.raises(BadRecordError) as caught:
        parse_muse(content)
    return caught.value


# ------------------------------------------------------------------ signals


def test_the_rhythm_waveform_is_read_in_microvolts(muse_xml: Make, muse_leads: dict[str, Steps]) -> None:
    ecg = parse_muse(muse_xml())
    assert ecg.rate == 500
    assert ecg.signal.shape == (12, muse_leads["I"].size)  # not the 300 samples of the median beat
    for name, steps in muse_leads.items():
        assert np.abs(ecg.signal[LEADS.index(name)] - 4.88 * steps).max() <= 0.5


def test_four_limb_leads_are_derived(muse_xml: Make, muse_leads: dict[str, Steps]) -> None:
    one, two = 4.88 * muse_leads["I"], 4.88 * muse_leads["II"]
    exact = np.stack([two - one, -(one + two) / 2, one - two / 2, two - one / 2])
    assert np.abs(parse_muse(muse_xml()).signal[2:6] - exact).max() <= 0.5


@pytest.mark.parametrize(("unit", "step"), [("MILLIVOLTS", "0.00488"), ("microvolts", "4.88")])
def test_the_unit_belongs_to_the_amplitude(muse_xml: Make, unit: str, step: str) -> None:
    expected = parse_muse(muse_xml()).signal
    content = muse_xml(LeadAmplitudeUnits=unit, LeadAmplitudeUnitsPerBit=step)
    np.testing.assert_array_equal(parse_muse(content).signal, expected)


def test_the_rate_has_an_exponent(muse_xml: Make) -> None:
    content = muse_xml().replace(b"<SampleBase>500<", b"<SampleBase>5<")
    assert parse_muse(content.replace(b"<SampleExponent>0<", b"<SampleExponent>2<")).rate == 500


# ------------------------------------------------------------------ text


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
    ("status", "diagnosis", "expected"),
    [
        ("<Status>CONFIRMED</Status>", (("Sinus rhythm",),), "confirmed"),
        ("<Status>Confirmed</Status>", (("Sinus rhythm",),), "confirmed"),
        ("<Status>CONFIRMED</Status>", (), "unconfirmed"),  # the machine alone has stated something
        ("<Status>UNCONFIRMED</Status>", (("Sinus rhythm",),), "unconfirmed"),
        ("<Status>PRELIMINARY</Status>", (("Sinus rhythm",),), "unknown"),
        ("", (("Sinus rhythm",),), "unknown"),
    ],
)
def test_only_confirmed_statements_are_taken_unless_all_are_asked_for(
    muse_xml: Make, tmp_path: Path, status: str, diagnosis: tuple[tuple[str, ...], ...], expected: str
) -> None:
    (tmp_path / "one.xml").write_bytes(muse_xml(status=status, diagnosis=diagnosis))
    (entry,) = reader.discover(tmp_path, {})
    usual, everything = (reader.read(entry, PRIVATE, options) for options in ({}, {"statements": "all"}))
    stated = "Sinus rhythm" if diagnosis else "Machine statement"
    assert usual.report_status == everything.report_status == expected
    assert usual.text == (stated if expected == "confirmed" else None)
    assert everything.text == stated


def test_the_summary_counts_what_was_not_confirmed(muse_xml: Make, tmp_path: Path) -> None:
    root = tmp_path / "muse"
    root.mkdir()
    for index, status in enumerate(("CONFIRMED", "UNCONFIRMED", "UNCONFIRMED", "ODD")):
        (root / f"{index}.xml").write_bytes(muse_xml(status=f"<Status>{status}</Status>"))
    options = {"key_file": str(tmp_path / "key")}
    summary = ingest_cohort("muse-xml", root, tmp_path / "out", options=options, workers=1)
    assert summary["report_statuses"] == {"confirmed": 1, "unconfirmed": 2, "unknown": 1}
    assert (summary["records"], summary["with_text"], summary["without_confirmed_report"]) == (4, 1, 3)
    assert "3 records have no text" in summary_lines("out", "muse-xml", root, summary)[1]
    options["statements"] = "all"
    summary = ingest_cohort("muse-xml", root, tmp_path / "out", options=options, workers=1)
    assert (summary["with_text"], summary["without_confirmed_report"]) == (4, 0)
    assert len(summary_lines("out", "muse-xml", root, summary)) == 1


@pytest.mark.parametrize(("free_text", "mrs"), [("keep", "Mrs"), ("recognised", "Xxx")])
def test_nothing_that_names_a_person_passes(muse_xml: Make, tmp_path: Path, free_text: str, mrs: str) -> None:
    diagnosis = (
        ("Atrial fibrillation in Mrs Doe",),
        ("When compared with ECG of 12-JAN-2010 09:15,",),
        ("Seen by Readername and techname",),
        ("Confirmed by READERNAME MD, ANNA (105) on 5/17/2011 1:23:45 PM",),
    )
    birth = "<DateofBirth>05-01-1950</DateofBirth>"
    path = tmp_path / "doe_jane_00123456.xml"
    path.write_bytes(muse_xml(diagnosis=diagnosis, demographics=birth))
    (entry,) = reader.discover(tmp_path, {})
    options = {"free_text": free_text}
    record = reader.read(entry, PRIVATE, options)
    assert (
        record.text
        == f"Atrial fibrillation in {mrs} [name]\nWhen compared with ECG of [date],\nSeen by [name] and [name]"
    )
    stored = repr((record.record_id, record.patient_id, record.text, record.age, record.sex, record.source))
    for secret in (
        "doe",
        "jane",
        "00123456",
        "123456",
        "readername",
        "techname",
        "anna",
        "1950",
        "2010",
        "2011",
    ):
        assert secret not in stored.lower()


# ------------------------------------------------------------------ the patient


def test_the_patient_is_a_keyed_hash_and_the_record_too(muse_xml: Make, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/one.xml", "two.XML"):
        (tmp_path / name).write_bytes(muse_xml())
    (tmp_path / "._one.xml").write_bytes(b"left behind by another system")
    records = [reader.read(entry, PRIVATE, {}) for entry in reader.discover(tmp_path, {})]
    assert {record.patient_id for record in records} == {PRIVATE.of("patient", "123456")}
    assert {record.record_id for record in records} == {
        PRIVATE.record_id(name) for name in ("a/one.xml", "two.XML")
    }


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
    assert parse_muse(muse_xml(demographics=demographics)).age == age


def test_the_sex(muse_xml: Make) -> None:
    assert parse_muse(muse_xml()).sex == "female"
    assert parse_muse(muse_xml(demographics="<Gender>MALE</Gender>")).sex == "male"
    assert parse_muse(muse_xml(demographics="<Gender>UNKNOWN</Gender>")).sex is None


# ------------------------------------------------------------------ what is refused
