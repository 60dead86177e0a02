"""Probabilities as often right as they say, from log odds and what was true."""

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from rarebeat.metrics.arrays import FloatArray

CERTAIN = 1e-6
"""What probabilities of 0 and 1 are taken for, so that they have log odds."""

_STEPS = 100  # more than Newton's method needs
_OFFSET_STEPS = 50  # likewise, for one number whose steps are cut
_LEAST = 1e-9


def log_odds(probability: FloatArray) -> FloatArray:
    """The log odds of probabilities, finite also for 0 and 1 (see :data:`CERTAIN`).

    Args:
        probability: any shape, from 0 to 1.

    Returns:
        The same shape.

    Example:
        >>> log_odds(np.array([0.5, 1.0])).round(1).tolist()
        [0.0, 13.8]
    """
    return np.asarray(logit(np.clip(probability, CERTAIN, 1 - CERTAIN)))


def logit_offset(positive: npt.NDArray[np.bool_], odds: FloatArray, spread: float) -> float:
    """The most likely offset of log odds, expected to be small, so that few positives do not carry it far.

    With it probabilities add up to the positive records, but for what the expectation holds back.

    Args:
        positive: shape (n,), what was true.
        odds: shape (n,), log odds, finite.
        spread: standard deviation of the offsets that are expected; with records by the hundred it does not matter.

    Returns:
        What is to be added to the log odds; 0 without records.

    Source:
        King and Zeng, Logistic regression in rare events data, Political Analysis 9, 2001: another share of positives
        moves the intercept alone; here with a normal prior.

    Example:
        >>> positive = np.arange(1000) < 100
        >>> round(logit_offset(positive, np.zeros(1000), spread=2.0), 2)  # log of 0.1 / 0.9
        -2.19
        >>> round(logit_offset(np.array([False]), np.zeros(1), spread=2.0), 2)
        -0.82
    """
    offset = 0.0
    for _ in range(_OFFSET_STEPS):
        right = expit(odds + offset)
        slope = float(np.sum(right * (1 - right))) + 1 / spread**2
        step = (float(np.sum(right - positive)) + offset / spread**2) / slope
        offset -= float(np.clip(step, -1, 1))
        if abs(step) < _LEAST:
            break
    return offset


def calibrate(odds: FloatArray, positive: npt.NDArray[np.bool_]) -> FloatArray:
    """Calibrated probabilities: a logistic function of log odds, fitted to what was true.

    The two numbers of the function are fitted to the records themselves, which is fair where the model has not been
    trained on them. A model whose log odds fall where they should rise is taken to know nothing.

    Args:
        odds: shape (n,), log odds, finite.
        positive: shape (n,), what was true.

    Returns:
        Shape (n,), between 0 and 1, neither of which is reached.

    Source:
        Platt, Probabilistic outputs for support vector machines, Advances in Large Margin Classifiers, 1999, with his
        targets: (N+ + 1) / (N+ + 2) for positives and 1 / (N- + 2) for negatives.

    Example:
        >>> odds = np.repeat([-4.0, 4.0], 500)  # certain to 98 %, but right in 80 %
        >>> positive = np.tile([False] * 4 + [True], 100), np.tile([True] * 4 + [False], 100)
        >>> calibrate(odds, np.concatenate(positive))[[0, -1]].round(2).tolist()
        [0.2, 0.8]
    """
    hits = int(np.count_nonzero(positive))
    target = np.where(positive, (hits + 1) / (hits + 2), 1 / (len(positive) - hits + 2))
    design = np.stack([odds, np.ones_like(odds)], axis=1)
    fitted = _fit(design, target)
    if fitted[0] < 0:
        fitted = np.append(0.0, _fit(design[:, 1:], target))
    return np.asarray(expit(design @ fitted))


def _fit(design: FloatArray, target: FloatArray) -> FloatArray:
    """Newton's method with half steps, from a flat start: the likelihood has one maximum."""
    fitted = np.zeros(design.shape[1])
    fitted[-1] = np.log(target.mean() / (1 - target.mean()))
    loss = _loss(design @ fitted, target)
    for _ in range(_STEPS):
        right = expit(design @ fitted)
        slope = design.T @ (design * (right * (1 - right))[:, None]) + _LEAST * np.eye(design.shape[1])
        step = np.linalg.solve(slope, design.T @ (right - target))
        while (after := _loss(design @ (fitted - step), target)) > loss and np.abs(step).max() > _LEAST:
            step /= 2
        fitted, gained, loss = fitted - step, loss - after, after
        if gained <= _LEAST * abs(loss):
            break
    return fitted


def _loss(odds: FloatArray, target: FloatArray) -> float:
    return float(np.sum(np.logaddexp(0, odds) - target * odds))
