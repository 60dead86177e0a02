"""The median beat of a recording: where its QRS complex begins and ends, how tall it is, and which way it points."""

import math

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import uniform_filter1d

from rarebeat.core.arithmetic import medians, percentiles
from rarebeat.core.records import LEADS
from rarebeat.measure.qrs import RATE

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

BEFORE, AFTER = 60, 70
"""Samples of the median beat before and after the middle of the QRS complex (240 and 280 ms)."""

_CORE = 30  # samples to either side of the middle by which beats are compared
_SHIFT = 10  # samples by which a beat may be moved to fit the others
_SIMILAR = 0.7  # correlation with the median that a beat of the same kind has
_FEWEST = 3

_LOW = 0.2  # of the median range of the leads: a lower lead is not enlarged, it may hold nothing but noise
_SMOOTH = 5  # samples over which velocity is averaged: 20 ms
_PEAK = 25  # samples around the middle among which the steepest one is looked for
_CONTRAST = 3.0  # times the velocity of the quiet that a complex reaches
_EDGE = 0.07  # of the highest velocity, above that of the quiet: where the complex begins and ends
_QUIET = 5  # samples: 20 ms below that are an end
_REST = 15  # percentile of the velocity that is taken for that of the quiet
_SHORTEST, _LONGEST = 10, 60  # samples: beyond 40 to 240 ms the complex was not told from what is around it
_INTERVAL = 1000 / RATE  # ms from sample to sample
_LIMB = LEADS.index("V1")  # how many limb leads go before the chest leads


def median_beat(values: Float64, beats: Int64) -> Float64 | None:
    """The median over the beats of the prevailing kind, aligned.

    Args:
        values: shape (leads, n) at :data:`rarebeat.measure.qrs.RATE`.
        beats: samples in the middle of the QRS complexes.

    Returns:
        Shape (leads, BEFORE + AFTER); None where fewer than three complete beats are alike.
    """
    first, last = BEFORE + _SHIFT, values.shape[1] - AFTER - _SHIFT
    middles = beats[(beats >= first) & (beats <= last)]
    if len(middles) < _FEWEST:
        return None
    # Slopes are compared, not values: a wandering baseline has hardly any.
    slopes = np.diff(values, axis=1)
    template = _around(slopes, _most_usual(slopes, middles), _CORE)
    for _ in range(2):
        middles, similarity = _align(slopes, middles, template)
        alike = middles[similarity >= _SIMILAR]
        if len(alike) < _FEWEST:
            return None
        template = medians(_around(slopes, alike, _CORE), axis=1)
    # A beat that was moved twice may reach beyond an end of the recording.
    whole = alike[(alike >= BEFORE) & (alike <= values.shape[1] - AFTER)]
    if len(whole) < _FEWEST:
        return None
    return medians(values[:, whole[:, None] + np.arange(-BEFORE, AFTER)], axis=1)


def _around(slopes: Float64, middles: npt.ArrayLike, reach: int) -> Float64:
    """The slopes around each beat: shape (leads, beats, 2 * reach), or without beats for a single one."""
    return np.asarray(slopes[:, np.asarray(middles)[..., None] + np.arange(-reach, reach)])


def _most_usual(slopes: Float64, middles: Int64) -> int:
    """The beat that correlates best with the other beats."""
    shapes = _around(slopes, middles, _CORE).transpose(1, 0, 2).reshape(len(middles), -1)
    shapes = shapes / np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), 1e-12)
    return int(middles[np.argmax(np.median(shapes @ shapes.T, axis=1))])


def _align(slopes: Float64, middles: Int64, template: Float64) -> tuple[Int64, Float64]:
    """Move each beat to where it resembles the template most; how much it does (a correlation)."""
    parts = _around(slopes, middles, _CORE + _SHIFT)
    leads, beats, samples = parts.shape
    places = 2 * _SHIFT + 1
    # The template at every place as one matrix: products with all beats are then a product of matrices.
    beside = np.zeros((leads, samples + 2 * _SHIFT))
    beside[:, 2 * _SHIFT : -2 * _SHIFT] = template
    placed = sliding_window_view(beside, places, axis=1)[:, :, ::-1].reshape(leads * samples, places)
    products = parts.transpose(1, 0, 2).reshape(beats, -1) @ placed
    energy = np.zeros((beats, samples + 1))
    np.cumsum(np.square(parts).sum(axis=0), axis=1, out=energy[:, 1:])
    power = energy[:, 2 * _CORE :] - energy[:, : -2 * _CORE]
    similarity = products / np.maximum(np.sqrt(power) * np.linalg.norm(template), 1e-12)
    best = similarity.argmax(axis=1)
    return middles + best - _SHIFT, similarity[np.arange(beats), best]


