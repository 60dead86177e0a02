"""Folds for cross-validation: stratified by all classes at once, and grouped by patient.

No maintained library does both: scikit-learn's StratifiedGroupKFold takes one label per record,
iterative-stratification and scikit-multilearn know no groups, and maestros, which knows both, makes two parts and
has had no release since 2023. So the iterative stratification of Sechidis et al. 2011 ("On the stratification of
multi-label data", ECML PKDD) is done here over patients instead of records.

A folder of folds::

    data/studies/crossval/folds/
      folds.parquet    record_id, cohort, patient and fold of every record that may be trained on
      summary.json     records, patients and positives of each class, fold by fold
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import atomic, check_replaceable, write_json
from rarebeat.core.params import STRICT, Seed
from rarebeat.core.parquet import read_table, write_table
from rarebeat.dataset.remote import Folder
from rarebeat.dataset.shards import load_split, open_split
from rarebeat.dataset.split import Split, join, take

TABLE = "folds.parquet"

Indices = npt.NDArray[np.int64]
Strings = npt.NDArray[np.object_]


@dataclass(frozen=True, config=STRICT)
class FoldSettings:
    """The group ``folds`` of the params file.

    Attributes:
        numbers: 0, 1, 2 ... one for each fold. A list, since DVC makes a stage of each of its entries.
        seed: of the order of patients with equally many positive records.
    """

    numbers: tuple[int, ...] = (0, 1, 2, 3, 4)
    seed: Seed = 0

    def __post_init__(self) -> None:
        if len(self.numbers) < 2 or self.numbers != tuple(range(len(self.numbers))):
            raise ValueError("numbers must be [0, 1, ...], two or more, one for each fold")


def trainable(shards: Folder, stream: bool = False) -> Split:
    """All records that may be trained on: the training and the validation split, in this order.

    Args:
        shards: folder written by prepare.
        stream: leave the signals in their shards.

    Raises:
        RarebeatError: for a shard that cannot be read.
    """
    read = open_split if stream else load_split
    return join([read(shards, "train"), read(shards, "validation")])


def assign_folds(
    labels: npt.NDArray[np.int8], patients: Strings, cohorts: Strings, folds: int, seed: int = 0
) -> Indices:
    """Give each record a fold; the records of one patient share theirs.

    The rarest class comes first, in it the cohort that has most of it, and in that the patients with most positive
    records. Each goes to the fold that has least of the class from this cohort; among equals to the one that has least
    of it from all cohorts, then to the one with fewest records. Patients without any class are placed at last, by their
    records alone. So a class of k patients is in each of k folds, unless rarer classes have placed its patients.

    Args:
        labels: int8, shape (n, classes): 1 present, anything else counts as absent.
        patients: shape (n,).
        cohorts: shape (n,).
        folds: how many.
        seed: of the order of patients with equally many positive records.

    Returns:
        Shape (n,), from 0 to ``folds - 1``. It does not depend on the order of the records.

    Raises:
        ParamsError: when there are fewer than two folds, or more than patients.

    Source:
        Sechidis et al. 2011, over patients instead of records.
    """
    names, owner = np.unique(patients, return_inverse=True)
    if not 2 <= folds <= len(names):
        raise ParamsError(
            f"{folds} folds of {len(names)} patients: take two folds or more, one patient in each"
        )
    sources, source = np.unique(cohorts, return_inverse=True)
    marks = np.column_stack([labels == 1, np.ones(len(labels), dtype=np.bool_)])
    counts = np.zeros((len(names), len(sources), marks.shape[1]), dtype=np.int64)
    np.add.at(counts, (owner, source), marks)
    order = np.random.default_rng(seed).permutation(len(names))
    chosen = np.empty(len(names), dtype=np.int64)
    chosen[order] = _distribute(counts[order], folds)
    return chosen[owner]


def _distribute(counts: Indices, folds: int) -> Indices:
    """The fold of each patient, from counts of shape (patients, cohorts, classes and at last the records).

    In the paper a record goes to the fold that wants most. All folds deserve the same here: it is the one with least.
    """
    chosen = np.full(len(counts), -1)
    left = counts.sum(axis=0)
    held = np.zeros((folds, *left.shape), dtype=np.int64)
    overall = np.zeros((folds, left.shape[1]), dtype=np.int64)
    while left.any():
        total = left.sum(axis=0)
        mark = np.argmin(np.where(total > 0, total, total.max() + 1))
        cohort = np.argmax(left[:, mark])
        amount = counts[:, cohort, mark]
        candidates = np.flatnonzero((chosen < 0) & (amount > 0))
        for patient in candidates[np.argsort(-amount[candidates], kind="stable")]:
            fold = np.lexsort((overall[:, -1], overall[:, mark], held[:, cohort, mark]))[0]
            chosen[patient] = fold
            held[fold] += counts[patient]
            overall[fold] += counts[patient].sum(axis=0)
            left -= counts[patient]
    return chosen


def write_folds(out: Path, split: Split, settings: FoldSettings) -> dict[str, Any]:
    """Divide the records of a split into folds and write the folder, whole or not at all.

    Args:
        out: folder to write; earlier folds are replaced.
        split: all records that may be trained on.
        settings: how many folds.

    Returns:
        The content of ``summary.json``.

    Raises:
        ParamsError: when there are fewer patients than folds.
        RarebeatError: when ``out`` holds something else, or cannot be written.
    """
    check_replaceable(out, TABLE, ["summary.json"])
    labels = split.targets(split.meta.classes)
    folds = assign_folds(labels, split.patients, split.cohorts, len(settings.numbers), settings.seed)
    table = pa.table(
        {
            "record_id": pa.array(split.record_ids.tolist(), pa.string()),
            "cohort": pa.array(split.cohorts.tolist(), pa.string()),
            "patient": pa.array(split.patients.tolist(), pa.string()),
            "fold": folds,
        }
    )
    summary = summarise_folds(folds, split)
    with atomic(out) as folder:
        folder.mkdir()
        write_table(folder / TABLE, table)
        write_json(folder / "summary.json", summary)
    return summary


def summarise_folds(folds: Indices, split: Split) -> dict[str, Any]:
    """Count records and patients of each fold, in all and by cohort, and the positive records of each class.

    Args:
        folds: shape (n,), the fold of each record.
        split: the n records.

    Returns:
        The content of ``summary.json``: lists with a number for each fold.
    """
    numbers, labels = range(int(folds.max()) + 1), split.targets(split.meta.classes)

    def per_fold(rows: npt.NDArray[np.bool_]) -> list[int]:
        return [int(count) for count in np.bincount(folds[rows], minlength=len(numbers))]

    return {
        "records": per_fold(np.ones(len(folds), dtype=np.bool_)),
        "patients": [len(np.unique(split.patients[folds == number])) for number in numbers],
        "cohorts": {name: per_fold(split.cohorts == name) for name in sorted(set(split.cohorts))},
        "positives": {
            name: per_fold(labels[:, column] == 1) for column, name in enumerate(split.meta.classes)
        },
    }


def read_folds(folder: Path, split: Split) -> Indices:
    """Read the fold of each record of a split.

    Args:
        folder: written by :func:`write_folds`.
        split: the n records.

    Returns:
        Shape (n,), in the order of the split.

    Raises:
        RarebeatError: when there are no folds, or folds of other records.
    """
    table = read_table(folder / TABLE, columns=["record_id", "cohort", "fold"])
    for name, values in (("record_id", split.record_ids), ("cohort", split.cohorts)):
        if table.column(name).to_pylist() != values.tolist():
            raise RarebeatError(
                f"{folder / TABLE} holds the folds of other records than the shards do: divide them anew"
            )
    return np.asarray(table.column("fold").to_numpy(), dtype=np.int64)


def held_out(shards: Folder, folds: Path, number: int) -> Split:
    """The records of one fold, which its model has not learnt from; their signals stay in their shards.

    Raises:
        RarebeatError: for shards or folds that cannot be read or do not belong together.
    """
    everything = trainable(shards, stream=True)
    return take(everything, read_folds(folds, everything) == number)
