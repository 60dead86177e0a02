"""SPH: float16 millivolts, lengths that differ, and statements with modifiers."""

from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from tests.readers.reading import PUBLIC, read_all

from rarebeat.core.errors import BadRecordError
from rarebeat.labels.codes import CodeLabeller
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.readers.databases.sph import codes_of
from rarebeat.readers.ingest import ingest_cohort

Microvolts = npt.NDArray[np.int16]


@pytest.fixture
def root(ecg: Microvolts, tmp_path: Path) -> Path:
    (tmp_path / "records").mkdir()
    with h5py.File(tmp_path / "records" / "A00001.h5", "w") as file:
        file["ecg"] = (ecg / 1000).astype(np.float16)
    (tmp_path / "metadata.csv").write_text(
        "ECG_ID,AHA_Code,Patient_ID,Age,Sex,N,Date\nA00001,22;60+310,S00001,55,M,1000,2020-03-04\n"
    )
    return tmp_path


def test_a_record_is_read_with_all_its_statements(root: Path, ecg: Microvolts) -> None:
    (record,) = read_all("sph", root)
    np.testing.assert_allclose(record.signal, ecg, atol=1)  # float16 holds a millivolt to half a microvolt
    assert (record.rate, record.age, record.sex) == (500.0, 55.0, "male")
    assert record.codes == ("aha:22", "aha:60+310")
    assert record.patient_id == PUBLIC.of("sph", "S00001")
    states = CodeLabeller(load_vocabulary("hughes24")).label(record.codes).states
    assert (states["sinus_bradycardia"], states["premature_ventricular_complexes"]) == (1, 1)
    assert states["atrial_fibrillation"] == 0


def test_a_length_that_the_table_contradicts_is_refused(root: Path) -> None:
    table = (root / "metadata.csv").read_text()
    (root / "metadata.csv").write_text(table.replace(",1000,", ",5000,"))
    with pytest.raises(BadRecordError, match="truncated: 1000 samples, and the table says '5000'"):
        read_all("sph", root)


def test_codes_that_are_no_numbers_are_refused(root: Path) -> None:
    table = (root / "metadata.csv").read_text()
    (root / "metadata.csv").write_text(table.replace("60+310", "60+x"))
    with pytest.raises(BadRecordError, match="AHA_Code holds 'x'"):
        read_all("sph", root)


def test_a_file_that_no_row_names_is_counted(root: Path, tmp_path: Path) -> None:
    (root / "records" / "A00002.h5").write_bytes((root / "records" / "A00001.h5").read_bytes())
    assert ingest_cohort("sph", root, tmp_path / "out", workers=1)["not_listed"] == 1


def test_a_shape_that_is_no_ecg_is_refused(root: Path) -> None:
    with h5py.File(root / "records" / "A00001.h5", "w") as file:
        file["ecg"] = np.zeros((1000, 12), dtype=np.float16)
    with pytest.raises(BadRecordError, match=r"shape \(1000, 12\), expected \(12, samples\)"):
        read_all("sph", root)


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        ("1", ("aha:1",)),
        ("21;50+346", ("aha:21", "aha:50+346")),
        ("105+346", ("aha:105+346",)),
        ("60+310+341; 30", ("aha:60+310+341", "aha:30")),
        ("60;60+308;60", ("aha:60", "aha:60+308")),  # one statement twice, once with a modifier
        (" 22 ; 147 + 367 ;", ("aha:22", "aha:147+367")),
    ],
)
def test_a_modifier_stays_with_its_statement(cell: str, codes: tuple[str, ...]) -> None:
    assert codes_of(cell) == codes


@pytest.mark.parametrize("cell", ["60+", "+310", "60++310", "60,30", "60+x"])
def test_a_broken_statement_is_refused(cell: str) -> None:
    with pytest.raises(BadRecordError, match="AHA_Code holds"):
        codes_of(cell)