def qrs_bounds(beat: Float64) -> tuple[int, int] | None:
    """First and last sample of the QRS complex, from the earliest lead to the latest.

    It is where the velocity of all leads together (their root mean square slope, each relative to the range of
    its lead) stays above a small part of its maximum. Averaging over 20 ms makes a complex with sharp corners up to
    16 ms longer; those of real recordings are round.

    Args:
        beat: shape (leads, BEFORE + AFTER), from :func:`median_beat`.

    Returns:
        Samples of ``beat``; None where it does not stand out, where no quiet is found around it, or where that
        leaves less than 40 or more than 240 ms.
    """
    span = np.ptp(beat, axis=1, keepdims=True)
    span = np.maximum(span, max(_LOW * float(np.median(span)), 1e-9))
    velocity = np.sqrt(np.mean((np.diff(beat, axis=1) / span) ** 2, axis=0))
    velocity = uniform_filter1d(velocity, _SMOOTH)
    centre = slice(BEFORE - _PEAK, BEFORE + _PEAK)
    peak = BEFORE - _PEAK + int(np.argmax(velocity[centre]))
    (rest,) = percentiles(velocity, (_REST,))
    if velocity[peak] < _CONTRAST * rest:
        return None
    moving = velocity > rest + _EDGE * (velocity[peak] - rest)
    before = _first_quiet(moving[peak::-1])
    after = _first_quiet(moving[peak:])
    if before is None or after is None or not _SHORTEST <= before + after <= _LONGEST:
        return None
    return peak - before + 1, peak + after


def _first_quiet(moving: npt.NDArray[np.bool_]) -> int | None:
    """The first index from which on nothing moves for a while."""
    runs = np.flatnonzero(~sliding_window_view(moving, _QUIET).any(axis=1))
    return int(runs[0]) if len(runs) else None


def qrs_duration(bounds: tuple[int, int]) -> float:
    """Milliseconds from onset to end."""
    return (bounds[1] - bounds[0]) * _INTERVAL


def qrs_axis(beat: Float64, bounds: tuple[int, int]) -> float | None:
    """The direction of the mean QRS vector in the frontal plane.

    The net areas of I and aVF over the line from onset to end give ``atan2(2 aVF, sqrt(3) I)``: augmented leads
    are weaker than bipolar ones (Novosel et al., Croat Med J 1999;40:77-79).

    Args:
        beat: shape (12, BEFORE + AFTER), calibrated.
        bounds: from :func:`qrs_bounds`.

    Returns:
        Degrees, above -180 and up to 180: 0 points to the left arm, 90 down. None where both areas are zero.
    """
    start, end = bounds
    complexes = beat[[LEADS.index("I"), LEADS.index("aVF")], start : end + 1]
    baseline = np.linspace(complexes[:, 0], complexes[:, -1], complexes.shape[1], axis=1)
    left, down = (complexes - baseline).sum(axis=1)
    if left == down == 0:
        return None
    return math.degrees(math.atan2(2 * down, math.sqrt(3) * left))


def qrs_voltages(beat: Float64, bounds: tuple[int, int]) -> tuple[float, float]:
    """The tallest QRS complex of the limb leads, and that of the chest leads, from peak to peak.

    Args:
        beat: shape (12, BEFORE + AFTER), calibrated.
        bounds: from :func:`qrs_bounds`.

    Returns:
        In the unit of ``beat``.
    """
    spans = np.ptp(beat[:, bounds[0] : bounds[1] + 1], axis=1)
    return float(spans[:_LIMB].max()), float(spans[_LIMB:].max())
