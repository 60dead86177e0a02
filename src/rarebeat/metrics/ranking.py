"""Records sorted by score: what AUROC, AUPRC, threshold choice and precision-recall curves are made of.

Sorting is the expensive part and does not depend on record weights, so a bootstrap sorts once and then only
adds up weights. Records of one score are one group (no threshold parts them), and neighbouring scores without a
positive record are merged into one group too: nothing is lost, since neither area changes along them, and a
rare class shrinks from tens of thousands of groups to a few.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rarebeat.metrics.arrays import FloatArray, Probability, Truth

DEFAULT_THRESHOLD = 0.5
"""The threshold where nothing speaks for another."""

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Ranking:
    """The known records of one class (or of all classes pooled), best score first.

    A group is a set of records that no threshold has to part. A run is the positive or the negative part of a group, so
    that the weights of a run can be added up in one go.

    Attributes:
        rows: (known,) index of each record into the weights.
        run_starts: (runs,) where each run starts in ``rows``.
        run_positive: (runs,) whether its records are positive.
        group_ends: (groups,) the last run of each group.
        top: (groups,) highest score in the group.
        bottom: (groups,) lowest score in the group.
    """

    rows: IntArray
    run_starts: IntArray
    run_positive: npt.NDArray[np.bool_]
    group_ends: IntArray
    top: Probability
    bottom: Probability


def rank(truth: npt.NDArray[np.int8], score: Probability, rows: IntArray | None = None) -> Ranking:
    """Sort one class.

    Args:
        truth: shape (n,), 1, 0 or -1 (left out).
        score: shape (n,).
        rows: shape (n,), the record that each entry belongs to; default: the entry itself.

    Returns:
        The known records, best score first.
    """
    # Positives first, then a stable sort: inside a group they stay first.
    chosen = np.concatenate([np.flatnonzero(truth == 1), np.flatnonzero(truth == 0)])
    order = chosen[_falling(score[chosen])]
    score, positive = score[order], truth[order] == 1
    if not order.size:
        nothing = np.zeros(0, dtype=np.intp)
        return Ranking(nothing, nothing, positive, nothing, score, score)

    new_score = _changes(score)
    holds_positive = positive[new_score][np.cumsum(new_score) - 1]  # the score of this record does
    new_group = new_score & (holds_positive | np.append(True, holds_positive[:-1]))
    new_run = new_group | np.append(True, positive[:-1] & ~positive[1:])
    run_starts = np.flatnonzero(new_run)
    starts = np.flatnonzero(new_group)
    last = np.append(starts[1:], order.size) - 1
    return Ranking(
        rows=order if rows is None else rows[order],
        run_starts=run_starts,
        run_positive=positive[run_starts],
        group_ends=np.cumsum(new_run)[last] - 1,
        top=score[starts],
        bottom=score[last],
    )


def _falling(score: Probability) -> IntArray:
    """The order from the highest score to the lowest; equal scores stay as they are.

    NumPy sorts 16-bit integers by radix, many times as fast as floats. The bits of a float, read as an integer,
    rise with its size, so it can be sorted 16 bits at a time, the lowest first.
    """
    integer = np.dtype(f"u{score.itemsize}")
    bits = (score + score.dtype.type(0)).view(integer)  # the sum makes -0.0 the 0.0 that it is equal to
    negative = integer.type(1 << (8 * score.itemsize - 1))
    key = np.where(bits < negative, bits ^ (negative - integer.type(1)), bits)
    order = np.argsort(key.astype(np.uint16), kind="stable")
    for shift in range(16, 8 * score.itemsize, 16):
        digit = (key >> integer.type(shift)).astype(np.uint16)
        order = order[np.argsort(digit[order], kind="stable")]
    return order


def rank_classes(truth: Truth, score: Probability) -> tuple[Ranking, ...]:
    """Sort each class.

    Args:
        truth: shape (n, classes).
        score: shape (n, classes).

    Returns:
        One ranking per class.
    """
    return tuple(rank(truth[:, column], score[:, column]) for column in range(truth.shape[1]))


def rank_pooled(truth: Truth, score: Probability) -> Ranking:
    """Sort all class-record pairs together (for the micro average).

    Args:
        truth: shape (n, classes).
        score: shape (n, classes).

    Returns:
        One ranking.
    """
    records = np.repeat(np.arange(truth.shape[0]), truth.shape[1])
    return rank(truth.ravel(), score.ravel(), records)


def cumulate(ranking: Ranking, weights: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """True and false positives when everything up to and including each group is called positive.

    Args:
        ranking: of n records.
        weights: shape (..., n), for example one row per bootstrap replicate; default: none.

    Returns:
        Two arrays of shape (..., groups).
    """
    if not ranking.rows.size:
        shape = () if weights is None else weights.shape[:-1]
        return np.zeros((*shape, 0)), np.zeros((*shape, 0))
    if weights is None:
        runs = np.diff(ranking.run_starts, append=ranking.rows.size).astype(np.float64)
    else:
        sorted_weights = np.take(weights, ranking.rows, axis=-1)
        runs = np.add.reduceat(sorted_weights, ranking.run_starts, axis=-1)
    positive = np.cumsum(runs * ranking.run_positive, axis=-1)[..., ranking.group_ends]
    negative = np.cumsum(runs * ~ranking.run_positive, axis=-1)[..., ranking.group_ends]
    return positive, negative


def area_under_roc(true: FloatArray, false: FloatArray) -> FloatArray:
    """AUROC by the trapezoid rule over distinct scores: the Mann-Whitney statistic, ties counting half.

    Args:
        true: true positives down to each group, shape (..., groups), from :func:`cumulate`.
        false: false positives, likewise.

    Returns:
        Shape (...); NaN where there are no positives or no negatives.
    """
    width = np.diff(false, axis=-1, prepend=0.0)
    height = true - np.diff(true, axis=-1, prepend=0.0) / 2
    return _divide(np.sum(width * height, axis=-1), _last(true) * _last(false))


def average_precision(true: FloatArray, false: FloatArray) -> FloatArray:
    """AUPRC as average precision: precision at each distinct score, weighted by the recall gained there.

    Args:
        true: true positives down to each group, shape (..., groups), from :func:`cumulate`.
        false: false positives, likewise.

    Returns:
        Shape (...); NaN where there are no positives or no negatives.
    """
    gained = np.diff(true, axis=-1, prepend=0.0)
    called = true + false
    precision = np.divide(true, called, out=np.zeros_like(true), where=called > 0)
    return _divide(np.sum(gained * precision, axis=-1), _last(true) * (_last(false) > 0))


def areas(truth: Truth, score: Probability) -> tuple[FloatArray, FloatArray]:
    """AUROC and AUPRC of each class without record weights, each class sorted once.

    Args:
        truth: shape (n, classes).
        score: shape (n, classes).

    Returns:
        Two arrays of shape (classes,); NaN where undefined.
    """
    columns = np.ascontiguousarray(truth.T), np.ascontiguousarray(score.T)
    cumulated = [_cumulate_unweighted(*column) for column in zip(*columns, strict=True)]
    auroc, auprc = (
        np.array([area(*counts) for counts in cumulated], dtype=np.float64)
        for area in (area_under_roc, average_precision)
    )
    return auroc, auprc


def _cumulate_unweighted(truth: npt.NDArray[np.int8], score: Probability) -> tuple[FloatArray, FloatArray]:
    """What :func:`cumulate` says of :func:`rank`, without the order of the records, and faster.

    Neither area changes but at the scores of positives: there are two places to count at each, above it and below it.
    """
    if (truth < 0).any():
        truth, score = truth[truth >= 0], score[truth >= 0]
    order = _falling(score)
    score, positive = score[order], np.flatnonzero(truth[order] == 1)
    new_score = _changes(score)
    starts = np.append(np.flatnonzero(new_score), score.size)
    group = np.cumsum(new_score)[positive] - 1
    first = np.flatnonzero(_changes(group))  # as many positives lie above it
    group = group[first]
    called = np.stack([starts[group], starts[group + 1]], axis=1)
    true = np.stack([first, np.append(first, positive.size)[1:]], axis=1)
    called, true = np.append(called, score.size), np.append(true, positive.size).astype(np.float64)
    return true, called - true


def _changes(sorted_values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether each value is another than the one before it; the first is."""
    changes = np.ones(sorted_values.size, dtype=np.bool_)
    np.not_equal(sorted_values[1:], sorted_values[:-1], out=changes[1:])
    return changes


