"""Any folder of WFDB records with a CSV that describes them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.readers.reading import PUBLIC, read_all, write_csv

from rarebeat.core.errors import BadRecordError, ParamsError, RarebeatError
from rarebeat.core.records import INCOMPLETE
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import get_source
from rarebeat.readers.wfdb import folder
from rarebeat.readers.wfdb.records import read_wfdb

Microvolts = npt.NDArray[np.int16]
Write = Callable[..., Path]


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


@pytest.mark.parametrize(
    ("cell", "complete"),
    [
        ("True", True),
        ("yes", True),
        ("1", True),
        ("False", False),
        ("no", False),
        ("0.0", False),
        ("", False),
    ],
)
def test_a_column_tells_whether_codes_are_complete(own_folder: Path, cell: str, complete: bool) -> None:
    (own_folder / "own.csv").write_text(f"filename,labels,whole\nrecords250/00519,SR,{cell}\n")
    (record,) = read_all("wfdb", own_folder, {"codes_column": "labels", "complete_column": "whole"})
    assert record.codes == (("scp:SR",) if complete else ("scp:SR", INCOMPLETE))


def test_completeness_that_is_neither_yes_nor_no_spoils_the_record_and_no_codes_are_never_incomplete(
    own_folder: Path,
) -> None:
    options = {"codes_column": "labels", "complete_column": "whole"}
    (own_folder / "own.csv").write_text("filename,labels,whole\nrecords250/00519,SR,perhaps\n")
    with pytest.raises(BadRecordError, match="neither yes nor no"):
        read_all("wfdb", own_folder, options)
    (own_folder / "own.csv").write_text("filename,labels,whole\nrecords250/00519,,False\n")
    assert [record.codes for record in read_all("wfdb", own_folder, options)] == [()]


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


# ------------------------------------------------------------------ tables as MIMIC-IV-ECG has them


def _mimic(root: Path, write_wfdb: Callable[..., Path], ecg: object) -> dict[str, str]:
    for number in (1, 2):
        write_wfdb(ecg, name=f"s{number}", folder=root / "files" / f"p{number}")
    (root / "record_list.csv").write_text(
        "subject_id,study_id,file_name,path\n7,1,s1,files/p1/s1\n8,2,s2,files/p2/s2\n", encoding="utf-8"
    )
    (root / "machine_measurements.csv").write_text(
        "study_id,report_0,report_1,bandwidth\n2,Atrial fibrillation,,0.05\n1,Sinus rhythm,Normal ECG,0.05\n",
        encoding="utf-8",
    )
    return {"csv": "record_list.csv", "patient_column": "subject_id", "patient_namespace": "mimic"}


def test_a_path_is_preferred_to_a_name_and_reports_are_joined(
    write_wfdb: Callable[..., Path], ecg: object, tmp_path: Path
) -> None:
    options = _mimic(tmp_path, write_wfdb, ecg)
    joined = {"text_csv": "machine_measurements.csv", "text_key": "study_id", "text_column": "report_*"}
    entries = folder.discover(tmp_path, options | joined)
    records = [folder.read(entry, Pseudonym(), options | joined) for entry in entries]
    assert [record.record_id for record in records] == ["files/p1/s1", "files/p2/s2"]
    assert [record.text for record in records] == ["Sinus rhythm\nNormal ECG", "Atrial fibrillation"]
    assert records[0].patient_id == Pseudonym().of("mimic", "7")
    with pytest.raises(RarebeatError, match=r"machine_measurements.csv has no column text_\*"):
        folder.discover(tmp_path, options | joined | {"text_column": "text_*"})
    with pytest.raises(RarebeatError, match=r"record_list.csv has no column report_\*"):
        folder.discover(tmp_path, options | {"text_column": "report_*"})
    table = tmp_path / "machine_measurements.csv"
    table.write_text(table.read_text().replace("\n1,", "\n1.0,").replace("\n2,", "\n2.0,"))
    assert [entry.details["text"] for entry in folder.discover(tmp_path, options | joined)] == [
        "Sinus rhythm\nNormal ECG",
        "Atrial fibrillation\n",
    ]


def test_a_recording_of_two_reports_is_refused(
    write_wfdb: Callable[..., Path], ecg: object, tmp_path: Path
) -> None:
    options = _mimic(tmp_path, write_wfdb, ecg)
    options |= {"text_csv": "machine_measurements.csv", "text_key": "study_id", "text_column": "report_0"}
    table = tmp_path / "machine_measurements.csv"
    table.write_text("study_id,report_0\n1,Sinus rhythm\n2,AF\n1,Atrial flutter\n2,AF\n", encoding="utf-8")
    one, two = folder.discover(tmp_path, options)
    with pytest.raises(BadRecordError, match="header_mismatch: it has two reports"):
        folder.read(one, Pseudonym(), options)
    assert folder.read(two, Pseudonym(), options).text == "AF"


def test_text_from_several_columns_of_one_table(
    write_wfdb: Callable[..., Path], ecg: object, tmp_path: Path
) -> None:
    write_wfdb(ecg, name="a", folder=tmp_path)
    (tmp_path / "list.csv").write_text("record,one,two\na,Sinus rhythm,Normal ECG\n", encoding="utf-8")
    options = {"text_column": ["one", "two"], "patient_namespace": "x"}
    (entry,) = folder.discover(tmp_path, options)
    assert folder.read(entry, Pseudonym(), options).text == "Sinus rhythm\nNormal ECG"
    with pytest.raises(RarebeatError, match="has no column three"):
        folder.discover(tmp_path, options | {"text_column": ["one", "three"]})


def test_a_second_table_needs_a_key(write_wfdb: Callable[..., Path], ecg: object, tmp_path: Path) -> None:
    options = _mimic(tmp_path, write_wfdb, ecg) | {"text_csv": "machine_measurements.csv"}
    with pytest.raises(ParamsError, match="text_key"):
        folder.discover(tmp_path, options)


def test_a_file_that_the_header_names_is_named(
    write_wfdb: Callable[..., Path], ecg: object, tmp_path: Path
) -> None:
    header = write_wfdb(ecg, name="k1", folder=tmp_path)
    text = header.read_text()
    header.write_text(text.replace("k1.dat", "k1"))
    (tmp_path / "k1.dat").rename(tmp_path / "k1.mat")
    with pytest.raises(BadRecordError, match=r"names 'k1', and there is no such file; 'k1\.mat' lies beside"):
        read_wfdb(header)
    header.write_text(text.replace("k1.dat", "sub/k1.dat"))
    (tmp_path / "k1.mat").rename(tmp_path / "k1.dat")
    with pytest.raises(
        BadRecordError, match=r"names 'sub/k1\.dat', and there is no such file; 'k1\.dat' lies"
    ):
        read_wfdb(header)
