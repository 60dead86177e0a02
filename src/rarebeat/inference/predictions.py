"""Predictions as Parquet: what the model said about each record, beside the truth.

One row per record: ``record_id``, ``cohort``, ``patient``, ``split``, where it was looked for
``warning`` (how the record is unlike the training data, and what ingest found doubtful; "" for nothing), and for every
class
``probability.<class>`` (float32), ``truth.<class>`` (int8: 1, 0, or null where it was left out) and
``decision.<class>`` (bool). Probability and decision are null where the model does not know the class (which
happens in cross-validation alone). The schema metadata key ``rarebeat`` holds classes, thresholds, vocabulary, the
classes' short codes and the unit of the signals as JSON; where each split was decided by a model of its own,
``by_split`` beside them has the thresholds of each split.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.parquet import read_table, write_table
from rarebeat.core.records import own_group
from rarebeat.metrics.arrays import BoolArray, FloatArray, Truth
from rarebeat.metrics.classification import decide

Strings = npt.NDArray[np.object_] | npt.NDArray[np.str_]

_KEY = b"rarebeat"
_RECORD_COLUMNS = ("record_id", "cohort", "patient", "split")
_WARNING = "warning"


@dataclass(frozen=True)
class Predictions:
    """Predictions for n records, in rows that belong together.

    Attributes:
        record_ids: shape (n,).
        cohorts: shape (n,).
        patients: shape (n,), the group that splits and the bootstrap keep together.
        splits: shape (n,), such as "validation" and "test".
        classes: names, in column order.
        thresholds: shape (classes,), float64; NaN where the model does not know the class.
        probability: shape (n, classes), float32; likewise NaN.
        truth: shape (n, classes): 1, 0 or -1 (left out).
        warnings: shape (n,), how each record is unlike the training data, and what ingest found doubtful; "" for
            nothing. None where nobody looked.
        voted: shape (n, classes), decisions that the thresholds alone do not make: those of an ensemble, and of
            several models in one table (the thresholds are then means). None for those of one model.
        by_split: where each split was decided by a model of its own: split to its thresholds, shape (classes,).
        vocabulary: that the class ids belong to.
        codes: class id to its short code in the vocabulary.
        units: that the model sees amplitudes in: "mV" or "z", or "" if unknown.
    """

    record_ids: Strings
    cohorts: Strings
    patients: Strings
    splits: Strings
    classes: tuple[str, ...]
    thresholds: FloatArray
    probability: npt.NDArray[np.float32]
    truth: Truth
    warnings: Strings | None = None
    voted: BoolArray | None = None
    by_split: Mapping[str, FloatArray] = field(default_factory=dict)
    vocabulary: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    units: str = ""

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def without_patient(self) -> int:
        """How many records are groups of their own, for their patient is not known."""
        keys = zip(self.patients.tolist(), self.cohorts.tolist(), self.record_ids.tolist(), strict=True)
        return sum(patient == own_group(cohort, record) for patient, cohort, record in keys)

    @property
    def decisions(self) -> BoolArray:
        """Shape (n, classes): what was voted, otherwise probability >= threshold."""
        return decide(self.probability, self.thresholds) if self.voted is None else self.voted

    @property
    def record_thresholds(self) -> FloatArray:
        """Shape (n, classes): the thresholds of each record's split, otherwise those of the table."""
        rows = [self.by_split.get(split, self.thresholds) for split in self.splits.tolist()]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.classes))

    def only(self, split: str) -> "Predictions":
        """Take the records of one split.

        Args:
            split: its name.

        Returns:
            Their predictions.
        """
        return self.rows(self.splits == split)

    def of_cohorts(self, split: str, cohorts: Sequence[str] | None, where: str) -> "Predictions":
        """Leave the records of other cohorts out of one split.

        Args:
            split: its name; the records of other splits stay.
            cohorts: whose records stay; None: all.
            where: the params that name them, for the message.

        Returns:
            The predictions that stay.

        Raises:
            ParamsError: for a cohort without a record in that split.
        """
        if cohorts is None:
            return self
        own = self.splits.astype(str) == split
        there = dict.fromkeys(self.cohorts[own].tolist())
        if absent := [name for name in cohorts if name not in there]:
            raise ParamsError(
                f"{where}: there is no {split} record of {', '.join(absent)}; there are records of "
                f"{', '.join(there) or 'no cohort'}"
            )
        return self.rows(~own | np.isin(self.cohorts.astype(str), list(cohorts)))

    def rows(self, rows: BoolArray) -> "Predictions":
        """Take some records.

        Args:
            rows: bool, shape (n,), which.

        Returns:
            Their predictions.
        """
        return replace(
            self,
            record_ids=self.record_ids[rows],
            cohorts=self.cohorts[rows],
            patients=self.patients[rows],
            splits=self.splits[rows],
            probability=self.probability[rows],
            truth=self.truth[rows],
            warnings=None if self.warnings is None else self.warnings[rows],
            voted=None if self.voted is None else self.voted[rows],
        )

    def known_classes(self) -> "Predictions":
        """Take the classes that the model knows.

        Returns:
            The predictions without the other columns.
        """
        known = np.flatnonzero(~np.isnan(self.thresholds))
        return self if len(known) == len(self.classes) else self.of_classes(known)

    def of_classes(self, columns: npt.NDArray[np.intp]) -> "Predictions":
        """Take some classes.

        Args:
            columns: int, theirs.

        Returns:
            The predictions of them, in the order of the columns.
        """
        return replace(
            self,
            classes=tuple(self.classes[column] for column in columns),
            thresholds=self.thresholds[columns],
            probability=self.probability[:, columns],
            truth=self.truth[:, columns],
            voted=None if self.voted is None else self.voted[:, columns],
            by_split={split: own[columns] for split, own in self.by_split.items()},
        )

    def spread(self, classes: tuple[str, ...], truth: Truth) -> "Predictions":
        """Add columns for classes that the model does not know.

        In the new columns probability and threshold are NaN, and nothing is decided.

        Args:
            classes: names, those there are among them.
            truth: shape (n, classes), of all of them.

        Returns:
            The predictions with the columns of all classes.
        """
        places = [classes.index(name) for name in self.classes]
        probability = np.full(truth.shape, np.nan, dtype=np.float32)
        probability[:, places] = self.probability
        voted = np.zeros(truth.shape, dtype=np.bool_)
        voted[:, places] = self.decisions

        def widened(thresholds: FloatArray) -> FloatArray:
            wide = np.full(len(classes), np.nan)
            wide[places] = thresholds
            return wide

        return replace(
            self,
            classes=classes,
            thresholds=widened(self.thresholds),
            probability=probability,
            truth=truth,
            voted=voted,
            by_split={split: widened(own) for split, own in self.by_split.items()},
        )


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions, whole or not at all.

    Args:
        path: Parquet file to write.
        predictions: any number of records.

    Raises:
        RarebeatError: when the file cannot be written.
    """
    texts = (predictions.record_ids, predictions.cohorts, predictions.patients, predictions.splits)
    columns = {
        name: pa.array(values.tolist(), pa.string())
        for name, values in zip(_RECORD_COLUMNS, texts, strict=True)
    }
    if predictions.warnings is not None:
        columns[_WARNING] = pa.array(predictions.warnings.tolist(), pa.string())
    decisions = predictions.decisions
    for index, name in enumerate(predictions.classes):
        truth = predictions.truth[:, index].astype(np.int8)
        probability = predictions.probability[:, index].astype(np.float32)
        unknown = np.isnan(probability)
        columns[f"probability.{name}"] = pa.array(probability, mask=unknown)
        columns[f"truth.{name}"] = pa.array(truth, mask=truth < 0)
        columns[f"decision.{name}"] = pa.array(decisions[:, index], mask=unknown)

    def named(thresholds: FloatArray) -> dict[str, float]:
        return dict(zip(predictions.classes, thresholds.tolist(), strict=True))

    content: dict[str, object] = {"thresholds": named(predictions.thresholds)}
    if predictions.vocabulary:
        content |= {"vocabulary": predictions.vocabulary, "codes": dict(predictions.codes)}
    if predictions.units:
        content["units"] = predictions.units
    if predictions.by_split:
        content["by_split"] = {split: named(own) for split, own in predictions.by_split.items()}
    metadata = {_KEY: json.dumps(content).encode()}
    write_table(path, pa.table(columns).replace_schema_metadata(metadata))


def read_predictions(path: Path) -> Predictions:
    """Read what :func:`write_predictions` wrote.

    Args:
        path: a Parquet file.

    Returns:
        The predictions.

    Raises:
        RarebeatError: when the file is missing, damaged or not a table of predictions.
    """
    table = read_table(path)
    try:
        content = json.loads((table.schema.metadata or {})[_KEY])
        thresholds: dict[str, float] = content["thresholds"]
        by_split = {
            split: np.array([own[name] for name in thresholds], dtype=np.float64)
            for split, own in content.get("by_split", {}).items()
        }
        names = [*_RECORD_COLUMNS, *([_WARNING] if _WARNING in table.column_names else [])]
        texts = [np.array(table[name].to_pylist(), dtype=object) for name in names]
        probability = [table[f"probability.{name}"].to_numpy() for name in thresholds]
        truth = [table[f"truth.{name}"].fill_null(-1).to_numpy() for name in thresholds]
        decisions = [table[f"decision.{name}"].fill_null(False).to_numpy() for name in thresholds]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise RarebeatError(f"{path} is not a table of predictions ({reason})") from error
    shape = (table.num_rows, len(thresholds))
    record_ids, cohorts, patients, splits, *warnings = texts
    return Predictions(
        record_ids,
        cohorts,
        patients,
        splits,
        classes=tuple(thresholds),
        thresholds=np.array(list(thresholds.values()), dtype=np.float64),
        probability=np.array(probability, dtype=np.float32).T.reshape(shape),
        truth=np.array(truth, dtype=np.int8).T.reshape(shape),
        warnings=warnings[0] if warnings else None,
        voted=np.array(decisions, dtype=np.bool_).T.reshape(shape),
        by_split=by_split,
        vocabulary=content.get("vocabulary", ""),
        codes=content.get("codes", {}),
        units=content.get("units", ""),
    )