def _last(cumulated: FloatArray) -> FloatArray:
    empty = cumulated.shape[-1] == 0
    return np.zeros(cumulated.shape[:-1]) if empty else np.asarray(cumulated[..., -1])


def _divide(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """The quotient; NaN where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full_like(denominator, np.nan), where=denominator > 0)


def midway(lower: Any, upper: Any) -> npt.NDArray[np.floating]:
    """Thresholds between neighbouring scores, so that small differences between machines move no decision.

    A threshold is a number of the scores' own precision, so that rounding cannot carry it to the wrong side.

    Args:
        lower: scores that are not called, an array or one number.
        upper: the next higher scores, which are.

    Returns:
        The means; ``upper`` where no number lies between.
    """
    middle = lower + (upper - lower) / 2
    return np.asarray(np.where(lower < middle, middle, upper))


def candidate_thresholds(scores: Probability) -> FloatArray:
    """List a threshold for every way to part the scores.

    A threshold lies :func:`midway` between two neighbours (0 below the lowest, 1 above the highest).

    Args:
        scores: shape (n,), from 0 to 1, in any order.

    Returns:
        The thresholds, falling: the first calls none of the scores, the last all. Without scores there is
        :data:`DEFAULT_THRESHOLD` alone.
    """
    upper = np.unique(scores)[::-1]
    if not upper.size:
        return np.array([DEFAULT_THRESHOLD])
    lower = np.append(upper[1:], upper.dtype.type(0))
    above = upper[0] + (1 - upper[0]) / 2
    none = above if above > upper[0] else np.nextafter(upper[0], upper.dtype.type(2))
    return np.append(none, midway(lower, upper)).astype(np.float64)
