"""CODE-15 % and CODE-test: the row of zeros, the padding, the unit, and the two orders of leads."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from tests.readers.reading import PUBLIC, read_all, write_csv

from rarebeat.core.errors import BadRecordError, MissingSourceError
from rarebeat.core.records import LEADS
from rarebeat.readers.ingest import ingest_cohort

Microvolts = npt.NDArray[np.int16]
LABELS = {"1dAVb": "False", "RBBB": "True", "LBBB": "False", "SB": "False", "ST": "False", "AF": "True"}


def tracing(ecg: Microvolts) -> npt.NDArray[np.float32]:
    """(4096, 12) in units of 0.1 mV, with zeros at both ends."""
    padded = np.zeros((4096, 12), dtype=np.float32)
    padded[1000 : 1000 + ecg.shape[1]] = ecg.T / 100
    return padded


@pytest.fixture
def root(ecg: Microvolts, tmp_path: Path) -> Path:
    """Two exams in a part of three rows: the last holds zeros, and exam_id 0."""
    with h5py.File(tmp_path / "exams_part0.hdf5", "w") as file:
        file["exam_id"] = [1169160, 2873686, 0]
        file["tracings"] = np.stack([tracing(ecg), tracing(2 * ecg), np.zeros((4096, 12))]).astype(np.float32)
    common = {"trace_file": "exams_part0.hdf5", **LABELS}
    rows: list[dict[str, Any]] = [
        {"exam_id": 1169160, "age": 38, "is_male": "True", "patient_id": 523632, **common},
        {"exam_id": 2873686, "age": 73, "is_male": "False", "patient_id": 1724173, **common},
    ]
    write_csv(tmp_path / "exams.csv", rows)
    return tmp_path


def test_the_padding_goes_and_millivolts_are_right(root: Path, ecg: Microvolts) -> None:
    one, two = read_all("code15", root)
    told = np.flatnonzero((ecg != 0).any(axis=0))
    np.testing.assert_allclose(one.signal, ecg[:, told[0] : told[-1] + 1], atol=1)
    np.testing.assert_allclose(two.signal, 2 * one.signal, atol=2)
    assert (one.rate, one.age, one.sex, two.sex) == (400.0, 38.0, "male", "female")
    assert one.patient_id == PUBLIC.of("code", "523632")


def test_all_six_labels_are_told_for_every_exam(root: Path) -> None:
    assert set(read_all("code15", root)[0].codes) == {
        "label:av_block_1st_degree=0",
        "label:right_bundle_branch_block=1",
        "label:left_bundle_branch_block=0",
        "label:sinus_bradycardia=0",
        "label:sinus_tachycardia=0",
        "label:atrial_fibrillation=1",
    }


def test_what_the_table_or_the_file_lacks_is_counted(root: Path, ecg: Microvolts, tmp_path: Path) -> None:
    table = (root / "exams.csv").read_text().splitlines()
    other = table[2].replace("exams_part0", "exams_part1").replace("2873686", "77")
    unknown = table[2].replace("2873686", "78")
    (root / "exams.csv").write_text("\n".join([table[0], table[1], other, unknown]) + "\n")
    summary = ingest_cohort("code15", root, tmp_path / "out", workers=1)
    assert (summary["records"], summary["quarantined"], summary["not_listed"]) == (1, 2, 1)
    assert summary["reasons"] == {"unreadable": 2}


def test_code_test_has_another_order_of_leads(ecg: Microvolts, tmp_path: Path) -> None:
    order = ["I", "II", "III", "aVL", "aVF", "aVR", *LEADS[6:]]
    stored = tracing(ecg[[LEADS.index(name) for name in order]])
    with h5py.File(tmp_path / "ecg_tracings.hdf5", "w") as file:
        file["tracings"] = stored[None]
    write_csv(tmp_path / "attributes.csv", [{"age": 60, "sex": "F"}])
    write_csv(tmp_path / "annotations" / "gold_standard.csv", [dict.fromkeys(LABELS, 0) | {"AF": 1}])
    (record,) = read_all("code15", tmp_path)
    told = np.flatnonzero((ecg != 0).any(axis=0))
    np.testing.assert_allclose(record.signal, ecg[:, told[0] : told[-1] + 1], atol=1)
    assert (record.age, record.sex, record.source) == (60.0, "female", "code-test")
    assert "label:atrial_fibrillation=1" in record.codes


@pytest.mark.parametrize("content", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n" + bytes(50)])
def test_a_damaged_part_refuses_its_exams(content: bytes, root: Path) -> None:
    (root / "exams_part0.hdf5").write_bytes(content)
    with pytest.raises(BadRecordError, match="no tracing"):
        read_all("code15", root)


def test_a_folder_without_either_says_what_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError, match=r"neither exams\.csv nor ecg_tracings\.hdf5.*zenodo"):
        read_all("code15", tmp_path)
