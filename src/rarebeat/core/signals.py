"""From a recording at its native rate to what a network sees: one rate, one length, int16.

The same function serves prepare, prediction and the served model. It is pure, and the steps are always the
same::

    resample (anti-aliased) -> band-pass (optional) -> crop -> z-score (optional) -> pad with zeros -> int16
"""

import math
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field, PositiveFloat
from pydantic.dataclasses import dataclass

from rarebeat.core.arithmetic import sine
from rarebeat.core.errors import BadRecordError
from rarebeat.core.params import STRICT

Int16 = npt.NDArray[np.int16]
Float64 = npt.NDArray[np.float64]

STOP_BAND = 70.0  # dB, of the anti-aliasing filter
TRANSITION = 0.2  # of the Nyquist frequency, to either side of it: 100 to 150 Hz for 250 Hz
BLOCK = 24  # output samples per row of the matrix product, about
BUTTERWORTH_ORDER = 3  # per direction
FLAT = 0.5  # steps: a lead that deviates less than this from its mean has no shape to normalise


@dataclass(frozen=True, config=STRICT)
class Preprocessing:
    """How a recording becomes the input of a network.

    Attributes:
        rate: samples per second.
        samples: length; longer recordings are cropped, shorter ones padded with zeros at the end.
        crop: which part of a longer recording is kept: its "center" or its "start".
        bandpass: corner frequencies in Hz (low, high), or None for no filter.
        normalise: "none" keeps millivolts; "zscore" gives every lead mean 0 and standard deviation 1, which
            recordings need whose amplitude was normalised away.
    """

    rate: Annotated[float, Field(ge=1, le=10_000)] = 250.0
    samples: Annotated[int, Field(ge=1, le=10_000_000)] = 2500
    crop: Literal["center", "start"] = "center"
    bandpass: tuple[PositiveFloat, PositiveFloat] | None = None
    normalise: Literal["none", "zscore"] = "none"

    def __post_init__(self) -> None:
        if self.bandpass is not None and not self.bandpass[0] < self.bandpass[1] < self.rate / 2:
            raise ValueError(f"bandpass must be [low, high] in Hz with low < high < {self.rate / 2:g}")


def output_scale(settings: Preprocessing) -> float:
    """The step of the int16 that :func:`preprocess` returns, in :func:`output_units`."""
    return 0.001


def output_units(settings: Preprocessing) -> str:
    """The unit of ``preprocess(...) * output_scale(...)``: "mV", or "z" for standard deviations."""
    return "mV" if settings.normalise == "none" else "z"


def preprocess(signal: Int16, rate: float, settings: Preprocessing) -> Int16:
    """Bring one recording to the rate, length and scale of the network.

    Args:
        signal: shape (12, n), microvolts (or thousandths of the normalised unit where the amplitude is lost).
        rate: of the recording, in Hz.
        settings: what to do.

    Returns:
        Shape (12, ``settings.samples``), rounded to the nearest step of :func:`output_scale`; values beyond
        16 bits are saturated.

    Raises:
        BadRecordError: when the recording is shorter than one second.
    """
    if signal.shape[1] < max(rate, 1):
        raise BadRecordError(
            "too_short", f"{signal.shape[1]} samples at {rate:g} Hz are less than one second"
        )
    values = resample(signal, rate, settings.rate)
    if settings.bandpass is not None:
        values = _band_pass(values, settings.rate, settings.bandpass)
    excess = max(0, values.shape[1] - settings.samples)
    start = excess // 2 if settings.crop == "center" else 0
    values = values[:, start : start + settings.samples]
    if settings.normalise == "zscore":
        values = _standardise(values, 1 / output_scale(settings))
    return _to_int16(values, settings.samples)


def stored_length(samples: int, rate: float, settings: Preprocessing) -> int:
    """How many samples of what :func:`preprocess` returns are the recording; the rest is padding.

    Args:
        samples: of the recording.
        rate: of the recording, in Hz.
        settings: as given to :func:`preprocess`.

    >>> stored_length(2000, 500, Preprocessing(rate=250, samples=2500))
    1000
    """
    return min(settings.samples, resampled_length(samples, rate, settings.rate))


