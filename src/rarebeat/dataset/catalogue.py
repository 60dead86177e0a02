"""The records of several cohorts with their labels and without their signals: what prepare decides on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_json
from rarebeat.core.parquet import read_table
from rarebeat.core.record_files import read_metadata
from rarebeat.dataset.split import ASSUMED_ABSENT, ASSUMED_PRESENT

UNCERTAIN = -1  # in states
UNKNOWN = -2  # in states: null in the label files
MASKED = -1  # in labels: neither present nor absent

SUMMARY = "summary.json"
"""Where the label stage says which classes there are."""

Origin = Literal["text", "codes"]
UncertainPolicy = Literal["mask", "zero", "one"]
Int8 = npt.NDArray[np.int8]

_COLUMNS = [
    "record_id",
    "cohort",
    "patient_id",
    "age",
    "sex",
    "fold",
    "rate",
    "samples",
    "calibrated",
    "fingerprint",
]


@dataclass(frozen=True)
class LabelClasses:
    """The classes that cohorts were labelled with.

    Attributes:
        vocabulary: its name.
        codes: class id to short code, in the order of all tables.
    """

    vocabulary: str
    codes: Mapping[str, str]

    @property
    def ids(self) -> tuple[str, ...]:
        """Class ids, in the order of all tables."""
        return tuple(self.codes)


@dataclass(frozen=True)
class Catalogue:
    """Records and labels of several cohorts, in the order of use.

    Attributes:
        classes: that the labels tell of.
        records: n rows with record_id, cohort, patient_id, age, sex, fold, rate, samples, calibrated and fingerprint.
        states: shape (n, classes), as labelled: 1, 0, UNCERTAIN or UNKNOWN.
        origins: cohort to where its labels come from.
    """

    classes: LabelClasses
    records: pa.Table
    states: Int8
    origins: Mapping[str, Origin]

    def __len__(self) -> int:
        return len(self.states)


def read_catalogue(
    records: Path,
    labels: Path,
    cohorts: Sequence[str],
    origins: Mapping[str, Origin],
) -> Catalogue:
    """Read cohorts and their labels, and check that they fit each other.

    Args:
        records: folder with a folder per cohort, written by ingest.
        labels: folder with a folder per cohort, written by label.
        cohorts: which to read.
        origins: cohort to the labels it takes; one that is not named takes codes where it has any, else text.

    Returns:
        Records and labels, cohort after cohort.

    Raises:
        RarebeatError: naming the file that is missing, damaged or does not fit.
    """
    classes = _read_classes(labels, cohorts)
    tables, states, used = [], [], {}
    for cohort in cohorts:
        table = read_metadata(records / cohort, _COLUMNS)
        tables.append(table.set_column(1, "cohort", pa.repeat(cohort, len(table))))
        origin, content = _read_states(labels / cohort, classes.ids, table, origins.get(cohort))
        states.append(content)
        used[cohort] = origin
    return Catalogue(classes, pa.concat_tables(tables), np.concatenate(states), used)


def _read_classes(labels: Path, cohorts: Sequence[str]) -> LabelClasses:
    """The classes of all cohorts, which must be the same."""
    found = {}
    for cohort in cohorts:
        path = labels / cohort / SUMMARY
        if not path.is_file():
            raise RarebeatError(f"no labels in {path.parent}. {_advice(cohort)}")
        summary = read_json(path)
        try:
            found[cohort] = LabelClasses(summary["vocabulary"], dict(summary["classes"]))
        except (KeyError, TypeError, ValueError) as error:
            raise RarebeatError(f"{path} does not name its classes. {_advice(cohort)}") from error
    first = next(iter(found))
    for cohort, classes in found.items():
        if classes != found[first]:
            raise RarebeatError(
                f"cohort {cohort} was labelled with vocabulary {classes.vocabulary!r}, cohort {first} with "
                f"{found[first].vocabulary!r}, or with two versions of one. {_advice(cohort)}"
            )
    return found[first]


def _advice(cohort: str) -> str:
    return f"Label the cohort {cohort} again (`dvc repro`, or pipeline/label.py)."


def read_labels(
    labels: Path, cohorts: Sequence[str], origins: Mapping[str, Origin]
) -> tuple[LabelClasses, dict[tuple[str, str], Int8]]:
    """Read the labels of some cohorts without their records.

    Args:
        labels: folder with a folder per cohort, written by label.
        cohorts: which to read.
        origins: as for :func:`read_catalogue`.

    Returns:
        The classes, and the states of each record by cohort and record_id, shape (classes,), as in
        :class:`Catalogue`.

    Raises:
        RarebeatError: naming the file that is missing or damaged.
    """
    classes = _read_classes(labels, cohorts)
    found: dict[tuple[str, str], Int8] = {}
    for cohort in cohorts:
        ids = read_table(labels / cohort / "codes.parquet", ["record_id"])
        _, states = _read_states(labels / cohort, classes.ids, ids, origins.get(cohort))
        keys = ((cohort, record) for record in ids.column("record_id").to_pylist())
        found |= dict(zip(keys, states, strict=True))
    return classes, found


def _read_states(
    folder: Path, classes: Sequence[str], records: pa.Table, origin: Origin | None
) -> tuple[Origin, Int8]:
    """Labels of one cohort of that origin, or of the one that a cohort has by default."""
    if origin is not None:
        return origin, _read_origin(folder, origin, classes, records)
    codes = _read_origin(folder, "codes", classes, records)
    if (codes != UNKNOWN).any():
        return "codes", codes
    return "text", _read_origin(folder, "text", classes, records)


def _read_origin(folder: Path, origin: Origin, classes: Sequence[str], records: pa.Table) -> Int8:
    """Labels of one cohort, shape (n, classes), in the order of its records."""
    path = folder / f"{origin}.parquet"
    advice = _advice(folder.name)
    if not path.is_file():
        raise RarebeatError(f"no labels in {path}. {advice}")
    table = read_table(path)
    if table.column_names != ["record_id", *classes]:
        raise RarebeatError(f"{path}: its columns are not the classes of the vocabulary. {advice}")
    if not table.column("record_id").equals(records.column("record_id")):
        raise RarebeatError(f"{path}: its records are not those of the cohort, or in another order. {advice}")
    states = np.empty((len(table), len(classes)), dtype=np.int8)
    for column, name in enumerate(classes):
        states[:, column] = pc.fill_null(table.column(name), UNKNOWN).to_numpy()
    return states


def resolve_uncertain(states: Int8, policy: UncertainPolicy) -> Int8:
    """Decide what uncertain labels count as.

    Args:
        states: any shape, as labelled: 1, 0, UNCERTAIN or UNKNOWN.
        policy: what uncertain counts as: "mask" masks it, "zero" makes it negative, "one" positive. Unknown
            is always masked.

    Returns:
        Labels of the same shape: 1, 0 or MASKED. The policy is for training; whatever it is, evaluation masks.

    Example:
        >>> states = np.array([1, 0, UNCERTAIN, UNKNOWN], dtype=np.int8)
        >>> resolve_uncertain(states, "mask").tolist(), resolve_uncertain(states, "one").tolist()
        ([1, 0, -1, -1], [1, 0, 1, -1])
    """
    labels = states.copy()
    labels[states == UNCERTAIN] = {"mask": MASKED, "zero": 0, "one": 1}[policy]
    labels[states == UNKNOWN] = MASKED
    return labels


def stored_labels(states: Int8, policy: UncertainPolicy) -> Int8:
    """What shards hold: labels, with those apart that are uncertain and that training takes for known.

    Args:
        states: any shape, as labelled: 1, 0, UNCERTAIN or UNKNOWN.
        policy: as for :func:`resolve_uncertain`.

    Returns:
        Of the same shape: 1, 0, MASKED, ASSUMED_PRESENT or ASSUMED_ABSENT, see :class:`rarebeat.dataset.split.Split`.

    Example:
        >>> stored_labels(np.array([1, 0, UNCERTAIN, UNKNOWN], dtype=np.int8), "one").tolist()
        [1, 0, 2, -1]
    """
    labels = resolve_uncertain(states, "mask")
    labels[states == UNCERTAIN] = {"mask": MASKED, "zero": ASSUMED_ABSENT, "one": ASSUMED_PRESENT}[policy]
    return labels
