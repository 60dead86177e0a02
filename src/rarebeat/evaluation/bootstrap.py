"""Confidence intervals that know of patients.

The recordings of one patient resemble each other, so a replicate draws *patients* with replacement and takes
all their recordings (a cluster bootstrap). The intervals hold the model and its thresholds fixed: they tell what other
patients would have scored, not what another training would have.

- Precision and recall have Wilson's interval at their effective number of records, F1 that of TP / (TP + FP + FN),
  of which it is a rising function.
- AUROC and AUPRC have the percentiles of the replicates, but never less than the interval in closed form
  (:mod:`rarebeat.metrics.intervals`; AUPRC is taken for a share of its positive patients): a class that is told
  apart without an error in the data is so in every replicate.
- A macro average has the interval that follows from those of its classes and from how the classes go together in the
  replicates. All replicates are over the same classes: one that lacks positives of any is left out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from rarebeat.evaluation.scores import (
    MACRO,
    RANKING_METRICS,
    Prepared,
    Scores,
    decision_values,
    score,
)
from rarebeat.metrics.arrays import BoolArray, FloatArray
from rarebeat.metrics.classification import Counts
from rarebeat.metrics.intervals import (
    Ends,
    auroc_interval,
    mean_interval,
    patients_worth,
    records_worth,
    wilson,
)
from rarebeat.metrics.ranking import IntArray
from rarebeat.metrics.resampled import PatientGroups, all_resampled_areas, draws_type, patient_groups

Patients = npt.NDArray[np.object_] | npt.NDArray[np.str_]

_BLOCK = 4_000_000  # class-record pairs times replicates in memory at once: 32 MB per temporary array
_DRAWS = 64  # replicates at a time where patients are counted instead of records
_USABLE = 0.5  # share of replicates in which a metric must be defined to get an interval


@dataclass(frozen=True)
class Intervals:
    """Intervals; NaN where a metric is undefined, and where no intervals were asked for.

    Attributes:
        low: the low end of every metric.
        high: the high end.
    """

    low: Scores
    high: Scores


@dataclass(frozen=True)
class PatientCounts:
    """The records of each patient, class by class, then those of all classes pooled: shape (patients, classes + 1).

    Attributes:
        hit: positive and called.
        called: called, of those with a known truth.
        positive: positive.
        known: with a known truth.
    """

    hit: FloatArray
    called: FloatArray
    positive: FloatArray
    known: FloatArray


def draw_patients(patients: int, replicates: int, seed: int, block: int) -> Iterator[npt.NDArray[np.int64]]:
    """Draw as many patients as there are, with replacement, again and again.

    Args:
        patients: how many there are.
        replicates: how many times to draw.
        seed: equal seeds give equal draws.
        block: replicates at a time; it does not change the draws.

    Yields:
        How often each was drawn, shape (up to ``block``, patients).
    """
    rng = np.random.default_rng([seed])
    for start in range(0, replicates, block):
        yield np.array(
            [
                np.bincount(rng.integers(0, patients, patients), minlength=patients)
                for _ in range(min(block, replicates - start))
            ]
        )


def patient_weights(patients: Patients, replicates: int, seed: int, block: int) -> Iterator[FloatArray]:
    """Draw patients with replacement, and take all their records.

    Args:
        patients: shape (n,), who each record belongs to.
        replicates: how many times to draw.
        seed: equal seeds give equal weights.
        block: replicates at a time; it does not change the weights.

    Yields:
        Record weights, shape (up to ``block``, n): how often each record's patient was drawn.
    """
    names, owner = np.unique(patients, return_inverse=True)
    for drawn in draw_patients(names.size, replicates, seed, block):
        yield drawn[:, owner].astype(np.float64)


def replicate_scores(
    prepared: Prepared, patients: Patients, replicates: int, seed: int = 0
) -> dict[str, FloatArray]:
    """Score each replicate: what :func:`~rarebeat.evaluation.scores.score` says of its record weights, but faster.

    Args:
        prepared: n records.
        patients: shape (n,), who each record belongs to.
        replicates: how many times to resample.
        seed: equal seeds give equal replicates.

    Returns:
        Metric name to an array of shape (replicates, classes + 2): the classes, MACRO and MICRO. A macro average is
        NaN in a replicate that lacks the metric of one of its classes.
    """
    names, owner = np.unique(patients, return_inverse=True)
    counts, cells = _count_by_patient(prepared, owner, names.size), prepared.truth.size
    rankings = () if prepared.pooled is None else (*prepared.rankings, prepared.pooled)
    groups = [patient_groups(ranking, owner, names.size, cells) for ranking in rankings]
    parts = [
        _score_draws(drawn, counts, groups, draws_type(cells))
        for drawn in draw_patients(names.size, replicates, seed, _DRAWS)
    ]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {name: _with_macro(values, prepared.averaged) for name, values in joined.items()}


def _score_draws(
    drawn: npt.NDArray[np.int64],
    counts: PatientCounts,
    groups: list[PatientGroups],
    dtype: type[np.float32] | type[np.float64],
) -> dict[str, FloatArray]:
    weights = drawn.astype(dtype)

    def total(cells: FloatArray) -> FloatArray:
        return np.asarray((weights @ cells[:, :-1].astype(dtype)).astype(np.float64))

    hit, called, positive, known = map(total, (counts.hit, counts.called, counts.positive, counts.known))
    false = called - hit
    values = decision_values(Counts(hit, false, positive - hit, known - positive - false))
    if groups:
        areas = all_resampled_areas(groups, np.ascontiguousarray(weights.T))
        values |= dict(zip(RANKING_METRICS, areas, strict=True))
    return values


def _count_by_patient(prepared: Prepared, owner: IntArray, patients: int) -> PatientCounts:
    entries = (np.ones(owner.size), owner, np.arange(owner.size + 1))
    by_patient = csr_array(entries, shape=(owner.size, patients)).T

    def total(cells: BoolArray) -> FloatArray:
        classes = by_patient @ cells.astype(np.float64)
        return np.concatenate([classes, classes.sum(axis=1, keepdims=True)], axis=1)

    positive, known = prepared.truth == 1, prepared.truth >= 0
    hit, called = positive & prepared.decisions, prepared.decisions & known
    return PatientCounts(total(hit), total(called), total(positive), total(known))


def _with_macro(columns: FloatArray, averaged: BoolArray) -> FloatArray:
    classes = columns[:, :-1]
    # The mean and not the mean of what is defined: every replicate is over the same classes.
    macro = classes[:, averaged].mean(axis=1) if averaged.any() else np.full(len(columns), np.nan)
    return np.concatenate([classes, macro[:, None], columns[:, -1:]], axis=1)


def bootstrap(
    prepared: Prepared, patients: Patients, replicates: int = 1000, confidence: float = 0.95, seed: int = 0
) -> Intervals:
    """Intervals of every metric, as the module describes.

    Args:
        prepared: n records.
        patients: shape (n,), who each record belongs to.
        replicates: how many times to resample; 0 gives no intervals.
        confidence: 0.95 for a 95 % interval.
        seed: equal seeds give equal intervals.

    Returns:
        The intervals of all classes, and of their averages; NaN where there are fewer than two patients.

    Raises:
        ValueError: when there are more or fewer patients than records.
    """
    if len(patients) != len(prepared.truth):
        raise ValueError(f"{len(patients)} patients for {len(prepared.truth)} records")
    names, owner = np.unique(patients, return_inverse=True)
    point = score(prepared).values
    if names.size < 2 or not replicates:
        nothing = Scores({name: np.full_like(values, np.nan) for name, values in point.items()})
        return Intervals(nothing, nothing)
    drawn = replicate_scores(prepared, patients, replicates, seed)
    closed = _closed_form(point, _count_by_patient(prepared, owner, names.size), confidence)
    low, high = dict[str, FloatArray](), dict[str, FloatArray]()
    for name, values in point.items():
        ends = closed[name]
        if name in RANKING_METRICS:
            below, above = percentiles(np.delete(drawn[name], MACRO, axis=1), confidence)
            ends = np.fmin(ends[0], below), np.fmax(ends[1], above)
        macro = _macro_interval(values, ends, drawn[name], prepared.averaged)
        low[name], high[name] = (
            np.insert(end, end.size - 1, limit) for end, limit in zip(ends, macro, strict=True)
        )
    return Intervals(Scores(low), Scores(high))


def _closed_form(point: dict[str, FloatArray], counts: PatientCounts, confidence: float) -> dict[str, Ends]:
    """The intervals of each class and of the pooled pairs, shape (classes + 1,), that need no replicates."""
    values = {name: np.delete(column, MACRO) for name, column in point.items()}
    both = counts.called + counts.positive - counts.hit
    sides = {"precision": counts.called, "recall": counts.positive, "f1": both}
    ends: dict[str, Ends] = {}
    for name, side in sides.items():
        share = counts.hit.sum(axis=0) / np.maximum(side.sum(axis=0), 1)
        low, high = wilson(share, records_worth(counts.hit, side), confidence)
        if name == "f1":
            low, high = 2 * low / (1 + low), 2 * high / (1 + high)
        undefined = np.isnan(values[name])
        ends[name] = np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)
    if set(RANKING_METRICS) <= set(values):
        positives = patients_worth(counts.positive)
        negatives = patients_worth(counts.known - counts.positive)
        ends["auroc"] = auroc_interval(values["auroc"], positives, negatives, confidence)
        ends["auprc"] = wilson(values["auprc"], positives, confidence)
    return ends


def _macro_interval(
    values: FloatArray, ends: Ends, drawn: FloatArray, averaged: BoolArray
) -> tuple[float, float]:
    usable = drawn[:, :MACRO][:, averaged]
    usable = usable[~np.isnan(usable).any(axis=1)]
    moving = usable.std(axis=0) > 0 if len(usable) > 1 else np.zeros(usable.shape[1], dtype=np.bool_)
    correlation = np.eye(usable.shape[1])
    if moving.any():
        correlation[np.ix_(moving, moving)] = np.corrcoef(usable[:, moving], rowvar=False)
    parts = values[:MACRO][averaged]
    own = tuple(end[:-1][averaged] for end in ends)
    return mean_interval(parts, (own[0], own[1]), correlation)


def resample(
    metrics: Callable[[FloatArray], dict[str, FloatArray]],
    patients: Patients,
    classes: int,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Percentile intervals of whatever can be computed from record weights.

    Args:
        metrics: takes weights of shape (replicates, n), and returns arrays of shape (replicates, ...).
        patients: shape (n,), who each record belongs to.
        classes: how many numbers a record has: decides how many replicates are worked on at a time.
        replicates: how many times to resample; 0 gives no intervals (NaN).
        confidence: 0.95 for the 2.5th to the 97.5th percentile.
        seed: equal seeds give equal intervals.

    Returns:
        The low ends and the high ends, by the names of the metrics, shape (...).
    """
    if np.unique(patients).size < 2:
        replicates = 0
    block = max(1, _BLOCK // max(1, len(patients) * classes))
    parts = [metrics(weights) for weights in patient_weights(patients, replicates, seed, block)]
    if not parts:
        plain = metrics(np.ones((1, len(patients))))
        nothing = {name: np.full_like(values[0], np.nan) for name, values in plain.items()}
        return nothing, nothing
    ends = {
        name: percentiles(np.concatenate([part[name] for part in parts]), confidence) for name in parts[0]
    }
    low, high = ({name: end[index] for name, end in ends.items()} for index in (0, 1))
    return low, high


def percentiles(values: FloatArray, confidence: float = 0.95) -> FloatArray:
    """The ends of the middle part of replicates, without those that are NaN.

    Args:
        values: shape (replicates, ...).
        confidence: 0.95 for the 2.5th and the 97.5th percentile.

    Returns:
        Shape (2, ...); NaN where fewer than half of the replicates are numbers.
    """
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    columns = values.reshape(len(values), -1)
    ends = np.full((2, columns.shape[1]), np.nan)
    for index, column in enumerate(columns.T):
        usable = column[~np.isnan(column)]
        if usable.size >= _USABLE * len(values):
            ends[:, index] = np.quantile(usable, tails)
    return ends.reshape(2, *values.shape[1:])
