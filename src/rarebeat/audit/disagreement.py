"""Where a model and the labels disagree, and how much the labels surprise the model.

The model must not have been trained on the records that it is asked about: one that was agrees with their labels,
also with the wrong ones. Predictions of a cross-validation (out of fold), of validation and of test are fine.

Networks are not calibrated alike for all classes, so probabilities are calibrated class by class
(:mod:`rarebeat.metrics.calibration`), by the labels of the very records: the model has not seen them, and two numbers
are fitted. The surprise of a label is the negative logarithm of the calibrated probability of what it says: a label
that the model holds for as good as impossible surprises it much, also where a class is rare, and a label of a class
that the model cannot tell surprises it little.

A class with few positive patients cannot be calibrated, and its thresholds are chance: its disagreements are false
calls. Nor can a network see what its input does not show, as low voltage where every lead is scaled to unit variance.
Such classes have no place in the ranking.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import logit
from scipy.stats import hypergeom

from rarebeat.audit.statistics import wilson
from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.inference.predictions import Predictions, Strings, read_predictions
from rarebeat.labels.signal_rules import RULES
from rarebeat.metrics.arrays import BoolArray, FloatArray, Truth
from rarebeat.metrics.calibration import calibrate

Z_SCORES = "z"
"""Units of signals whose leads are each scaled to unit variance."""

_TRAIN = "train"
_FEW = 5  # disagreements below which nothing stands out
_CHANCE = 0.025  # how often at most chance alone makes a group stand out
_CERTAIN = 1e-7  # what a float32 probability of 0 or 1 is taken for


@dataclass(frozen=True)
class Opinions:
    """What labels and model say of n records, from one or more tables of predictions.

    Attributes:
        record_ids: shape (n,).
        cohorts: shape (n,).
        patients: shape (n,).
        splits: shape (n,), as the tables name them.
        classes: names, in column order.
        label: shape (n, classes): 1, 0 or -1 (left out, or not known to the model).
        probability: shape (n, classes), float64.
        threshold: shape (n, classes): of the model that decided; of an ensemble the mean of its members'.
        decision: shape (n, classes): what the model decides.
        calibrated: shape (n, classes): the calibrated probability; NaN where there is no label.
        units: that the model sees amplitudes in: "mV", "z" (every lead scaled to unit variance), or "" if unknown.
    """

    record_ids: Strings
    cohorts: Strings
    patients: Strings
    splits: Strings
    classes: tuple[str, ...]
    label: Truth
    probability: FloatArray
    threshold: FloatArray
    decision: BoolArray
    calibrated: FloatArray
    units: str = ""

    @property
    def surprise(self) -> FloatArray:
        """Shape (n, classes), as the module defines it: 0 or more, NaN where there is no label."""
        return -np.log(np.where(self.label == 1, self.calibrated, 1 - self.calibrated))

    @property
    def positive_patients(self) -> npt.NDArray[np.int64]:
        """Shape (classes,): how many patients have a positive label."""
        return np.array(
            [np.unique(self.patients[column == 1]).size for column in self.label.T], dtype=np.int64
        )

    def of_classes(self, names: Sequence[str]) -> "Opinions":
        """Take some classes.

        Args:
            names: theirs, in the order wanted.
        """
        columns = [self.classes.index(name) for name in names]
        parts = ("label", "probability", "threshold", "decision", "calibrated")
        return replace(
            self, classes=tuple(names), **{part: getattr(self, part)[:, columns] for part in parts}
        )

    @property
    def disagreement(self) -> BoolArray:
        """Shape (n, classes): there is a label, and the model decides against it."""
        return np.asarray((self.label >= 0) & (self.decision != (self.label == 1)))


def read_opinions(paths: Sequence[Path], classes: Sequence[str] = ()) -> Opinions:
    """Read tables of predictions on records that their model was not trained on.

    Args:
        paths: files written by :func:`rarebeat.inference.predictions.write_predictions`; all of the same classes.
        classes: those to keep; none for all.

    Raises:
        ParamsError: for an unknown class.
        RarebeatError: when a file cannot be read, has a split "train", other classes than the first, or a record that
            came before.
    """
    tables = [read_predictions(path) for path in paths]
    names = tables[0].classes
    for path, table in zip(paths, tables, strict=True):
        if _TRAIN in table.splits:
            raise RarebeatError(
                f"{path} has predictions on records that the model was trained on (split {_TRAIN!r}): it agrees with "
                "their labels, also with the wrong ones. Use out-of-fold predictions, or those on validation and test."
            )
        if table.classes != names:
            raise RarebeatError(f"{path} has other classes than {paths[0]}: audit them one after the other")
    if unknown := [name for name in classes if name not in names]:
        raise ParamsError(f"no class {unknown[0]!r} in {paths[0]}: there are {', '.join(names)}")
    chosen = [index for index, name in enumerate(names) if not classes or name in classes]
    opinions = _join(tables, chosen)
    _check_once(opinions)
    return opinions


def _join(tables: Sequence[Predictions], chosen: Sequence[int]) -> Opinions:
    labels = [np.where(np.isnan(table.probability), np.int8(-1), table.truth) for table in tables]
    label = np.concatenate(labels)[:, chosen]
    probability = np.concatenate([table.probability for table in tables])[:, chosen].astype(np.float64)
    units = {table.units for table in tables}
    return Opinions(
        record_ids=np.concatenate([table.record_ids for table in tables]),
        cohorts=np.concatenate([table.cohorts for table in tables]),
        patients=np.concatenate([table.patients for table in tables]),
        splits=np.concatenate([table.splits for table in tables]),
        classes=tuple(tables[0].classes[index] for index in chosen),
        label=label,
        probability=probability,
        threshold=np.concatenate([table.record_thresholds for table in tables])[:, chosen],
        decision=np.concatenate([table.decisions for table in tables])[:, chosen],
        calibrated=_calibrated(label, probability),
        units=units.pop() if len(units) == 1 else "",
    )


def _calibrated(label: Truth, probability: FloatArray) -> FloatArray:
    calibrated = np.full(probability.shape, np.nan)
    for column in range(label.shape[1]):
        labelled = label[:, column] >= 0
        if labelled.any():
            odds = logit(np.clip(probability[labelled, column], _CERTAIN, 1 - _CERTAIN))
            calibrated[labelled, column] = calibrate(odds, label[labelled, column] == 1)
    return calibrated


def not_ranked(opinions: Opinions, least_positives: int) -> dict[str, str]:
    """Which classes have no place in a ranking of disagreements, and why.

    Args:
        opinions: of records that the model was not trained on.
        least_positives: patients with a positive label that a class needs.

    Returns:
        Class to reason, in the order of the classes.
    """
    reasons: dict[str, str] = {}
    for name, patients in zip(opinions.classes, opinions.positive_patients.tolist(), strict=True):
        if opinions.units == Z_SCORES and name in RULES and RULES[name].amplitude:
            reasons[name] = "its amplitude is not in the input, where every lead is scaled to unit variance"
        elif patients < least_positives:
            reasons[name] = f"{patients} patients with a positive label"
    return reasons


def _check_once(opinions: Opinions) -> None:
    seen: set[tuple[str, str]] = set()
    for key in zip(opinions.cohorts.tolist(), opinions.record_ids.tolist(), strict=True):
        if key in seen:
            raise RarebeatError(
                f"record {key[1]} of {key[0]} comes twice: give each record's prediction once"
            )
        seen.add(key)


@dataclass(frozen=True, slots=True)
class Group:
    """The records of one class and source that have one label, and how many of them the model decides against.

    Attributes:
        class_id: the class.
        cohort: name of the cohort; "" for all.
        source: database within it; "" for all.
        label: what the label says.
        records: how many have this label.
        disagreements: for how many of them the model says the opposite.
        share: disagreements / records.
        low: lower end of the Wilson interval of the share, 95 %.
        high: upper end.
        other_records: how many have this label in the other sources, or for all sources in the other classes.
        other_disagreements: for how many of those the model says the opposite.
    """

    class_id: str
    cohort: str
    source: str
    label: bool
    records: int
    disagreements: int
    share: float
    low: float
    high: float
    other_records: int
    other_disagreements: int

    @property
    def others(self) -> float | None:
        """The share among the others; None where there are none."""
        return self.other_disagreements / self.other_records if self.other_records else None

    @property
    def stands_out(self) -> bool:
        """Whether there are five or more, and more than among the others by Fisher's exact test, one-sided.

        Of groups whose true share is that of the others, at most one in forty
        stands out. Records are counted as independent, which those of one patient and the classes of one record are
        not.
        """
        everything = self.records + self.other_records
        wrong = self.disagreements + self.other_disagreements
        by_chance = hypergeom.sf(self.disagreements - 1, everything, wrong, self.records)
        return bool(self.other_records and self.disagreements >= _FEW and by_chance <= _CHANCE)


def rows_by_source(cohorts: Strings, sources: Strings) -> dict[tuple[str, str], BoolArray]:
    """Which records are of each cohort and source.

    Args:
        cohorts: shape (n,).
        sources: shape (n,), the database of each.

    Returns:
        By cohort and source a mask of shape (n,); none where there is a single source.
    """
    places = sorted(set(zip(cohorts.tolist(), sources.tolist(), strict=True)))
    return {
        place: np.asarray((cohorts == place[0]) & (sources == place[1]))
        for place in places
        if len(places) > 1
    }


def group_disagreements(opinions: Opinions, sources: Strings) -> list[Group]:
    """Count by class and label: over all records, then by cohort and source; groups without records are left out.

    Args:
        opinions: n records.
        sources: shape (n,), the database of each.
    """
    places = rows_by_source(opinions.cohorts, sources)
    groups: list[Group] = []
    for index, name in enumerate(opinions.classes):
        for label in (True, False):
            labelled = opinions.label == int(label)
            wrong = labelled & opinions.disagreement
            other = np.arange(len(opinions.classes)) != index
            everywhere = (labelled[:, index], wrong[:, index])
            groups += _group(name, ("", ""), label, everywhere, (labelled[:, other], wrong[:, other]))
            for place, rows in places.items():
                inside, outside = (tuple(column[part] for column in everywhere) for part in (rows, ~rows))
                groups += _group(name, place, label, inside, outside)
    return groups


def _group(
    name: str,
    place: tuple[str, str],
    label: bool,
    inside: tuple[BoolArray, ...],
    outside: tuple[BoolArray, ...],
) -> Iterator[Group]:
    """One group, unless it is empty; ``inside`` and ``outside`` hold who has the label, and who is disagreed with."""
    records, disagreements = (int(column.sum()) for column in inside)
    if records:
        others = (int(column.sum()) for column in outside)
        yield Group(name, *place, label, records, disagreements, *wilson(disagreements, records), *others)
