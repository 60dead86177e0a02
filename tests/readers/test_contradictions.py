"""What an archive tells twice must agree, and what is told but not understood is counted or refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.readers.conftest import muse_waveform
from tests.readers.reading import read_all, write_csv

from rarebeat.core.errors import BadRecordError, RarebeatError
from rarebeat.readers.databases.ludb import check_spans
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.muse.reader import parse_muse
from rarebeat.readers.summary import summary_lines
from rarebeat.readers.wfdb.records import read_wfdb

Microvolts = npt.NDArray[np.int16]
Write = Callable[..., Path]
Make = Callable[..., bytes]


def wfdb_refusal(header: Path) -> str:
    with pytest.raises(BadRecordError) as caught:
        read_wfdb(header)
    return str(caught.value)


def muse_refusal(content: bytes) -> str:
    with pytest.raises(BadRecordError) as caught:
        parse_muse(content)
    return str(caught.value)


# ------------------------------------------------------------------------- WFDB


def test_the_header_of_one_record_under_the_name_of_another(ecg: Microvolts, write_wfdb: Write) -> None:
    one, other = write_wfdb(ecg, "one"), write_wfdb(ecg // 2, "other")
    read_wfdb(one)
    one.write_bytes(other.read_bytes())
    assert wfdb_refusal(one) == "header_mismatch: the header is that of record 'other'"
    one.write_text(other.read_text().replace("other 12", "one 12"))
    assert wfdb_refusal(one) == "header_mismatch: the header names the signal file of record 'other'"


@pytest.mark.parametrize("gain", ["10000/mV", "1000(300)/mV", "1000/uV", "1001/mV"])
def test_one_lead_whose_scale_is_unlike_the_others(ecg: Microvolts, write_wfdb: Write, gain: str) -> None:
    gains = ["1000/mV"] * 12
    gains[6] = gain
    assert "V1 are unlike those of the other leads" in wfdb_refusal(write_wfdb(ecg, gains=gains))


def test_leads_that_were_each_scaled_by_themselves_are_read(ecg: Microvolts, write_wfdb: Write) -> None:
    gains = [f"{1000 + index}(0)/mV" for index in range(12)]
    assert read_wfdb(write_wfdb(ecg, gains=gains))[1].shape == ecg.shape


def test_samples_that_changed_places_are_told_by_the_initial_values(
    ecg: Microvolts, write_wfdb: Write
) -> None:
    header = write_wfdb(ecg)
    samples = header.with_suffix(".dat").read_bytes()
    header.with_suffix(".dat").write_bytes(samples[2400:] + samples[:2400])  # the sums stay
    assert "are not the initial values that the header gives" in wfdb_refusal(header)


def test_initial_values_of_zero_say_nothing(ecg: Microvolts, write_wfdb: Write) -> None:
    header = write_wfdb(ecg)
    lines = [line.split(" ") for line in header.read_text().splitlines()]
    header.write_text(
        "\n".join(" ".join([*row[:5], "0", *row[6:]] if len(row) > 5 else row) for row in lines)
    )
    assert read_wfdb(header)[1].shape == ecg.shape


def test_a_line_too_many(ecg: Microvolts, write_wfdb: Write) -> None:
    header = write_wfdb(ecg)
    header.write_text(header.read_text() + "rec.dat 16 1000/mV 16 0 0 0 0 V1\n")
    assert "announces 12 lines and holds 13" in wfdb_refusal(header)


@pytest.mark.parametrize("storage", ["16x99999999", "16:999999999"], ids=["frames", "skew"])
def test_what_a_header_asks_for_is_bounded_before_anything_is_read(
    ecg: Microvolts, write_wfdb: Write, storage: str
) -> None:
    header = write_wfdb(ecg)
    header.write_text(header.read_text().replace("rec.dat 16 ", f"rec.dat {storage} "))
    assert "than any 12-lead ECG has" in wfdb_refusal(header)


def test_fields_that_moved_are_told_by_the_lead_names(ecg: Microvolts, write_wfdb: Write) -> None:
    header = write_wfdb(ecg)
    lines = header.read_text().splitlines()
    lines[10] = "rec.dat 16x1+0 0 V4"  # what a file that lacks some bytes may look like
    header.write_text("\n".join(lines) + "\n")
    with pytest.raises(BadRecordError):
        read_wfdb(header)


# ------------------------------------------------------------------------- MUSE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"FirstSampleBaseline": "12"}, "FirstSampleBaseline is not 0"),
        (
            {"LeadAmplitudeUnitsPerBit": "4.88</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnitsPerBit>9"},
            "there twice",
        ),
    ],
)
def test_a_lead_that_contradicts_itself(muse_xml: Make, changes: dict[str, str], message: str) -> None:
    assert message in muse_refusal(muse_xml(**changes))


def test_leads_of_one_recorder_have_one_step(muse_xml: Make) -> None:
    content = muse_xml().decode("latin-1")
    head, _, tail = content.rpartition("<LeadAmplitudeUnitsPerBit>4.88<")
    changed = f"{head}<LeadAmplitudeUnitsPerBit>48.8<{tail}".encode("latin-1")
    assert "LeadAmplitudeUnitsPerBit differs" in muse_refusal(changed)


def test_two_rhythm_waveforms(muse_xml: Make, muse_leads: dict[str, Microvolts]) -> None:
    halved = {name: samples // 2 for name, samples in muse_leads.items()}
    waveforms = muse_waveform("Rhythm", muse_leads) + muse_waveform("Rhythm", halved)
    assert "two rhythm waveforms" in muse_refusal(muse_xml(waveforms=waveforms))


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("<NumberofLeads>9</NumberofLeads>", "NumberofLeads is '9', found 8 leads"),
        ("<SampleType>DIFFERENCES</SampleType>", "SampleType is 'DIFFERENCES'"),
    ],
)
def test_a_waveform_that_contradicts_itself(muse_xml: Make, extra: str, message: str) -> None:
    content = muse_xml().replace(b"<SampleExponent>", extra.encode() + b"<SampleExponent>")
    assert message in muse_refusal(content)


@pytest.mark.parametrize("tag", ["PatientAge", "Gender", "PatientID"])
def test_what_is_there_twice_is_refused(muse_xml: Make, tag: str) -> None:
    content = muse_xml().replace(f"<{tag}>".encode(), f"<{tag}>7</{tag}><{tag}>".encode())
    assert f"{tag} is there twice" in muse_refusal(content)


def test_two_over_reads_are_not_joined(muse_xml: Make) -> None:
    content = muse_xml().replace(b"<OriginalDiagnosis>", b"<Diagnosis></Diagnosis><OriginalDiagnosis>")
    assert "Diagnosis is there twice" in muse_refusal(content)


@pytest.mark.parametrize(
    ("demographics", "age", "not_understood"),
    [
        ("<PatientAge>56</PatientAge><AgeUnits>YRS</AgeUnits><Gender>MALE</Gender>", None, ("age",)),
        ("<PatientAge>63 years</PatientAge><Gender>MALE</Gender>", None, ("age",)),
        ("<PatientAge>63</PatientAge><Gender>Mal</Gender>", 63.0, ("sex",)),
        (
            "<PatientAge>63</PatientAge><AgeUnits>DAYS</AgeUnits><DateofBirth>01-02-1944</DateofBirth>",
            None,
            ("age",),
        ),
        ("<PatientAge>67</PatientAge><DateofBirth>01-02-1944</DateofBirth>", 67.0, ()),
        ("<Gender>UNKNOWN</Gender>", None, ()),
    ],
)
def test_what_is_told_and_not_understood_is_unknown_and_noted(
    muse_xml: Make, demographics: str, age: float | None, not_understood: tuple[str, ...]
) -> None:
    ecg = parse_muse(muse_xml(demographics=demographics))
    assert (ecg.person.age, ecg.person.not_understood) == (age, not_understood)


def test_a_file_that_tells_nothing_of_its_patient_is_noted(muse_xml: Make) -> None:
    content = muse_xml()
    assert parse_muse(content.replace(b"<PatientID>00123456</PatientID>", b"")).person.not_understood == (
        "patient",
    )
    head, tail = content.index(b"<PatientDemographics>"), content.index(b"<TestDemographics>")
    assert parse_muse(content[:head] + content[tail:]).person.not_understood == ("age", "patient", "sex")


# ----------------------------------------------------------------------- tables


ROW = {
    "ecg_id": 1,
    "patient_id": 15709.0,
    "age": 56.0,
    "sex": 1,
    "report": "sinusrhythmus",
    "scp_codes": "{'NORM': 100.0}",
    "strat_fold": 3,
    "filename_lr": "records100/00000/00001_lr",
    "filename_hr": "records500/00000/00001_hr",
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strat_fold": "1O"}, "its fold is '1O'"),
        ({"strat_fold": 77}, "its fold is '77'"),
        ({"strat_fold": ""}, "patient_id or strat_fold is empty"),
        ({"strat_fold": "NaN"}, "patient_id or strat_fold is empty"),
        ({"patient_id": ""}, "patient_id or strat_fold is empty"),
        ({"patient_id": "1570'.0"}, "the patient is no number"),
        ({"ecg_id": 2}, "the row of ecg_id '2' names 00001_hr.hea"),
        ({"scp_codes": "NORM"}, "scp_codes is not a dictionary"),
        ({"age": 1, "sex": 56.0}, "sex of the row are not where they belong"),
        ({"age": 15709.0, "patient_id": 56}, "age of the row are not where they belong"),
    ],
)
def test_a_row_of_ptb_xl_whose_cells_cannot_be_is_refused(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    write_csv(tmp_path / "ptbxl_database.csv", [ROW | changes])
    write_wfdb(ecg, "00001_hr", tmp_path / "records500" / "00000")
    with pytest.raises(BadRecordError, match=message):
        read_all("ptb-xl", tmp_path)


def test_ptb_xl_at_another_rate_than_its_folder(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    write_csv(tmp_path / "ptbxl_database.csv", [ROW])
    write_wfdb(ecg, "00001_hr", tmp_path / "records500" / "00000", rate=400)
    with pytest.raises(BadRecordError, match="400 Hz"):
        read_all("ptb-xl", tmp_path)


def test_two_rows_that_tell_different_things_of_one_recording_are_both_refused(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    rows = [ROW, ROW | {"age": 57.0}, ROW | {"ecg_id": 2, "filename_hr": "records500/00000/00002_hr"}]
    write_csv(tmp_path / "ptbxl_database.csv", rows)
    for name in ("00001_hr", "00002_hr"):
        write_wfdb(ecg, name, tmp_path / "records500" / "00000")
    summary = ingest_cohort("ptb-xl", tmp_path, tmp_path / "out", workers=1)
    assert (summary["records"], summary["reasons"]) == (1, {"duplicate_id": 2})


def test_a_quotation_mark_too_many_swallows_no_rows(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    rows = [f"records/{name},sinus rhythm" for name in ("a", "b", "c")]
    (tmp_path / "own.csv").write_text(
        "\n".join(["record,report", rows[0].replace("sinus", '"sinus'), *rows[1:]])
    )
    with pytest.raises(RarebeatError, match=r"own\.csv is not a CSV file"):
        ingest_cohort("wfdb", tmp_path, tmp_path / "out", options={"patient_namespace": "x"}, workers=1)


def test_recordings_in_no_row_and_cells_not_understood_are_counted(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    for name in ("a", "b", "c", "d"):
        write_wfdb(ecg, name, tmp_path / "records")
    rows = [
        {"record": "records/a", "age": "63 years", "sex": "F"},
        {"record": "records/b", "age": "", "sex": "x"},
    ]
    write_csv(tmp_path / "own.csv", rows)
    options = {"patient_namespace": "x", "age_column": "age", "sex_column": "sex"}
    summary = ingest_cohort("wfdb", tmp_path, tmp_path / "out", "own", options, workers=1)
    assert summary["not_understood"] == {"age": 1, "sex": 1}
    assert (summary["not_listed"], summary["quarantined"]) == (2, 0)
    lines = "\n".join(summary_lines("own", "wfdb", tmp_path, summary))
    assert "2 recordings lie in the archive's folders and are in no row of its table" in lines
    assert "age of 1, sex of 1 records" in lines


def test_a_fold_above_the_highest_is_refused_unless_the_options_say_otherwise(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    write_wfdb(ecg, "a", tmp_path)
    write_csv(tmp_path / "own.csv", [{"record": "a", "part": 77}])
    options = {"patient_namespace": "x", "fold_column": "part"}
    with pytest.raises(BadRecordError, match="its fold is '77'"):
        read_all("wfdb", tmp_path, options)
    assert read_all("wfdb", tmp_path, options | {"highest_fold": 99})[0].fold == 77


def test_a_row_without_a_fold_is_counted_where_the_others_have_one(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        write_wfdb(ecg, name, tmp_path)
    write_csv(tmp_path / "own.csv", [{"record": "a", "part": 7}, {"record": "b", "part": "NaN"}])
    options = {"patient_namespace": "x", "fold_column": "part"}
    summary = ingest_cohort("wfdb", tmp_path, tmp_path / "out", "own", options, workers=1)
    assert summary["not_understood"] == {"fold": 1}


# --------------------------------------------------------------------- comments


@pytest.mark.parametrize(
    ("comments", "not_understood"),
    [
        (["Age: 74", "Sex: Male", "Dx: 426783006"], ()),
        (["Age: NaN", "Sex: Unknown", "Dx: 426783006"], ()),
        (["Age: 74", "Sex: Mal", "Dx 426783006"], ("dx", "sex")),
        (["Age: 74 years", "Sex: F", "Rx: Unknown", "D: 426783006"], ("dx", "age")),
    ],
)
def test_comments_of_the_challenge(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, comments: list[str], not_understood: tuple[str, ...]
) -> None:
    write_wfdb(ecg, "A1", tmp_path / "georgia", comments=comments)
    (record,) = read_all("challenge", tmp_path)
    assert record.not_understood == not_understood


def test_a_comment_that_is_there_twice(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    write_wfdb(ecg, "A1", comments=["Age: 74", "Age: 47", "Sex: F", "Dx: 426783006"])
    with pytest.raises(BadRecordError, match="tells age twice"):
        read_all("challenge", tmp_path)


LUDB = ["<age>: 51", "<sex>: F", "<diagnoses>:", "Rhythm: Sinus rhythm."]


@pytest.mark.parametrize(
    ("comments", "message"),
    [
        (["<age>: 15", *LUDB[1:]], "different age"),
        ([LUDB[0], "<sex>: M", *LUDB[2:]], "different sex"),
        ([*LUDB[:3], "Rhythm: Atrial fibrillation."], "different diagnoses"),
        ([*LUDB, "Left axis deviation."], "different diagnoses"),
    ],
)
def test_a_ludb_header_that_contradicts_the_table(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, comments: list[str], message: str
) -> None:
    row = {"ID": "1", "Sex": "F\n", "Age": "51\n", "Rhythms": "Sinus rhythm", "Cardiac pacing": ""}
    write_csv(tmp_path / "ludb.csv", [row])
    write_wfdb(ecg, "1", tmp_path / "data", comments=LUDB)
    assert read_all("ludb", tmp_path)[0].age == 51
    write_wfdb(ecg, "1", tmp_path / "data", comments=comments)
    with pytest.raises(BadRecordError, match=message):
        read_all("ludb", tmp_path)


def test_a_changed_gain_in_ludb_is_no_calibration(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    gains = [f"{np.ptp(lead)}(0)/mV" for lead in ecg]
    write_wfdb(ecg, "1", tmp_path / "data", gains=gains, comments=LUDB)
    assert not read_all("ludb", tmp_path)[0].calibrated
    gains[7] = f"{np.ptp(ecg[7]) * 2}(0)/mV"
    write_wfdb(ecg, "1", tmp_path / "data", gains=gains, comments=LUDB)
    with pytest.raises(BadRecordError):
        read_all("ludb", tmp_path)


def test_the_lead_of_ludb_whose_gain_is_wrong_is_named(ecg: Microvolts) -> None:
    signal = np.stack([np.rint(1000.0 * lead / np.ptp(lead)) for lead in ecg]).astype(np.int16)
    check_spans(signal)
    signal[7] //= 2
    with pytest.raises(BadRecordError, match="the gain of V2 is wrong"):
        check_spans(signal)