def resample(signal: Int16, rate: float, new_rate: float) -> Float64:
    """Change the rate with an anti-aliasing filter that shifts no phase: sample 0 stays where it is.

    A windowed sinc is evaluated at the distance between every output sample and the input samples around it.
    These distances repeat, so that all outputs come from one small matrix times windows of the recording.
    The ends are extended by point reflection, which keeps level and slope: an offset or a drift does not
    ring.

    The weights are multiples of 2^-30, which makes sums over int16 samples exact in float64. So the result
    does not depend on the order in which a BLAS library adds, and thus not on its threads or on the
    processor.

    Args:
        signal: shape (leads, n), at least one second.
        rate: of the signal, in Hz.
        new_rate: wanted, in Hz. The ratio is taken as a fraction with a denominator of at most 1,000, which
            meets odd rates to within 1 in 2,000.

    Returns:
        Shape (leads, ceil(n * new_rate / rate)), in the unit of the signal.
    """
    if rate == new_rate:
        return signal.astype(np.float64)
    weights, step, reach = _resampling_weights(rate, new_rate)
    width, block = weights.shape
    leads, samples = signal.shape
    count = resampled_length(samples, rate, new_rate)
    rows = -(-count // block)
    windows = sliding_window_view(_extend(signal, reach, rows * step + 2 * reach), width, axis=1)
    result: Float64 = np.matmul(windows[:, ::step], weights)
    return result.reshape(leads, -1)[:, :count]


def resampled_length(samples: int, rate: float, new_rate: float) -> int:
    """How many samples :func:`resample` makes of so many.

    >>> resampled_length(5000, 500, 250), resampled_length(4999, 500, 257)
    (2500, 2570)
    """
    ratio = _ratio(rate, new_rate)
    return -(-samples * ratio.numerator // ratio.denominator)


def _ratio(rate: float, new_rate: float) -> Fraction:
    return Fraction(new_rate / rate).limit_denominator(1000)


@lru_cache(maxsize=32)
def _resampling_weights(rate: float, new_rate: float) -> tuple[Float64, int, int]:
    """The matrix that turns ``step + 2 * reach`` input samples into a block of output samples.

    Kaiser-windowed sinc, its length and shape by Kaiser's formulas (Oppenheim & Schafer, Discrete-Time Signal
    Processing, section on the Kaiser window); it cuts off at the lower of the two Nyquist frequencies.

    Returns:
        Weights of shape (step + 2 * reach, block), ``step``, ``reach``.
    """
    ratio = _ratio(rate, new_rate)
    repeats = max(1, round(BLOCK / ratio.numerator))
    block, step = ratio.numerator * repeats, ratio.denominator * repeats
    cut_off = min(rate, new_rate) / 2
    transition = 2 * math.pi * 2 * TRANSITION * cut_off  # radians per second
    half_length = (STOP_BAND - 7.95) / (2.285 * transition) / 2  # seconds
    shape = 0.1102 * (STOP_BAND - 8.7)
    reach = math.ceil(half_length * rate)
    inputs = np.arange(-reach, step + reach)
    outputs = np.arange(block) * step / block
    distance = (inputs[:, None] - outputs) / rate
    share = distance / half_length
    window = _bessel(shape * np.sqrt(np.clip(1 - share * share, 0, None)))
    weights = _sinc(2 * cut_off * distance) * window * (np.abs(distance) <= half_length)
    weights /= weights.sum(axis=0)  # a constant stays what it is
    return np.round(weights * 2**30) / 2**30, step, reach


def _bessel(values: Float64) -> Float64:
    """The modified Bessel function of order zero of numbers below 10, by its power series."""
    quarter = values * values / 4
    term = np.ones_like(values)
    total = term.copy()
    for order in range(1, 40):
        term = term * quarter / (order * order)
        total += term
    return total


def _sinc(values: Float64) -> Float64:
    """``sin(pi x) / (pi x)``."""
    apart = np.where(values == 0, 1.0, values)
    return np.where(values == 0, 1.0, sine(apart / 2) / (math.pi * apart))


def _extend(signal: Int16, reach: int, length: int) -> Float64:
    """Extend both ends by ``reach`` reflected samples, then with zeros to ``length``."""
    start, end = reach, reach + signal.shape[1]
    result = np.zeros((len(signal), length))
    result[:, start:end] = signal
    result[:, :start] = 2 * result[:, [start]] - result[:, 2 * reach : start : -1]
    result[:, end : end + reach] = 2 * result[:, [end - 1]] - result[:, end - 2 : end - 2 - reach : -1]
    return result


def _band_pass(values: Float64, rate: float, corners: tuple[float, float]) -> Float64:
    """Butterworth band-pass forward and backward: no phase shift, -6 dB at the corners.

    The ends are extended by point reflection over one period of the low corner, or as far as the recording
    goes.
    """
    from scipy.signal import butter, sosfiltfilt  # slow to import, and rarely needed

    sections = butter(BUTTERWORTH_ORDER, corners, btype="bandpass", fs=rate, output="sos")
    sections = np.round(sections * 2**40) / 2**40  # the last digits of a tangent depend on the processor
    extension = min(values.shape[1] - 1, math.ceil(rate / corners[0]))
    return np.asarray(sosfiltfilt(sections, values, axis=1, padtype="odd", padlen=extension))


def _standardise(values: Float64, unit: float) -> Float64:
    """Mean 0 and standard deviation ``unit`` per lead; a flat lead becomes zeros."""
    centred: Float64 = values - values.mean(axis=1, keepdims=True)
    deviation = np.sqrt((centred * centred).sum(axis=1) / values.shape[1])
    centred *= np.where(deviation < FLAT, 0.0, unit / np.maximum(deviation, FLAT))[:, None]
    return centred


def _to_int16(values: Float64, samples: int) -> Int16:
    """Round in place to the nearest integer (ties to even), saturate, and pad with zeros at the end."""
    limits = np.iinfo(np.int16)
    np.rint(values, out=values)
    np.clip(values, limits.min, limits.max, out=values)
    result = np.zeros((len(values), samples), dtype=np.int16)
    result[:, : values.shape[1]] = values
    return result
