"""Thresholds that earn most by the metric of the CinC Challenge 2020 on the records they are chosen on.

What a record earns (:mod:`rarebeat.evaluation.challenge`) depends on all its classes together. With the
others fixed, however, it is a sum over records of what calling one class gains or loses: sorted by
probability, one cumulated sum tells the total at every threshold of that class. The search takes one class
after the other, again and again until no move earns more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.metrics.arrays import BoolArray, FloatArray, Probability, Truth
from rarebeat.metrics.ranking import HALF, candidate_thresholds

GRID = np.arange(50, 0, -1) / 100
_ROUNDS = 50  # more than were ever needed
_LEAST_GAIN = 1e-9  # rounding errors are no reason to move


def total_earned(truth: Truth, decisions: BoolArray, rewards: FloatArray) -> float:
    """What decisions earn: the sum over records, before it is scaled to a score.

    Args:
        truth: shape (n, classes): 1, 0 or -1 (plays no part).
        decisions: shape (n, classes).
        rewards: shape (classes, classes), what calling a class (column) earns where another (row) is true.
    """
    true, called = truth == 1, decisions & (truth >= 0)
    earned = np.einsum("nc,nc->n", true @ rewards, called)
    return float(np.sum(earned / np.maximum(1, np.count_nonzero(true | called, axis=1))))


def coordinate_thresholds(truth: Truth, probability: Probability, rewards: FloatArray) -> FloatArray:
    """Coordinate ascent from 0.5, over every threshold that makes a difference.

    A class may end up with a threshold above all its probabilities, where it is never called. Of thresholds
    that earn the same, the present one stays, or else the highest is taken.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        rewards: shape (classes, classes).

    Returns:
        Shape (classes,).
    """
    known = truth >= 0
    candidates = [candidate_thresholds(probability[known[:, k], k]) for k in range(truth.shape[1])]
    return _ascend(truth, probability, rewards, candidates)


def grid_thresholds(truth: Truth, probability: Probability, rewards: FloatArray) -> FloatArray:
    """The same search over 0.01, 0.02 ... 0.50 alone.

    Zhao et al. 2020 (doi 10.22489/CinC.2020.112) name a constrained grid search, without its code; the
    thresholds they published are between 0.04 and 0.51. That no threshold is above 0.5 is thus a reading.
    """
    return _ascend(truth, probability, rewards, [GRID] * truth.shape[1])


@dataclass(frozen=True)
class _Class:
    """The candidates of one class: its known records by falling probability, and how many each calls."""

    thresholds: FloatArray
    order: npt.NDArray[np.intp]
    counts: npt.NDArray[np.intp]


def _ascend(
    truth: Truth, probability: Probability, rewards: FloatArray, candidates: Sequence[FloatArray]
) -> FloatArray:
    true, known = truth == 1, truth >= 0
    worth = true @ rewards
    classes = [
        _prepare(np.flatnonzero(known[:, k]), probability[:, k], cuts) for k, cuts in enumerate(candidates)
    ]
    thresholds = np.full(truth.shape[1], HALF)
    called = (probability >= HALF) & known
    for _ in range(_ROUNDS):
        moved = False
        for k, entry in enumerate(classes):
            gains = _gains(true, called, worth, k)
            totals = np.append(0.0, np.cumsum(gains[entry.order]))[entry.counts]
            best = int(np.argmax(totals))
            if totals[best] > gains[called[:, k]].sum() + _LEAST_GAIN:
                thresholds[k] = entry.thresholds[best]
                called[:, k] = False
                called[entry.order[: entry.counts[best]], k] = True
                moved = True
        if not moved:
            break
    return thresholds


def _prepare(rows: npt.NDArray[np.intp], probability: Probability, thresholds: FloatArray) -> _Class:
    order = rows[np.argsort(-probability[rows], kind="stable")]
    rising = probability[order][::-1].astype(np.float64)
    return _Class(thresholds, order, rising.size - np.searchsorted(rising, thresholds, side="left"))


def _gains(true: BoolArray, called: BoolArray, worth: FloatArray, k: int) -> FloatArray:
    """What each record earns more when class k is called than when it is not; the other classes stay."""
    others = called.copy()
    others[:, k] = False
    earned = np.einsum("nc,nc->n", worth, others)
    involved = np.count_nonzero(true | others, axis=1)
    with_k = np.maximum(1, involved + ~true[:, k])
    gains: FloatArray = (earned + worth[:, k]) / with_k - earned / np.maximum(1, involved)
    return gains
