"""A recording in a few numbers that need no network: how large, how fast, how flat, and its spectrum.

They say what a network's features may not: the last layers of a network see little of noise that it never learnt
to tell. They are taken from what the network sees, so that training records (in shards), files and served ECGs
are summarised alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.core.arithmetic import percentiles
from rarebeat.core.signals import Float64, Int16, resample
from rarebeat.measure.measurements import FEWEST_BEATS, median_rate

MEASURES = ("span", "frequency", "flat", "heart_rate")
"""The single numbers, in the order of :attr:`SignalSummary.measures`."""

BAND_EDGES = (1, 2, 3, 4, 7, 11, 16, 23, 32, 45, 60, 80, 105)
"""Hz from which each band of the spectrum reaches to the next one, the last one to the highest frequency."""

PIECE_SECONDS = 0.2
FLAT_SPAN = 0.02
"""A piece of PIECE_SECONDS is flat where the median lead moves by less than this share of its whole range."""

_TAILS = (0.5, 99.5)  # percentiles between which a lead's span is taken: an artefact is not the amplitude
_BEAT_LEADS = [1, 6, 7, 10]  # II, V1, V2 and V5: beats are found in a third of the time that all leads take
_WINDOWS = 512  # of a second each, whose spectra are in memory at a time: a Holter has 170,000
_NO_POWER = 0.1  # steps squared: about what rounding to whole steps leaves


@dataclass(frozen=True)
class SignalSummary:
    """What some recordings look like.

    Attributes:
        measures: shape (n, 4): span of the median lead (steps), its root mean square frequency (Hz), the longest flat
            stretch (share of the recording), and the heart rate (per minute; NaN where it cannot be measured).
        bands: shape (n, bands), decadic logarithm of the power in each band, mean of the leads.
    """

    measures: Float64
    bands: Float64


def summarise(signals: Iterable[Int16], lengths: npt.NDArray[np.int64], rate: float) -> SignalSummary:
    """Summarise recordings.

    Args:
        signals: n of shape (12, samples), as :func:`rarebeat.core.signals.preprocess` returns them; taken one by one.
        lengths: shape (n,), samples of each before its padding.
        rate: samples per second.

    Returns:
        Their summaries.
    """
    measures, bands = [], []
    for signal, length in zip(signals, lengths.tolist(), strict=True):
        part = signal[:, : max(length, 2)]
        measures.append(_measures(part, rate))
        bands.append(_band_powers(part, rate))
    return SignalSummary(
        np.array(measures).reshape(len(measures), len(MEASURES)),
        np.array(bands).reshape(len(bands), _band_count(rate)),
    )


def _measures(signal: Int16, rate: float) -> tuple[float, float, float, float]:
    values = signal.astype(np.float64)
    low, high = percentiles(values, _TAILS)
    deviation = np.maximum(values.std(axis=1), 1e-9)
    steps = np.sqrt(np.square(np.diff(values, axis=1)).mean(axis=1))
    frequency = float(np.median(steps / deviation)) * rate / (2 * np.pi)
    return float(np.median(high - low)), frequency, _longest_flat(values, rate), _heart_rate(signal, rate)


def _longest_flat(values: Float64, rate: float) -> float:
    width = max(2, round(PIECE_SECONDS * rate))
    count = max(1, values.shape[1] // width)
    pieces = values[:, : count * width].reshape(len(values), count, -1)
    spans = np.ptp(pieces, axis=2) / np.maximum(np.ptp(values, axis=1), 1e-9)[:, None]
    flat = np.concatenate([[False], np.median(spans, axis=0) < FLAT_SPAN, [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    longest: int = max((edges[1::2] - edges[::2]).tolist(), default=0)
    return float(longest / count)


def _heart_rate(signal: Int16, rate: float) -> float:
    from rarebeat.measure.qrs import RATE, find_beats  # imports SciPy, which is slow

    if signal.shape[1] < rate:
        return np.nan
    beats = find_beats(resample(signal[_BEAT_LEADS], rate, RATE))
    return median_rate(np.diff(beats) / RATE) if len(beats) >= FEWEST_BEATS else np.nan


def _band_powers(signal: Int16, rate: float) -> Float64:
    """Welch's spectrum: Hann windows of one second, half of each shared with the next."""
    width = round(rate)
    values = np.pad(signal.astype(np.float64), ((0, 0), (0, max(0, width - signal.shape[1]))))
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=1)[:, :: max(1, width // 2)]
    taper = np.hanning(width)
    power = np.zeros((len(values), width // 2 + 1))
    for first in range(0, windows.shape[1], _WINDOWS):
        part = windows[:, first : first + _WINDOWS]
        spectrum = np.fft.rfft((part - part.mean(axis=2, keepdims=True)) * taper, axis=2)
        power += np.square(np.abs(spectrum)).sum(axis=1)
    power = power / windows.shape[1] * 2 / (width * np.square(taper).sum())
    powers = np.add.reduceat(power, BAND_EDGES[: _band_count(rate)], axis=1)
    return np.asarray(np.log10(powers + _NO_POWER).mean(axis=0))


def _band_count(rate: float) -> int:
    """Bands that begin below the highest frequency that the rate can hold."""
    return max(1, sum(edge <= round(rate) // 2 for edge in BAND_EDGES))
