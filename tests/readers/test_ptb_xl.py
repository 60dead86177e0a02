"""Records and table of PTB-XL."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.readers.reading import PUBLIC, read_all, write_csv

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.records import INCOMPLETE

Microvolts = npt.NDArray[np.int16]
Write = Callable[..., Path]


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


def test_a_column_tells_whether_codes_are_complete(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    write_csv(tmp_path / "ptbxl_database.csv", [ROW | {"all_codes": False}])
    write_wfdb(ecg, "00001_hr", tmp_path / "records500" / "00000")
    (record,) = read_all("ptb-xl", tmp_path, {"complete_column": "all_codes"})
    assert record.codes == ("scp:NORM", "scp:LVOLT", "scp:SR", INCOMPLETE)
    with pytest.raises(RarebeatError, match="no column some_codes"):
        read_all("ptb-xl", tmp_path, {"complete_column": "some_codes"})


def test_a_person_that_the_table_of_ptb_xl_leaves_out_is_taken_from_the_header(
    ecg: Microvolts, write_wfdb: Write, tmp_path: Path
) -> None:
    write_csv(tmp_path / "ptbxl_database.csv", [ROW | {"age": ""}])
    write_wfdb(ecg, "00001_hr", tmp_path / "records500" / "00000", comments=["Age: 63", "Sex: Male"])
    (record,) = read_all("ptb-xl", tmp_path)
    assert (record.age, record.sex) == (63.0, "female")


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
