"""Ready-made labels through the pipeline: what a table says is the label, in every form a class can be named."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from rarebeat.core.record_files import write_part
from rarebeat.core.records import Record
from rarebeat.labels.codes import CodeLabeller
from rarebeat.labels.extract import label_cohort
from rarebeat.labels.vocabulary import load_vocabulary

LABELLER = CodeLabeller(load_vocabulary("hughes24"))


@pytest.mark.parametrize("name", ["atrial_fibrillation", "Atrial fibrillation", "ATRIAL_FIBRILLATION", "AF"])
def test_a_class_is_named_by_id_code_or_full_name(name: str) -> None:
    code = next(
        entry.code for entry in load_vocabulary("hughes24").classes if entry.id == "atrial_fibrillation"
    )
    labels = LABELLER.label([f"label:{code if name == 'AF' else name}=1"])
    assert labels.states["atrial_fibrillation"] == 1
    assert [evidence.pattern for evidence in labels.evidence] == ["atrial_fibrillation.label"]


def test_one_is_positive_zero_is_negative_and_nothing_is_unknown() -> None:
    states = LABELLER.label(["label:avnrt=1", "label:bigeminy=0"]).states
    assert (states["avnrt"], states["bigeminy"], states["sinus_rhythm"]) == (1, 0, None)


def test_a_column_that_is_no_class_is_counted_and_says_nothing() -> None:
    labels = LABELLER.label(["label:hypertension=1", "label:bigeminy=0"])
    assert (labels.parts, labels.understood) == (2, 1)
    assert LABELLER.knows("label:bigeminy=0")
    assert not LABELLER.knows("label:hypertension=1")


def test_the_stage_writes_them_as_labels_from_codes(tmp_path: Path) -> None:
    signal: npt.NDArray[np.int16] = np.zeros((12, 500), dtype=np.int16)
    records = [
        Record("a", signal, 500.0, "own", codes=("label:AVNRT=1", "label:hypertension=1")),
        Record("b", signal, 500.0, "own"),
    ]
    (tmp_path / "records").mkdir()
    write_part(tmp_path / "records" / "part-00000.parquet", "own", records)
    summary = label_cohort(tmp_path / "records", tmp_path / "labels", "hughes24", signal_checks=False)
    rows = pq.read_table(tmp_path / "labels" / "codes.parquet").to_pylist()
    assert [row["avnrt"] for row in rows] == [1, None]
    assert summary["unmatched_codes"] == {"label:hypertension=1": 1}
