"""The five metrics of a report at once: every class, macro and micro."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.metrics.arrays import BoolArray, FloatArray, Probability, Truth, check
from rarebeat.metrics.classification import Counts, count, decide, macro
from rarebeat.metrics.ranking import (
    Ranking,
    area_under_roc,
    average_precision,
    cumulate,
    rank_classes,
    rank_pooled,
)

DECISION_METRICS = ("f1", "precision", "recall")
RANKING_METRICS = ("auroc", "auprc")
METRICS = (*DECISION_METRICS, *RANKING_METRICS)

MACRO, MICRO = -2, -1
"""The columns behind the classes."""


@dataclass(frozen=True)
class Scores:
    """All metrics of all classes, and their averages. The leading axes (...) are those of the record weights.

    Attributes:
        values: metric name to an array of shape (..., classes + 2): the classes, then in column ``MACRO`` the
            mean over the classes that are averaged and have the metric, and in column ``MICRO`` the metric of all
            class-record pairs pooled. NaN where undefined.
    """

    values: dict[str, FloatArray]


@dataclass(frozen=True)
class Prepared:
    """What does not depend on record weights: decisions, and the sorted records of each class and of all.

    Attributes:
        truth: shape (n, classes).
        decisions: shape (n, classes).
        rankings: one per class; none where AUROC and AUPRC are left out.
        pooled: of all class-record pairs; None likewise.
        averaged: shape (classes,), which classes the macro averages are over.
    """

    truth: Truth
    decisions: BoolArray
    rankings: tuple[Ranking, ...]
    pooled: Ranking | None
    averaged: BoolArray


def prepare(
    truth: Truth,
    probability: Probability,
    thresholds: npt.ArrayLike,
    areas: bool = True,
    averaged: BoolArray | None = None,
) -> Prepared:
    """Sort and decide once.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        thresholds: shape (classes,), or one number for all.
        areas: False leaves AUROC and AUPRC out, which do not depend on the thresholds.
        averaged: shape (classes,), which classes the macro averages are over; default: all.

    Returns:
        What :func:`score` takes.

    Raises:
        RarebeatError: when a probability is not a number.
    """
    check(truth, probability)
    return Prepared(
        truth=truth,
        decisions=decide(probability, thresholds),
        rankings=rank_classes(truth, probability) if areas else (),
        pooled=rank_pooled(truth, probability) if areas else None,
        averaged=np.ones(truth.shape[1], dtype=np.bool_) if averaged is None else averaged,
    )


def score(prepared: Prepared, weights: FloatArray | None = None) -> Scores:
    """Compute all metrics.

    Args:
        prepared: n records.
        weights: shape (..., n), for example one row per bootstrap replicate; default: none.

    Returns:
        Arrays of shape (..., classes + 2).
    """
    values = decision_values(count(prepared.truth, prepared.decisions, weights))
    if prepared.pooled is not None:
        cumulated = [cumulate(ranking, weights) for ranking in (*prepared.rankings, prepared.pooled)]
        for name, area in zip(RANKING_METRICS, (area_under_roc, average_precision), strict=True):
            values[name] = np.stack([area(true, false) for true, false in cumulated], axis=-1)
    return Scores({name: _with_macro(columns, prepared.averaged) for name, columns in values.items()})


def decision_values(counts: Counts) -> dict[str, FloatArray]:
    """The metrics that need decisions alone: each class, then all class-record pairs pooled.

    Args:
        counts: of each class, shape (..., classes).

    Returns:
        Metric name to an array of shape (..., classes + 1).
    """
    pooled = counts.pooled()
    return {
        name: np.concatenate([getattr(counts, name), getattr(pooled, name)], axis=-1)
        for name in DECISION_METRICS
    }


def _with_macro(columns: FloatArray, averaged: BoolArray) -> FloatArray:
    classes, micro = columns[..., :-1], columns[..., -1:]
    return np.concatenate([classes, macro(classes[..., averaged])[..., None], micro], axis=-1)
