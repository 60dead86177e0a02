"""What a number is worth that was measured with a few seeds: its mean, and an interval of the mean."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t


@dataclass(frozen=True)
class SeedMean:
    """A mean over seeds.

    Attributes:
        mean: NaN without a number.
        low: end of its interval; NaN for fewer than two seeds.
        high: likewise.
        seeds: how many numbers.
    """

    mean: float
    low: float
    high: float
    seeds: int


def mean_over_seeds(values: npt.ArrayLike, confidence: float = 0.95) -> SeedMean:
    """The mean of a few numbers, with its t-interval.

    The interval is mean ± t s / √n, with the standard deviation s of the n numbers and the quantile t of
    Student's distribution with n - 1 degrees of freedom (Student 1908, Biometrika 6:1): with three seeds it is
    ± 2.5 s. It tells of the seeds alone (first weights, order of examples, dropout): the split is the same for
    all. Give it differences of pairs to compare two ways with the same seeds.

    Args:
        values: shape (seeds,).
        confidence: 0.95 for a 95 % interval.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not numbers.size:
        return SeedMean(np.nan, np.nan, np.nan, 0)
    mean = float(numbers.mean())
    if numbers.size < 2:
        return SeedMean(mean, np.nan, np.nan, 1)
    error = numbers.std(ddof=1) / np.sqrt(numbers.size)
    half = float(t.ppf((1 + confidence) / 2, numbers.size - 1) * error)
    return SeedMean(mean, mean - half, mean + half, numbers.size)
