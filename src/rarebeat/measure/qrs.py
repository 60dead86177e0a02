"""Where the ventricles fire: QRS complexes, found over all leads at once.

In the manner of Pan and Tompkins (IEEE Trans Biomed Eng 1985;32:230-236): band-pass, energy, an adaptive
threshold, a refractory period, P and T waves told from beats by their height, and a second search in long gaps. What
differs is that all leads vote: each is scaled by its own tallest deflections and counts by how far these stand
out, so that amplitude does not matter and a flat or noisy lead has little to say.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, median_filter, uniform_filter1d
from scipy.signal import butter, find_peaks, sosfilt, sosfilt_zi

from rarebeat.core.arithmetic import percentiles

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

RATE = 250
"""Samples per second of all signals that are measured."""

_SPIKE = 2  # samples: 8 ms, which is longer than half a pacing spike and shorter than half an R wave
_BAND = (6.0, 22.0)  # Hz: where QRS complexes, also wide ones, stand out from P, T and muscle
_REACH = 15  # samples by which both ends are extended before the filter: SciPy's own for this one
_WIDTH = 17  # samples of the moving average, taken twice (130 ms): a QRS complex has one summit
_TALL = 98  # percentile of a lead's deflections that a QRS complex reaches
_CEILING = 1.5  # times that height: what a single artefact or a tall ectopic beat can count for
_PIECE = 2 * RATE  # samples in which a beat is expected
_REFRACTORY = 50  # samples: 200 ms
_NEAR = 90  # samples around a beat in which its P wave or T wave may be: 360 ms
_LOWER = 0.6  # of the height of a beat, below which they are taken for that
_THRESHOLD = 0.35  # of the height of the beats around
_GAP = 1.66  # times the median interval: longer gaps are searched again
_CONTRAST = 1.5  # times the usual height: beats that are lower are no beats; pure noise reaches 1.4


def find_beats(values: Float64) -> Int64:
    """Find the QRS complexes of a signal.

    Args:
        values: shape (leads, n) at :data:`RATE`, in any unit, which may differ between leads; a second at least.

    Returns:
        The sample in the middle of each QRS complex, in order; empty where nothing stands out.
    """
    height = qrs_height(values)
    peaks, _ = find_peaks(height, distance=_REFRACTORY)
    if not len(peaks):
        return np.empty(0, np.int64)
    threshold = _THRESHOLD * _typical_height(height)
    beats = _without_lower(peaks[height[peaks] > threshold[peaks]], height)
    missed = _search_gaps(beats, peaks, height, threshold / 2)
    beats = _without_lower(np.sort(np.concatenate([beats, missed])), height)
    if not len(beats) or np.median(height[beats]) < _CONTRAST * np.median(height):
        return np.empty(0, np.int64)
    return beats


def qrs_height(values: Float64) -> Float64:
    """How much a QRS complex is there at each sample, by the vote of all leads.

    Args:
        values: shape (leads, n) at :data:`RATE`.

    Returns:
        Shape (n,): about 1 in a QRS complex, 0 where nothing happens. All zeros if every lead is flat.
    """
    energy = np.abs(_band_pass(_without_spikes(values)))
    usual, tall = percentiles(energy, (50, _TALL))
    heard = tall > 1e-6 * max(tall.max(), 1e-12)
    if not heard.any():
        return np.zeros(values.shape[1])
    vote = tall[heard] / np.maximum(usual[heard], 1e-3 * tall[heard])
    relative = np.minimum(energy[heard] / tall[heard, None], _CEILING)
    # A lead that moves when the others do not, in a burst of noise, is heard less.
    agreement = np.corrcoef(np.vstack([vote @ relative, relative]))[0, 1:]
    vote *= np.clip(agreement, 1e-3, None) ** 2
    height = uniform_filter1d(vote @ relative / vote.sum(), _WIDTH)
    return np.asarray(uniform_filter1d(height, _WIDTH))


def _without_spikes(values: Float64) -> Float64:
    """The median of each sample and one to either side: what pacemakers leave is too short to come through."""
    early, late = values[:, : -2 * _SPIKE], values[:, 2 * _SPIKE :]
    low, high = np.minimum(early, late), np.maximum(early, late)
    result = values.copy()
    result[:, _SPIKE:-_SPIKE] = np.clip(values[:, _SPIKE:-_SPIKE], low, high)
    return result


def _band_pass(values: Float64) -> Float64:
    """Filter forward and backward, which shifts no phase.

    Bit by bit what ``scipy.signal.sosfiltfilt`` returns, which computes the state of the filter anew in each call.
    """
    sections, state = _sections()
    first, last = values[:, :1], values[:, -1:]
    before, after = values[:, _REACH:0:-1], values[:, -2 : -_REACH - 2 : -1]
    extended = np.concatenate([2 * first - before, values, 2 * last - after], axis=1)
    forward, _ = sosfilt(sections, extended, axis=1, zi=state * extended[:, :1])
    backward, _ = sosfilt(sections, forward[:, ::-1], axis=1, zi=state * forward[:, -1:])
    return np.asarray(backward[:, -_REACH - 1 : _REACH - 1 : -1])


@lru_cache(maxsize=1)
def _sections() -> tuple[Float64, Float64]:
    """A Butterworth band-pass of second order in sections, and their state after a long rest at 1."""
    sections = butter(2, _BAND, btype="bandpass", fs=RATE, output="sos")
    return sections, sosfilt_zi(sections)[:, None, :]


def _typical_height(height: Float64) -> Float64:
    """The height of the beats around each sample: the highest of each piece, the median of five pieces."""
    count = max(1, len(height) // _PIECE)
    pieces = np.array_split(height, count)
    highest = median_filter([piece.max() for piece in pieces], size=5, mode="nearest")
    centres = (np.arange(count) + 0.5) * len(height) / count
    return np.asarray(np.interp(np.arange(len(height)), centres, highest))


def _without_lower(beats: Int64, height: Float64) -> Int64:
    """Leave out what is much lower than a beat close to it: its P wave or T wave."""
    heights = np.zeros_like(height)
    heights[beats] = height[beats]
    around = maximum_filter1d(heights, 2 * _NEAR + 1)
    return np.asarray(beats[height[beats] >= _LOWER * around[beats]])


def _search_gaps(beats: Int64, peaks: Int64, height: Float64, threshold: Float64) -> Int64:
    """The highest peak above a lower threshold in each gap that is too long for one interval."""
    found: list[int] = []
    limit = _GAP * float(np.median(np.diff(beats))) if len(beats) > 2 else len(height)
    for before, after in pairwise(beats):
        if after - before > limit:
            inside = peaks[(peaks > before + _NEAR) & (peaks < after - _REFRACTORY)]
            inside = inside[height[inside] > threshold[inside]]
            if len(inside):
                found.append(int(inside[np.argmax(height[inside])]))
    return np.array(found, np.int64)
