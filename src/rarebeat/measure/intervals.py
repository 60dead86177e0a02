"""Intervals between beats: how fast they come, and how irregularly."""

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

FEWEST = 5
"""Intervals without which nothing is said about their regularity."""

_TOLERANCE = 0.030  # seconds within which two intervals are alike
_MATCHES = 5  # pairs of alike intervals that an entropy needs; the tolerance grows until there are so many


def median_rate(intervals: Float64) -> float:
    """Beats per minute from the median of the intervals (in seconds, at least one)."""
    return 60.0 / float(np.median(intervals))


def mean_rate(intervals: Float64) -> float:
    """Beats per minute from the mean of the intervals (in seconds, at least one)."""
    return 60.0 / float(np.mean(intervals))


def variation(intervals: Float64) -> float | None:
    """How much an interval differs from the one before: mean absolute difference over mean interval.

    It is near 0.02 in sinus rhythm and above 0.1 in atrial fibrillation, but also with many ectopic beats.

    Args:
        intervals: between consecutive beats, seconds.

    Returns:
        None where there are fewer than :data:`FEWEST`.
    """
    if len(intervals) < FEWEST:
        return None
    return float(np.mean(np.abs(np.diff(intervals))) / np.mean(intervals))


def entropy(intervals: Float64) -> float | None:
    """How little an interval tells about the next one: the coefficient of sample entropy (COSEn).

    Lake and Moorman, Am J Physiol Heart Circ Physiol 2011;300:H319-H325, made for the few beats of a short
    recording: ``ln(B / A) + ln(2 r) - ln(mean interval)``, where B counts the pairs of intervals that differ by
    at most r, and A those among them whose next intervals do so too. r is 30 ms, or more where A would be
    below 5. About -2.3 in sinus rhythm and -0.4 in atrial fibrillation; a few ectopic beats hardly raise it,
    for the intervals between them stay alike.

    Args:
        intervals: between consecutive beats, seconds.

    Returns:
        None where there are fewer than :data:`FEWEST`.
    """
    if len(intervals) < FEWEST:
        return None
    apart = np.abs(intervals[:, None] - intervals)
    pairs = np.triu_indices(len(intervals) - 1, 1)
    first, following = apart[:-1, :-1][pairs], apart[1:, 1:][pairs]
    farther = np.maximum(first, following)
    tolerance = max(_TOLERANCE, float(np.partition(farther, _MATCHES - 1)[_MATCHES - 1]))
    alike, both = np.sum(first <= tolerance), np.sum(farther <= tolerance)
    return float(np.log(alike / both) + np.log(2 * tolerance) - np.log(np.mean(intervals)))
