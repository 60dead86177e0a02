"""The metric of the PhysioNet/CinC Challenge 2020, and the other six numbers of its official table.

Perez Alday et al. 2020 (doi 10.1088/1361-6579/abc960). Of a record with true classes L and called classes P,
every pair (true, called) earns its reward divided by max(1, number of classes in L or P). The sum over all
records is scaled: 0 is what sinus rhythm for every record earns, 1 what the truth itself earns.

The other conventions are the challenge's, and differ from those of :mod:`rarebeat.metrics.classification`: a
class that nobody has, but that was called, counts with F = 0; one that every record has, with the F of its
calls and AUPRC 1. Accuracy is the share of records in which all classes are right. F-beta and G-beta (beta 2)
weigh a record by 1 / max(1, number of its true classes).

The challenge knows no uncertain truth. Here a class whose truth is -1 in a record plays no part in that
record, whether it was called or not. Without -1 the numbers are those of the official script.
"""

from dataclasses import dataclass

import numpy as np

from rarebeat.evaluation.bootstrap import Patients, resample
from rarebeat.metrics.arrays import BoolArray, FloatArray, Probability, Truth, check
from rarebeat.metrics.challenge_classes import CLASSES, SINUS, rewards
from rarebeat.metrics.classification import macro
from rarebeat.metrics.ranking import areas

DECISION_METRICS = ("score", "accuracy", "f", "f_beta", "g_beta")
CHALLENGE_METRICS = ("score", "auroc", "auprc", "accuracy", "f", "f_beta", "g_beta")
BETA = 2


@dataclass(frozen=True)
class Judged:
    """What the metrics of n records are sums of; record weights do not change it.

    Attributes:
        earned: shape (n, 3): by the decisions, by the truth itself, and by sinus rhythm alone.
        exact: shape (n,), 1 where all classes are right.
        share: shape (n,), 1 / max(1, number of true classes).
        hit: shape (n, 24), 1 where a class is true and called.
        called: shape (n, 24).
        true: shape (n, 24).
    """

    earned: FloatArray
    exact: FloatArray
    share: FloatArray
    hit: FloatArray
    called: FloatArray
    true: FloatArray


def judge(truth: Truth, decisions: BoolArray) -> Judged:
    """Judge each record once.

    Args:
        truth: shape (n, 24), classes in the order of
            :data:`~rarebeat.metrics.challenge_classes.CLASSES`.
        decisions: shape (n, 24).

    Returns:
        What the metrics are sums of.

    Raises:
        ValueError: for matrices of other shapes.
    """
    if truth.ndim != 2 or truth.shape[1] != len(CLASSES) or truth.shape != decisions.shape:
        raise ValueError(f"expected two matrices of {len(CLASSES)} columns, found {truth.shape}")
    known = truth >= 0
    true, called = (truth == 1).astype(np.float64), (decisions & known).astype(np.float64)
    hit = true * called
    worth = true @ rewards()  # of each class, if it were called, before the division
    in_truth, in_calls, in_both = (_row_sums(cells) for cells in (true, called, hit))
    sinus = known[:, SINUS].astype(np.float64)
    earned = np.stack(
        [
            np.einsum("nc,nc->n", worth, called) / np.maximum(1, in_truth + in_calls - in_both),
            np.einsum("nc,nc->n", worth, true) / np.maximum(1, in_truth),
            worth[:, SINUS] * sinus / np.maximum(1, in_truth + sinus - true[:, SINUS] * sinus),
        ],
        axis=1,
    )
    exact = ((in_truth == in_both) & (in_calls == in_both)).astype(np.float64)
    return Judged(earned, exact, 1 / np.maximum(1, in_truth), hit, called, true)


def _row_sums(cells: FloatArray) -> FloatArray:
    return np.asarray(cells @ np.ones(cells.shape[1]))  # faster than sum(axis=1)


def score_decisions(judged: Judged, weights: FloatArray | None = None) -> dict[str, FloatArray]:
    """The metrics that need decisions alone, by name as in :data:`DECISION_METRICS`.

    Args:
        judged: n records.
        weights: shape (..., n), for example one row per bootstrap replicate; default: none.

    Returns:
        Metric name to shape (...). The score is 0 where truth and sinus rhythm earn the same, as in the
        official script; accuracy is NaN where all weights are 0.
    """
    if weights is None:
        weights = np.ones(len(judged.exact))
    decided, best, inactive = np.moveaxis(weights @ judged.earned, -1, 0)
    hit, called, true = (weights @ cells for cells in (judged.hit, judged.called, judged.true))
    shared = weights * judged.share
    hit_shared, called_shared, true_shared = (
        shared @ cells for cells in (judged.hit, judged.called, judged.true)
    )
    false_shared, missed_shared = called_shared - hit_shared, true_shared - hit_shared
    return {
        "score": _quotient(decided - inactive, best - inactive, otherwise=0.0),
        "accuracy": _quotient(weights @ judged.exact, weights.sum(axis=-1)),
        "f": macro(_quotient(2 * hit, called + true)),
        "f_beta": macro(
            _quotient(
                (1 + BETA**2) * hit_shared,
                (1 + BETA**2) * hit_shared + false_shared + BETA**2 * missed_shared,
            )
        ),
        "g_beta": macro(_quotient(hit_shared, hit_shared + false_shared + BETA * missed_shared)),
    }


def _quotient(part: FloatArray, whole: FloatArray, otherwise: float = np.nan) -> FloatArray:
    values: FloatArray = np.full(np.shape(whole), otherwise)
    np.divide(part, whole, out=values, where=np.asarray(whole != 0))
    return values


def challenge_metrics(truth: Truth, decisions: BoolArray, probability: Probability) -> dict[str, float]:
    """All seven numbers, by name as in :data:`CHALLENGE_METRICS`; NaN where undefined.

    Args:
        truth: shape (n, 24), classes in the order of
            :data:`~rarebeat.metrics.challenge_classes.CLASSES`.
        decisions: shape (n, 24).
        probability: shape (n, 24), for AUROC and AUPRC.

    Returns:
        Metric name to number.

    Raises:
        RarebeatError: when a probability is not a number.
    """
    check(truth, probability)
    decided = score_decisions(judge(truth, decisions))
    auroc, auprc = areas(truth, probability)
    auprc[(truth == 1).any(axis=0) & ~(truth == 0).any(axis=0)] = 1.0
    values = decided | {"auroc": macro(auroc), "auprc": macro(auprc)}
    return {name: float(values[name]) for name in CHALLENGE_METRICS}


def score_intervals(
    truth: Truth,
    decisions: BoolArray,
    patients: Patients,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[dict[str, float], dict[str, float]]:
    """Bootstrap intervals over patients of the metrics that need decisions alone.

    Args:
        truth: shape (n, 24), classes in the order of
            :data:`~rarebeat.metrics.challenge_classes.CLASSES`.
        decisions: shape (n, 24).
        patients: shape (n,), who each record belongs to.
        replicates: how many times to resample; 0 gives no intervals (NaN).
        confidence: 0.95 for the 2.5th to the 97.5th percentile.
        seed: equal seeds give equal intervals.

    Returns:
        The low ends and the high ends, by name as in :data:`DECISION_METRICS`; NaN where undefined.
    """
    judged = judge(truth, decisions)
    ends = resample(
        lambda weights: score_decisions(judged, weights), patients, len(CLASSES), replicates, confidence, seed
    )
    low, high = ({name: float(value) for name, value in end.items()} for end in ends)
    return low, high
