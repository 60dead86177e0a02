"""Where a threshold may lie: between two neighbouring scores."""

import numpy as np

from rarebeat.metrics.arrays import FloatArray, Probability

FIXED = 0.5
"""The threshold where nothing speaks for another."""


def cuts_between(scores: Probability) -> FloatArray:
    """A threshold for every way to part the scores, the highest first: it calls none of them, the last all.

    A threshold lies midway between two neighbours (0 below the lowest, 1 above the highest) and is a number
    of the scores' own precision, so that rounding cannot carry it to the wrong side. Without scores there is
    :data:`FIXED` alone.

    Args:
        scores: shape (n,), from 0 to 1, in any order.
    """
    upper = np.unique(scores)[::-1]
    if not upper.size:
        return np.array([FIXED])
    lower = np.append(upper[1:], upper.dtype.type(0))
    middle = lower + (upper - lower) / 2
    cuts = np.where(lower < middle, middle, upper)
    above = upper[0] + (1 - upper[0]) / 2
    none = above if above > upper[0] else np.nextafter(upper[0], upper.dtype.type(2))
    return np.append(none, cuts).astype(np.float64)
