"""Confidence intervals in closed form, that hold with few positives and near 0 and 1.

A bootstrap cannot see what did not happen: of ten positive records that are all found, every replicate has recall 1,
and its interval has no width. These intervals are inverted score tests: they have a width wherever there are records.
Records of one patient resemble each other, so all take an effective number of records.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtri

from rarebeat.metrics.arrays import BoolArray, FloatArray

Ends = tuple[FloatArray, FloatArray]
"""The low and the high ends."""

_GRID = np.linspace(0, 1, 4001)


def wilson(share: npt.ArrayLike, size: npt.ArrayLike, confidence: float = 0.95) -> Ends:
    """Wilson's interval of a share.

    Args:
        share: from 0 to 1; NaN has the interval NaN.
        size: of how many (effective) records; of none the interval is 0 to 1.
        confidence: 0.95 for a 95 % interval.

    Returns:
        Low and high ends.

    Source:
        Wilson, J Am Stat Assoc 22, 1927.

    Example:
        >>> low, high = wilson([0.9, 1.0], [10, 10])
        >>> low.round(3).tolist(), high.round(3).tolist()
        ([0.596, 0.722], [0.982, 1.0])
    """
    z2 = float(ndtri((1 + confidence) / 2)) ** 2
    p, n = np.asarray(share, dtype=np.float64), np.asarray(size, dtype=np.float64)
    centre = (n * p + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * (n * p * (1 - p) + z2 / 4)) / (n + z2)
    return np.maximum(0, np.minimum(p, centre - half)), np.minimum(1, np.maximum(p, centre + half))


def clopper_pearson(share: npt.ArrayLike, size: npt.ArrayLike, confidence: float = 0.95) -> Ends:
    """The exact interval of a share: each end is wrong with a probability of half of what is left, at most.

    Wilson's interval keeps its promise on average over shares. Near 0 its low end is too high: of one hit in two
    records, which a true share of 0.05 gives one time in ten, it says 0.09 and more.

    Args:
        share: from 0 to 1; NaN has the interval NaN.
        size: of how many (effective) records; of none the interval is 0 to 1.
        confidence: 0.95 for a 95 % interval.

    Returns:
        Low and high ends.

    Source:
        Clopper & Pearson, Biometrika 26, 1934; with an effective size as in Korn & Graubard, Survey Methodol 24, 1998.

    Example:
        >>> low, high = clopper_pearson([0.5, 1.0], [2, 2])
        >>> low.round(3).tolist(), high.round(3).tolist()
        ([0.013, 0.158], [0.987, 1.0])
    """
    p, n = np.asarray(share, dtype=np.float64), np.asarray(size, dtype=np.float64)
    hits, tail = p * n, (1 - confidence) / 2
    low = np.where(hits > 0, betaincinv(np.maximum(hits, 1e-12), n - hits + 1, tail), 0.0)
    high = np.where(hits < n, betaincinv(hits + 1, np.maximum(n - hits, 1e-12), 1 - tail), 1.0)
    return np.where(np.isnan(p), np.nan, low), np.where(np.isnan(p), np.nan, high)


def auroc_interval(
    auroc: npt.ArrayLike, positives: npt.ArrayLike, negatives: npt.ArrayLike, confidence: float = 0.95
) -> Ends:
    """The score interval of AUROC, with the variance that AUROC has where scores are exponential.

    Args:
        auroc: shape (k,); NaN has the interval NaN.
        positives: shape (k,), how many (effective) positive records.
        negatives: shape (k,), how many negative ones.
        confidence: 0.95 for a 95 % interval.

    Returns:
        Low and high ends, shape (k,), to a fine grid.

    Source:
        Newcombe, Stat Med 25:559, 2006, method 5; the variance is that of Hanley & McNeil, Radiology 143, 1982.

    Example:
        >>> low, high = auroc_interval([1.0], [10], [1000])
        >>> low.round(2).tolist(), high.tolist()
        ([0.9], [1.0])
    """
    z2 = float(ndtri((1 + confidence) / 2)) ** 2
    value, m, n = (np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (auroc, positives, negatives))
    low, high = np.full((2, value.size), np.nan)
    for k in np.flatnonzero(~np.isnan(value)):
        others = (m[k] + n[k]) / 2 - 1
        shape = 1 + others * ((1 - _GRID) / (2 - _GRID) + _GRID / (1 + _GRID))
        variance = _GRID * (1 - _GRID) * shape / (m[k] * n[k])
        inside = _GRID[(value[k] - _GRID) ** 2 <= z2 * variance]
        low[k] = min(value[k], *inside[:1])
        high[k] = max(value[k], *inside[-1:])
    return low, high


def patients_worth(totals: FloatArray) -> FloatArray:
    """How many independent records are worth as much, if the records of a patient were all alike.

    Args:
        totals: shape (patients, k), each patient's records.

    Returns:
        Shape (k,), 0 without records.

    Source:
        The effective sample size ``(sum w)^2 / sum w^2`` of Kish, Survey Sampling, 1965.

    Example:
        >>> patients_worth(np.array([[1.0], [1.0], [2.0]])).round(2).tolist()
        [2.67]
    """
    squares = np.einsum("pk,pk->k", totals, totals)
    sums = totals.sum(axis=0)
    return np.asarray(np.divide(sums**2, squares, out=np.zeros_like(sums), where=squares > 0))


def records_worth(hits: FloatArray, totals: FloatArray) -> FloatArray:
    """How many independent records a share of clustered records is worth.

    It is the number of records over their design effect, by the spread of the hits over the patients. It is never
    more than the number of records, nor less than :func:`patients_worth`.

    Args:
        hits: shape (patients, k), how many of each patient's records are hits.
        totals: shape (patients, k), how many records each patient has.

    Returns:
        Shape (k,), 0 without records.

    Source:
        The design effect of Kish, Survey Sampling, 1965, with the variance of a ratio.
    """
    size = totals.sum(axis=0)
    share = hits.sum(axis=0) / np.maximum(size, 1)
    spread = np.square(hits - share * totals).sum(axis=0) / np.maximum(size, 1) ** 2
    least = patients_worth(totals)
    worth = np.divide(share * (1 - share), spread, out=least.copy(), where=spread > 0)
    return np.asarray(np.clip(worth, least, size))


def share_interval(
    hit: BoolArray,
    patients: npt.NDArray[np.object_] | npt.NDArray[np.str_],
    confidence: float = 0.95,
    exact: bool = False,
) -> tuple[float, float, float]:
    """A share of records, and its interval over patients.

    Args:
        hit: shape (n,), one record at least.
        patients: shape (n,), who each record is of.
        confidence: 0.95 for a 95 % interval.
        exact: whether neither end may promise too much, see :func:`clopper_pearson`.

    Returns:
        The share, low and high end of Wilson's or of the exact interval at the effective number of records.

    Example:
        >>> [round(x, 2) for x in share_interval(np.arange(10) < 1, np.arange(10).astype(object))]
        [0.1, 0.02, 0.4]
    """
    owner = np.unique(patients.astype(str), return_inverse=True)[1]
    totals = np.bincount(owner).astype(np.float64)[:, None]
    hits = np.bincount(owner, hit.astype(np.float64)).astype(np.float64)[:, None]
    share = float(hit.mean())
    low, high = (clopper_pearson if exact else wilson)([share], records_worth(hits, totals), confidence)
    return share, float(low[0]), float(high[0])


def mean_interval(values: FloatArray, ends: Ends, correlation: FloatArray) -> tuple[float, float]:
    """The interval of a mean, from the intervals of its parts.

    Args:
        values: shape (k,), the parts.
        ends: of their intervals, each of shape (k,).
        correlation: shape (k, k), of the parts.

    Returns:
        Low and high end; NaN where there are no parts.

    Source:
        Zou & Donner, Stat Med 27:1693, 2008 (variance estimates recovery), with correlated parts.

    Example:
        >>> low, high = mean_interval(np.array([0.5, 0.7]), (np.array([0.4, 0.6]), np.array([0.6, 0.8])), np.eye(2))
        >>> round(low, 3), round(high, 3)
        (0.529, 0.671)
    """
    if not values.size:
        return np.nan, np.nan
    low, high = (
        float(np.sqrt(np.maximum(0.0, side @ correlation @ side))) / values.size
        for side in (values - ends[0], ends[1] - values)
    )
    return float(values.mean()) - low, float(values.mean()) + high
