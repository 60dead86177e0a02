"""Folds: every record in one, no patient in two, each class spread as evenly as patients allow."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import TypeAdapter, ValidationError

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import read_json
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.folds import FoldSettings, assign_folds, read_folds, write_folds
from rarebeat.dataset.split import ShardMeta, Split, take

PREVALENCE = np.array([0.4, 0.1, 0.03, 0.01, 0.003])
CLASSES = ("sinus_rhythm", "atrial_fibrillation", "bigeminy", "avnrt", "fusion_complexes")


@pytest.fixture(scope="module")
def clinic() -> Split:
    """5,000 records of 3,000 patients in two cohorts of unequal size; a patient's records resemble each other."""
    rng = np.random.default_rng(0)
    patients = rng.integers(0, 3000, 5000)
    ill = rng.random((3000, len(PREVALENCE))) < PREVALENCE
    labels = (ill[patients] & (rng.random((5000, len(PREVALENCE))) < 0.8)).astype(np.int8)
    labels[rng.random(labels.shape) < 0.02] = -1
    return Split(
        signals=np.zeros((5000, 12, 1), dtype=np.int16),
        labels=labels,
        record_ids=np.array([f"r{number}" for number in range(5000)], dtype=object),
        cohorts=np.where(patients % 5 == 0, "georgia", "ptb-xl").astype(object),
        patients=np.array([f"p{number}" for number in patients], dtype=object),
        meta=ShardMeta(CLASSES, Preprocessing(samples=1), 0.001, "mV", "hughes24"),
    )


def assigned(split: Split, folds: int = 5, seed: int = 0) -> npt.NDArray[np.int64]:
    return assign_folds(split.labels, split.patients, split.cohorts, folds, seed)


def worst(split: Split, folds: npt.NDArray[np.int64]) -> float:
    """How far a fold is at most from its fair share of a class's positive records, in records."""
    counts = np.array([(split.labels[folds == number] == 1).sum(axis=0) for number in range(5)])
    return float(np.abs(counts - counts.mean(axis=0)).max())


def test_every_record_is_in_one_fold_and_no_patient_in_two(clinic: Split) -> None:
    folds = assigned(clinic)
    assert folds.shape == (5000,)
    assert set(folds) == {0, 1, 2, 3, 4}
    for patient in np.unique(clinic.patients):
        assert len(set(folds[clinic.patients == patient])) == 1


def test_classes_are_spread_far_more_evenly_than_by_chance(clinic: Split) -> None:
    _, owner = np.unique(clinic.patients, return_inverse=True)
    chance = [
        worst(clinic, np.random.default_rng(seed).integers(0, 5, owner.max() + 1)[owner]) for seed in range(9)
    ]
    assert worst(clinic, assigned(clinic)) < 4
    assert np.median(chance) > 15


def test_so_are_the_cohorts_and_the_classes_within_each(clinic: Split) -> None:
    folds = assigned(clinic)
    assert np.ptp(np.bincount(folds)) <= 3
    for cohort in ("georgia", "ptb-xl"):
        rows = clinic.cohorts == cohort
        assert worst(take(clinic, rows), folds[rows]) < 4


def test_a_class_of_as_many_patients_as_there_are_folds_is_in_each() -> None:
    rng = np.random.default_rng(1)
    labels = np.zeros((600, 2), dtype=np.int8)
    labels[rng.choice(600, 200, replace=False), 0] = 1
    labels[[3, 50, 51, 300, 301, 302, 599], 1] = 1
    patients = np.array([f"p{number}" for number in range(600)], dtype=object)
    patients[[50, 51]] = "twice"
    patients[[300, 301]] = "again"  # so seven records of five patients
    cohorts = np.where(np.arange(600) < 100, "small", "large").astype(object)
    for seed in range(5):
        folds = assign_folds(labels, patients, cohorts, 5, seed)
        assert set(folds[labels[:, 1] == 1]) == {0, 1, 2, 3, 4}


def test_neither_the_order_of_the_records_nor_chance_moves_anybody(clinic: Split) -> None:
    folds = assigned(clinic)
    shuffled = np.random.default_rng(2).permutation(5000)
    assert assigned(take(clinic, shuffled)).tolist() == folds[shuffled].tolist()
    assert assigned(clinic).tolist() == folds.tolist()
    assert assigned(clinic, seed=1).tolist() != folds.tolist()


@pytest.mark.parametrize("folds", [1, 4])
def test_too_few_or_too_many_folds_are_one_clear_message(clinic: Split, folds: int) -> None:
    three = take(clinic, np.unique(clinic.patients, return_index=True)[1][:3])
    assert sorted(assigned(three, folds=3)) == [0, 1, 2]
    with pytest.raises(ParamsError, match=f"{folds} folds of 3 patients"):
        assigned(three, folds=folds)


@pytest.mark.parametrize("numbers", [[], [0], [1, 2], [0, 2], [0, 0], [1, 0]])
def test_folds_are_numbered_from_zero_without_gaps(numbers: list[int]) -> None:
    with pytest.raises(ValidationError, match="numbers must be"):
        TypeAdapter(FoldSettings).validate_python({"numbers": numbers})


def test_the_folder_holds_a_row_per_record_and_a_summary(clinic: Split, tmp_path: Path) -> None:
    summary = write_folds(tmp_path / "folds", clinic, FoldSettings(seed=3))
    folds = read_folds(tmp_path / "folds", clinic)
    assert folds.tolist() == assigned(clinic, seed=3).tolist()
    assert read_json(tmp_path / "folds" / "summary.json") == summary
    assert summary["records"] == np.bincount(folds).tolist()
    assert sum(summary["cohorts"]["georgia"]) == (clinic.cohorts == "georgia").sum()
    assert summary["positives"]["avnrt"] == [int((clinic.labels[folds == n, 3] == 1).sum()) for n in range(5)]
    assert sum(summary["patients"]) == len(np.unique(clinic.patients))


def test_folds_of_other_shards_are_refused(clinic: Split, tmp_path: Path) -> None:
    write_folds(tmp_path / "folds", clinic, FoldSettings())
    with pytest.raises(RarebeatError, match="other records than the shards"):
        read_folds(tmp_path / "folds", take(clinic, np.arange(4999)))
    with pytest.raises(RarebeatError, match="cannot read"):
        read_folds(tmp_path / "nowhere", clinic)


def test_nothing_but_earlier_folds_is_replaced(clinic: Split, tmp_path: Path) -> None:
    write_folds(tmp_path / "folds", clinic, FoldSettings())
    write_folds(tmp_path / "folds", clinic, FoldSettings(numbers=(0, 1)))
    assert set(read_folds(tmp_path / "folds", clinic)) == {0, 1}
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RarebeatError, match="was not written by this command"):
        write_folds(tmp_path, clinic, FoldSettings())


def test_dividing_patients_needs_no_network() -> None:
    """The stage that divides patients must not start, or depend on, what trains."""
    code = "import sys, rarebeat.dataset.folds; print([name for name in sys.modules if name.split('.')[0] == 'torch'])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
