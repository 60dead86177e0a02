"""Probabilities as often right as they say, from log odds and what was true."""

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from rarebeat.metrics.arrays import FloatArray

_STEPS = 100  # more than Newton's method needs
_LEAST = 1e-9


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
