"""Thresholds for F1 that hold on other patients, also for classes with few positives.

The threshold with the largest F1 of a few positive records hangs on one or two of them. Two things steady it:

- *Bagging*: the mean of the best thresholds over bootstrap replicates of the patients.
- *Expectation*: from the probabilities of all records, not the few positive labels. Of probabilities that are right,
  F1 is expected to be largest where the threshold is half of it. That they are right on average is seen to first:
  a shift of the log odds lets them add up to the positive records.

The threshold lies between the two (in log odds). Bagging weighs n / (n + min_positives), where n is the number of
patients with a positive record: half at ``min_positives``, nearly all where positives are plentiful.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from rarebeat.metrics.arrays import FloatArray, Probability, Truth
from rarebeat.metrics.ranking import DEFAULT_THRESHOLD

MIN_POSITIVES = 10
REPLICATES = 200

_CERTAIN = 1e-6  # what probabilities of 0 and 1 are taken for
_SHIFT = 1.0  # standard deviation of the shifts that are expected, in log odds
_STEPS = 50  # more than Newton's method needs
_BLOCK = 20  # replicates in memory at once


def bagged_thresholds(
    truth: Truth,
    probability: Probability,
    patients: npt.NDArray[np.object_] | npt.NDArray[np.str_] | None = None,
    min_positives: float = MIN_POSITIVES,
    seed: int = 0,
) -> FloatArray:
    """Choose one threshold per class, as the module describes.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        patients: shape (n,), who each record belongs to; default: every record is of another patient.
        min_positives: number of positive patients at which bagging and expectation weigh the same.
        seed: of the replicates.

    Returns:
        Shape (classes,); 0.5 for a class without known positive or negative records.

    Source:
        Breiman, Bagging predictors, Mach Learn 24, 1996. Lipton, Elkan & Naryanaswamy, Optimal thresholding of
        classifiers to maximize F1 measure, ECML 2014: the best threshold is half of the best F1.
    """
    owner = np.arange(len(truth)) if patients is None else np.unique(patients, return_inverse=True)[1]
    draws = _draws(int(owner.max(initial=-1)) + 1, seed)
    thresholds = np.full(truth.shape[1], DEFAULT_THRESHOLD)
    for k in range(truth.shape[1]):
        known = truth[:, k] >= 0
        positive, scores = truth[known, k] == 1, probability[known, k].astype(np.float64)
        if positive.any() and not positive.all():
            people = np.unique(owner[known][positive]).size
            bagged = _bagged(positive, scores, owner[known], draws)
            weight = people / (people + min_positives)
            parts = _log_odds(np.array([bagged, expected_f1_threshold(positive, scores)]))
            thresholds[k] = expit(weight * parts[0] + (1 - weight) * parts[1])
    return thresholds


def _draws(people: int, seed: int) -> npt.NDArray[np.int32]:
    """How often each patient is drawn, shape (replicates, patients)."""
    rng = np.random.default_rng([seed])
    drawn = np.empty((REPLICATES, people), dtype=np.int32)
    for row in drawn:
        row[:] = np.bincount(rng.integers(0, people, people), minlength=people)
    return drawn


def _bagged(
    positive: npt.NDArray[np.bool_],
    scores: FloatArray,
    owner: npt.NDArray[np.int64],
    draws: npt.NDArray[np.int32],
) -> float:
    """The mean over replicates of the threshold with the largest F1, midway between two scores."""
    order = np.argsort(-scores, kind="stable")
    falling, hits = scores[order], positive[order]
    last = np.append(falling[1:] != falling[:-1], True)
    cuts = falling[last]
    midway = (cuts + np.append(cuts[1:], 0.0)) / 2
    found: list[FloatArray] = []
    for start in range(0, len(draws), _BLOCK):
        drawn = draws[start : start + _BLOCK, owner[order]].astype(np.float64)
        called, true = np.cumsum(drawn, axis=1)[:, last], np.cumsum(drawn * hits, axis=1)[:, last]
        usable = true[:, -1] > 0
        f1 = 2 * true[usable] / (called[usable] + true[usable, -1:])
        found.append(midway[np.argmax(f1, axis=1)])
    thresholds = np.concatenate(found)
    return float(thresholds.mean()) if thresholds.size else DEFAULT_THRESHOLD


def expected_f1_threshold(positive: npt.NDArray[np.bool_], scores: FloatArray) -> float:
    """The threshold whose F1 is expected to be largest, by the probabilities after a shift of their log odds.

    Args:
        positive: shape (n,).
        scores: shape (n,), probabilities.

    Returns:
        The threshold, on the scale of the probabilities before the shift.

    Example:
        >>> scores = np.array([0.9, 0.8, 0.2, 0.1])
        >>> round(expected_f1_threshold(np.array([True, True, False, False]), scores), 3)
        0.425
    """
    odds = _log_odds(scores)
    shift = _calibration_shift(positive, odds)
    falling = np.sort(expit(odds + shift))[::-1]
    true = np.cumsum(falling)
    best = float(np.max(2 * true / (np.arange(1, falling.size + 1) + true[-1])))
    return float(expit(logit(best / 2) - shift))


def _calibration_shift(positive: npt.NDArray[np.bool_], odds: FloatArray) -> float:
    """The most likely shift of log odds, expected to be small, so that few positives do not carry it far."""
    shift = 0.0
    for _ in range(_STEPS):
        right = expit(odds + shift)
        slope = float(np.sum(right * (1 - right))) + 1 / _SHIFT**2
        step = (float(np.sum(right - positive)) + shift / _SHIFT**2) / slope
        shift -= float(np.clip(step, -1, 1))
        if abs(step) < 1e-9:
            break
    return shift


def _log_odds(probability: FloatArray) -> FloatArray:
    return np.asarray(logit(np.clip(probability, _CERTAIN, 1 - _CERTAIN)))
