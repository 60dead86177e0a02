"""What measuring one 12-lead signal says of it: beats, rate, regularity, and width, axis and height of the QRS complex.

See :mod:`rarebeat.measure.measuring`, which needs SciPy: half a second that processes spend on its import. This module
does not.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

FEWEST_BEATS = 3
FEWEST_INTERVALS = 5
"""Intervals without which nothing is said about their regularity."""

_TOLERANCE = 0.030  # seconds within which two intervals are alike
_MATCHES = 5  # pairs of alike intervals that an entropy needs; the tolerance grows until there are so many


@dataclass(frozen=True, slots=True)
class Measurements:
    """Measurements on one recording; None is what cannot be measured.

    Attributes:
        beats: time of the middle of each QRS complex, seconds from the start.
        rate: ventricular rate from the median interval, beats per minute; None with fewer than three beats.
        mean_rate: the same from the mean interval.
        variation: mean difference between consecutive intervals, relative to the mean interval
            (:func:`variation`); None with fewer than five intervals.
        entropy: coefficient of sample entropy of the intervals
            (:func:`entropy`); None with fewer than five intervals.
        qrs: duration of the QRS complex of the prevailing kind of beat over all leads, ms; None where fewer than
            three beats are alike, or where the complex cannot be told from ST and T.
        axis: of the QRS complex in the frontal plane, degrees; None where ``qrs`` is, and where the amplitude
            was normalised away.
        limb_voltage: the tallest QRS complex of the limb leads from peak to peak, mV; None where ``qrs`` is,
            and where the amplitude was normalised away.
        chest_voltage: the same of the chest leads.
    """

    beats: tuple[float, ...]
    rate: float | None = None
    mean_rate: float | None = None
    variation: float | None = None
    entropy: float | None = None
    qrs: float | None = None
    axis: float | None = None
    limb_voltage: float | None = None
    chest_voltage: float | None = None


class Extent(IntEnum):
    """How much of a recording is measured; the complexes take a third of the time."""

    NOTHING = 0
    BEATS = 1
    COMPLEXES = 2


def median_rate(intervals: npt.NDArray[np.float64]) -> float:
    """Heart rate by the median interval, beats per minute.

    Args:
        intervals: between consecutive beats, seconds; at least one.
    """
    return 60.0 / float(np.median(intervals))


def mean_rate(intervals: npt.NDArray[np.float64]) -> float:
    """Heart rate by the mean interval, beats per minute.

    Args:
        intervals: between consecutive beats, seconds; at least one.
    """
    return 60.0 / float(np.mean(intervals))


def variation(intervals: npt.NDArray[np.float64]) -> float | None:
    """How much an interval differs from the one before: mean absolute difference over mean interval.

    It is near 0.02 in sinus rhythm and above 0.1 in atrial fibrillation, but also with many ectopic beats.

    Args:
        intervals: between consecutive beats, seconds.

    Returns:
        None where there are fewer than :data:`FEWEST_INTERVALS`.
    """
    if len(intervals) < FEWEST_INTERVALS:
        return None
    return float(np.mean(np.abs(np.diff(intervals))) / np.mean(intervals))


def entropy(intervals: npt.NDArray[np.float64]) -> float | None:
    """How little an interval tells about the next one: the coefficient of sample entropy (COSEn).

    It is made for the few beats of a short recording: ``ln(B / A) + ln(2 r) - ln(mean interval)``, where B counts
    the pairs of intervals that differ by at most r, and A those among them whose next intervals do so too. r is 30
    ms, or more where A would be below 5. About -2.3 in sinus rhythm and -0.4 in atrial fibrillation; a few ectopic
    beats hardly raise it, for the intervals between them stay alike.

    Args:
        intervals: between consecutive beats, seconds.

    Returns:
        None where there are fewer than :data:`FEWEST_INTERVALS`.

    Source:
        Lake and Moorman, Am J Physiol Heart Circ Physiol 2011;300:H319-H325.
    """
    if len(intervals) < FEWEST_INTERVALS:
        return None
    apart = np.abs(intervals[:, None] - intervals)
    pairs = np.triu_indices(len(intervals) - 1, 1)
    first, following = apart[:-1, :-1][pairs], apart[1:, 1:][pairs]
    farther = np.maximum(first, following)
    tolerance = max(_TOLERANCE, float(np.partition(farther, _MATCHES - 1)[_MATCHES - 1]))
    alike, both = np.sum(first <= tolerance), np.sum(farther <= tolerance)
    return float(np.log(alike / both) + np.log(2 * tolerance) - np.log(np.mean(intervals)))
