"""The published databases: their layouts, their tables, their traps."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.errors import BadRecordError, MissingSourceError, ParamsError, RarebeatError
from rarebeat.core.records import Record
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import get_source, kinds

Microvolts = npt.NDArray[np.int16]
Write = Callable[..., Path]
PUBLIC = Pseudonym()


def read_all(kind: str, root: Path, options: Mapping[str, Any] | None = None) -> list[Record]:
    source = get_source(kind)
    return [source.read(entry, PUBLIC, options or {}) for entry in source.discover(root, options or {})]


def write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


# ------------------------------------------------------------------ registry


def test_there_are_six_kinds() -> None:
    assert kinds() == ("simulated", "ptb-xl", "challenge", "ludb", "muse-xml", "wfdb")


def test_an_unknown_kind_is_answered_with_all_kinds() -> None:
    with pytest.raises(ParamsError, match=r"'ptbxl'.*ptb-xl, challenge"):
        get_source("ptbxl")


@pytest.mark.parametrize("kind", ["ptb-xl", "challenge", "ludb", "muse-xml", "wfdb"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_missing_archive_says_how_to_get_it(kind: str, exists: bool, tmp_path: Path) -> None:
    root = tmp_path if exists else tmp_path / "absent"
    with pytest.raises(MissingSourceError) as caught:
        list(get_source(kind).discover(root, {}))
    message = str(caught.value)
    assert str(root) in message
    if kind in ("ptb-xl", "challenge", "ludb"):
        assert f"-P {root} https://physionet.org/files/" in message
        assert "CC BY 4.0" in message or "ODC-BY" in message


@pytest.mark.parametrize("kind", ["ptb-xl", "challenge", "ludb", "muse-xml", "wfdb"])
def test_a_misspelt_option_is_an_error(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="raet"):
        list(get_source(kind).discover(tmp_path, {"raet": 100}))


def test_only_hospital_archives_need_a_secret_key() -> None:
    assert [kind for kind in kinds() if get_source(kind).is_private({})] == ["muse-xml", "wfdb"]
    assert not get_source("wfdb").is_private({"patient_namespace": "ptb-xl"})


# ------------------------------------------------------------------ challenge


def test_a_challenge_header_tells_age_sex_and_codes(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    comments = [" Age: 74", " Sex: Male", " Dx: 284470004,427084000", " Rx: Unknown"]
    write_wfdb(ecg, "JS20016", tmp_path / "chapman", "JS20016.mat", offset=24, comments=comments)
    (record,) = read_all("challenge", tmp_path)
    assert (record.record_id, record.source, record.age, record.sex) == ("JS20016", "chapman", 74.0, "male")
    assert record.codes == ("snomed:284470004", "snomed:427084000")
    assert (record.patient_id, record.text, record.calibrated) == (None, None, True)
    np.testing.assert_array_equal(record.signal, ecg)


def test_early_headers_carry_short_names(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    write_wfdb(ecg, "A0001", comments=["Age: NaN", "Sex: Unknown", "Dx: AF,RBBB,I-AVB"])
    (record,) = read_all("challenge", tmp_path)
    assert record.codes == ("cpsc:AF", "cpsc:RBBB", "cpsc:I-AVB")
    assert (record.age, record.sex, record.source) == (None, None, "challenge")


def test_a_record_without_a_diagnosis_has_no_codes(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    write_wfdb(ecg, "A0001", comments=["Dx: Unknown"])
    write_wfdb(ecg, "A0002")
    assert [record.codes for record in read_all("challenge", tmp_path)] == [(), ()]


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("georgia", "georgia"),
        ("training/georgia/g1", "georgia"),
        ("training/ptb-xl/g22", "ptb-xl"),
        ("training", "challenge"),
    ],
)
def test_the_source_is_the_folder_that_names_a_database(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path, folder: str, source: str
) -> None:
    write_wfdb(ecg, "E00001", tmp_path / folder)
    assert [record.source for record in read_all("challenge", tmp_path)] == [source]


# ------------------------------------------------------------------ LUDB


def test_ludb_headers_hold_the_diagnoses_as_text(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    comments = [
        "<age>: >89",
        "<sex>: F",
        "<diagnoses>:",
        "Rhythm: Sinus rhythm.",
        "Left ventricular hypertrophy. ",
    ]
    gains = [f"{np.ptp(lead)}(-7)/mV" for lead in ecg]
    for name in ("10", "9"):
        write_wfdb(ecg, name, tmp_path / "data", names=["i", "ii", "iii", "avr", "avl", "avf", *
                   (f"v{i}" for i in range(1, 7))], gains=gains, comments=comments)  # fmt: skip
    first, second = read_all("ludb", tmp_path)
    assert (first.record_id, second.record_id) == ("9", "10")
    assert first.text == "Rhythm: Sinus rhythm.\nLeft ventricular hypertrophy."
    assert (first.age, first.sex, first.source) == (90.0, "female", "ludb")
    assert first.codes == ("ludb:sinus rhythm", "ludb:left ventricular hypertrophy")
    assert first.patient_id is None  # one record per subject: the record stands for the patient
    assert not first.calibrated  # every lead is scaled to 1 mV
    assert np.abs(np.ptp(first.signal.astype(int), axis=1) - 1000).max() <= 1


def test_a_ludb_header_without_diagnoses_has_no_text(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    write_wfdb(ecg, "1", comments=["<age>: 50"])
    (record,) = read_all("ludb", tmp_path)
    assert (record.text, record.age, record.sex) == (None, 50.0, None)


# ------------------------------------------------------------------ PTB-XL

ROW = {
    "ecg_id": 1,
    "patient_id": 15709.0,
    "age": 300.0,
    "sex": 1,
    "report": "sinusrhythmus periphere niederspannung",
    "scp_codes": "{'NORM': 100.0, 'LVOLT': 0.0, 'SR': 0.0}",
    "strat_fold": 3,
    "filename_lr": "records100/00000/00001_lr",
    "filename_hr": "records500/00000/00001_hr",
}


def test_ptb_xl_rows_tell_patient_report_codes_and_fold(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    write_csv(tmp_path / "ptbxl_database.csv", [ROW])
    write_wfdb(ecg, "00001_hr", tmp_path / "records500" / "00000")
    (record,) = read_all("ptb-xl", tmp_path)
    assert (record.record_id, record.source, record.rate) == ("1", "ptb-xl", 500.0)
    assert record.patient_id == PUBLIC.of("ptb-xl", "15709")
    assert (record.age, record.sex, record.fold) == (90.0, "female", 3)
    assert record.text == "sinusrhythmus periphere niederspannung"
    assert record.codes == ("scp:NORM", "scp:LVOLT", "scp:SR")


def test_ptb_xl_is_read_at_100_hz_when_asked(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> None:
    write_csv(tmp_path / "ptbxl_database.csv", [ROW])
    write_wfdb(ecg, "00001_lr", tmp_path / "records100" / "00000", rate=100)
    (record,) = read_all("ptb-xl", tmp_path, {"rate": 100})
    assert record.rate == 100.0
    with pytest.raises(ParamsError, match="rate"):
        read_all("ptb-xl", tmp_path, {"rate": 250})


def test_a_ptb_xl_table_without_a_column_is_named(tmp_path: Path) -> None:
    write_csv(tmp_path / "ptbxl_database.csv", [{key: ROW[key] for key in ROW if key != "scp_codes"}])
    with pytest.raises(RarebeatError, match="no column scp_codes; its columns are: ecg_id, patient_id"):
        read_all("ptb-xl", tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00garbage", b""], ids=["binary", "empty"])
def test_a_table_that_is_no_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ptbxl_database.csv").write_bytes(content)
    with pytest.raises(RarebeatError, match=r"ptbxl_database\.csv"):
        read_all("ptb-xl", tmp_path)


# ------------------------------------------------------------------ any WFDB folder with a CSV


@pytest.fixture
def own_folder(ecg: Microvolts, write_wfdb: Write, tmp_path: Path) -> Path:
    write_wfdb(ecg, "00519", tmp_path / "records250", rate=250)
    row = {
        "filename": "records250/00519",
        "person": 15709.0,
        "years": 71,
        "gender": "1",
        "words": "sinus rhythm\nConfirmed by ROE on 1/2/2011",
        "part": 8,
        "labels": '{"SR": null, "ISCI": null}',
    }
    write_csv(tmp_path / "own.csv", [row])
    return tmp_path


OPTIONS = {
    "csv": "own.csv",
    "record_column": "filename",
    "patient_column": "person",
    "age_column": "years",
    "sex_column": "gender",
    "sex_values": {0: "male", 1: "female"},
    "text_column": "words",
    "fold_column": "part",
    "codes_column": "labels",
    "patient_namespace": "ptb-xl",
}


def test_options_say_which_column_holds_what(own_folder: Path) -> None:
    (record,) = read_all("wfdb", own_folder, OPTIONS)
    assert record.record_id == "records250/00519"
    assert (record.age, record.sex, record.fold, record.rate, record.source) == (
        71.0,
        "female",
        8,
        250.0,
        "ptb-xl",
    )
    assert record.codes == ("scp:SR", "scp:ISCI")
    assert record.text == "sinus rhythm\nConfirmed by ROE on 1/2/2011"  # public: as published


def test_the_same_namespace_gives_the_same_patients(own_folder: Path) -> None:
    (record,) = read_all("wfdb", own_folder, OPTIONS)
    assert record.patient_id == PUBLIC.of("ptb-xl", "15709")


def test_without_a_namespace_nothing_identifies_anybody(own_folder: Path) -> None:
    options = {key: value for key, value in OPTIONS.items() if key != "patient_namespace"}
    source, private = get_source("wfdb"), Pseudonym(b"a secret key", private=True)
    (entry,) = source.discover(own_folder, options)
    record = source.read(entry, private, options)
    assert record.record_id == private.of("record", "records250/00519")
    assert record.patient_id == private.of("patient", "15709")
    assert record.text == "sinus rhythm"
    assert record.source == "wfdb"


def test_csv_and_record_column_are_found_where_there_is_one_choice(own_folder: Path) -> None:
    (record,) = read_all("wfdb", own_folder, {"codes_column": "labels", "code_system": "own"})
    assert record.codes == ("own:SR", "own:ISCI")
    assert (record.patient_id, record.age, record.sex, record.fold, record.text) == (None,) * 5


def test_two_csv_files_need_a_choice(own_folder: Path) -> None:
    write_csv(own_folder / "other.csv", [{"a": 1}])
    with pytest.raises(ParamsError, match=r"other\.csv, own\.csv.*option csv"):
        read_all("wfdb", own_folder)


def test_an_unclear_record_column_needs_a_choice(tmp_path: Path) -> None:
    write_csv(tmp_path / "own.csv", [{"id": 1, "where": "a"}])
    with pytest.raises(ParamsError, match="record_column; the columns are: id, where"):
        read_all("wfdb", tmp_path)


def test_a_column_that_is_not_there_is_named(own_folder: Path) -> None:
    with pytest.raises(RarebeatError, match="no column age"):
        read_all("wfdb", own_folder, {"age_column": "age"})


def test_a_csv_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("filename\n")
    with pytest.raises(RarebeatError, match="no rows"):
        read_all("wfdb", tmp_path)


def test_a_cell_of_codes_that_is_damaged_spoils_one_record_only(own_folder: Path) -> None:
    (own_folder / "own.csv").write_text("filename,labels\nrecords250/00519,{'SR': \n")
    with pytest.raises(BadRecordError, match="unreadable"):
        read_all("wfdb", own_folder, {"codes_column": "labels"})
