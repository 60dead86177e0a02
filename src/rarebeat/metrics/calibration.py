"""Probabilities as often right as they say, from log odds and what was true.

:func:`calibrate` asks what a table of log odds is worth; :func:`fit_map` makes the map of a class that is stored with a
model, from as few records as there are. Both are logistic functions of log odds.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from rarebeat.metrics.arrays import BoolArray, FloatArray
from rarebeat.metrics.offsets import log_odds

SPREADS = 0.5, 1.0
"""Standard deviations of the normal priors of slope and offset (``benchmarks/calibration.py`` compares some)."""

LEAST_SLOPE = 0.05
"""A map rises: two records are never as probable as each other where the network tells them apart."""

IDENTITY = 1.0, 0.0
"""The map that changes nothing: slope and offset."""

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


def fit_map(
    odds: FloatArray,
    positive: BoolArray,
    around: tuple[float, float] = IDENTITY,
    with_slope: bool = True,
    spreads: tuple[float, float] = SPREADS,
) -> tuple[float, float]:
    """Fit the map of one class: calibrated log odds are ``slope * odds + offset``.

    It maximises the likelihood times the priors. The fewer the records, the less moves: without positives there is no
    likeliest offset, and without a prior none that is finite.

    Args:
        odds: shape (n,), log odds, finite; of records that the network has not learnt from.
        positive: shape (n,), what was true.
        around: slope and offset that are most likely beforehand.
        with_slope: whether the slope is fitted, too; it stays as it was otherwise, for it takes more records.
        spreads: standard deviations of the priors of slope and offset.

    Returns:
        The slope, which is :data:`LEAST_SLOPE` at least, and the offset.

    Source:
        Platt, Probabilistic outputs for support vector machines, Advances in Large Margin Classifiers, 1999, with
        normal priors instead of his targets.

    Example:
        >>> odds = np.repeat([-4.0, 4.0], 500)  # certain to 98 %, but right in 80 %
        >>> positive = np.concatenate([np.tile([False] * 4 + [True], 100), np.tile([True] * 4 + [False], 100)])
        >>> slope, offset = fit_map(odds, positive)
        >>> round(slope, 2), round(abs(offset), 2)
        (0.35, 0.0)
    """
    target = positive.astype(np.float64)
    mean, precision = np.array(around), np.array(spreads) ** -2.0
    slope = max(around[0], LEAST_SLOPE)
    if with_slope:
        slope, offset = _fit(np.stack([odds, np.ones_like(odds)], axis=1), target, mean, precision)
        if slope >= LEAST_SLOPE:
            return float(slope), float(offset)
        slope = LEAST_SLOPE
    (offset,) = _fit(np.ones((odds.size, 1)), target, mean[1:], precision[1:], slope * odds)
    return float(slope), float(offset)


def mapped(odds: FloatArray, slope: FloatArray | float, offset: FloatArray | float) -> FloatArray:
    """Calibrated probabilities of log odds.

    Args:
        odds: any shape.
        slope: of the maps, that broadcasts with the odds.
        offset: likewise.

    Returns:
        Probabilities.

    Example:
        >>> mapped(np.array([0.0, 2.0]), 0.5, -1.0).round(2).tolist()
        [0.27, 0.5]
    """
    return np.asarray(expit(slope * odds + offset))


def calibration_slope(truth: npt.NDArray[np.bool_], probability: FloatArray) -> float:
    """By how much log odds must be stretched to be calibrated: below 1 they are too sure of themselves.

    Args:
        truth: shape (n,), what was true.
        probability: shape (n,).

    Returns:
        The slope; NaN where any is as good as a steeper one: without positives or without negatives, and where at most
        one probability is common to both, since all positives are at least as probable as all negatives, or at most.

    Source:
        Cox, Two further applications of a model for binary regression, Biometrika 45:562, 1958.

    Example:
        >>> truth = np.tile([True] * 4 + [False], 100)
        >>> round(calibration_slope(np.append(truth, ~truth), np.repeat([0.98, 0.02], 500)), 2)
        0.36
    """
    if not truth.any() or truth.all():
        return float("nan")
    with_it, without = probability[truth], probability[~truth]
    if with_it.min() >= without.max() or with_it.max() <= without.min():
        return float("nan")
    odds = log_odds(probability)
    return float(_fit(np.stack([odds, np.ones_like(odds)], axis=1), truth.astype(np.float64))[0])


def _fit(
    design: FloatArray,
    target: FloatArray,
    mean: FloatArray | float = 0.0,
    precision: FloatArray | float = 0.0,
    base: FloatArray | float = 0.0,
) -> FloatArray:
    """Newton's method with half steps, from a flat start: the likelihood has one maximum, and with the priors, too."""

    def loss_of(values: FloatArray) -> float:
        return _loss(design @ values + base, target) + float(np.sum(precision * (values - mean) ** 2)) / 2

    fitted = np.zeros(design.shape[1])
    share = np.clip(target.mean(), _LEAST, 1 - _LEAST)  # of targets that are 0 or 1 all may be alike
    fitted[-1] = np.log(share / (1 - share))
    loss = loss_of(fitted)
    for _ in range(_STEPS):
        right = expit(design @ fitted + base)
        slope = design.T @ (design * (right * (1 - right))[:, None])
        slope += np.diag(np.broadcast_to(precision + _LEAST, design.shape[1]))
        step = np.linalg.solve(slope, design.T @ (right - target) + precision * (fitted - mean))
        while (after := loss_of(fitted - step)) > loss and np.abs(step).max() > _LEAST:
            step /= 2
        fitted, gained, loss = fitted - step, loss - after, after
        if gained <= _LEAST * abs(loss):
            break
    return fitted


def _loss(odds: FloatArray, target: FloatArray) -> float:
    return float(np.sum(np.logaddexp(0, odds) - target * odds))
