"""What the machine makes of the leads: cables on wrong electrodes, filters, steps of its converter."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from rarebeat.core.arithmetic import cosine_and_sine, exp_of
from rarebeat.simulator.rhythm.clocks import Rng
from rarebeat.simulator.waveform.gaussians import Placed, add_pieces
from rarebeat.simulator.waveform.grid import Array, Float, Grid, to_samples

Choice = TypeVar("Choice")

ARMS = "right arm and left arm"
"""The exchange of limb cables that readers notice."""

_LIMB_SWAPS = {  # what the cables call I and II, from the true I and II
    ARMS: ((-1, 0), (-1, 1)),
    "right arm and left leg": ((1, -1), (0, -1)),
    "left arm and left leg": ((0, 1), (1, 0)),
}
_CHEST_SWAPS = ((0, 1), (1, 2), (0, 2), (3, 4), (4, 5))
_LIMBS = {"": 0.992, ARMS: 0.005, "right arm and left leg": 0.0015, "left arm and left leg": 0.0015}
_CHEST = 0.01
_HIGHPASS = {0.05: 0.50, 0.15: 0.20, 0.3: 0.15, 0.5: 0.15}
_LOWPASS = {150.0: 0.78, 100.0: 0.14, 40.0: 0.08}
_NEGLIGIBLE = 1e-4
"""What is left of a filter's memory when it counts as nothing: a tenth of a microvolt of a millivolt."""
_STEP = {1: 0.80, 2: 0.07, 5: 0.13}


@dataclass(frozen=True)
class Recorder:
    """One machine and how it was connected.

    Attributes:
        limbs: the two limb cables that were exchanged, or "".
        chest: the two chest electrodes (0 is V1) that were exchanged, or None.
        highpass: corner in hertz of the first order high-pass.
        lowpass: corner in hertz of the second order low-pass.
        step: microvolts of the converter's smallest step.
    """

    limbs: str = ""
    chest: tuple[int, int] | None = None
    highpass: float = 0.05
    lowpass: float = 150.0
    step: int = 1


def draw_recorder(rng: Rng) -> Recorder:
    """A machine of a hospital: mostly the diagnostic band of 0.05-150 Hz, sometimes the one of monitors."""
    swapped = rng.random() < _CHEST
    return Recorder(
        _pick(rng, _LIMBS),
        _CHEST_SWAPS[int(rng.integers(len(_CHEST_SWAPS)))] if swapped else None,
        _pick(rng, _HIGHPASS),
        _pick(rng, _LOWPASS),
        _pick(rng, _STEP),
    )


def _pick(rng: Rng, shares: Mapping[Choice, float]) -> Choice:
    draw = rng.random()
    for value, share in shares.items():
        draw -= share
        if draw < 0:
            return value
    return value


def record(recorder: Recorder, slow: Float, fast: Float, placed: Placed, noise: Float, grid: Grid) -> Float:
    """What a machine stores of eight leads, rows I II V1-V6, in millivolts.

    The high-pass takes away what is slower than a second, so it is computed on the coarse grid.

    Args:
        recorder: the machine.
        slow: (8, places) what the coarse grid holds.
        fast: (8, total) pieces on the samples.
        placed: the places of these pieces.
        noise: (8, samples) what the high-pass would not change: noise from 20 hertz on.
        grid: of the recording.

    Returns:
        (8, samples) millivolts, whole multiples of the machine's step if that is larger than a microvolt.
    """
    pieces = np.zeros_like(slow)
    add_pieces(pieces[:, 1:], fast, placed, grid.spacing)
    signal = to_samples(high_pass(slow + pieces, recorder.highpass, 1 / grid.step) - pieces, grid)
    add_pieces(signal, fast, placed)
    signal += noise
    signal = connect(recorder, signal)
    if recorder.lowpass < 0.4 * grid.rate:
        signal = low_pass(signal, recorder.lowpass, grid.rate)
    if recorder.step > 1:  # else the leads are rounded once, as whole microvolts
        size = np.float32(recorder.step / 1000)
        signal /= size
        np.rint(signal, out=signal)
        signal *= size
    return signal


def connect(recorder: Recorder, signal: Float) -> Float:
    """The leads as the cables name them; exchanged limb cables obey the algebra of Einthoven's triangle."""
    if not recorder.limbs and recorder.chest is None:
        return signal
    connected = signal.copy()
    if recorder.limbs:
        for row, (one, two) in enumerate(_LIMB_SWAPS[recorder.limbs]):
            connected[row] = np.float32(one) * signal[0] + np.float32(two) * signal[1]
    if recorder.chest is not None:
        first, second = recorder.chest
        connected[[2 + first, 2 + second]] = signal[[2 + second, 2 + first]]
    return connected


def high_pass(signal: Float, corner: float, rate: float) -> Float:
    """First order, settled on the level of the first two seconds: the machine has been running before.

    The recursion ``y[n] = gain * (x[n] - x[n - 1]) + share * y[n - 1]`` is a running sum, once all of it is divided by
    ``share`` to the power of ``n``; float64 has room for some minutes of that.

    Args:
        signal: (leads, samples).
        corner: hertz.
        rate: samples per second.

    Returns:
        float32 (leads, samples).
    """
    share = exp_of(-2 * math.pi * corner / rate)
    decay = _decay(share, signal.shape[1])
    level = signal[:, : round(2 * rate)].mean(axis=1, keepdims=True)
    result = np.empty(signal.shape)
    np.subtract(signal[:, :1], level, out=result[:, :1])
    np.subtract(signal[:, 1:], signal[:, :-1], out=result[:, 1:])
    result *= (1 + share) / 2 / decay
    np.add.accumulate(result, axis=1, out=result)
    result *= decay
    return result.astype(np.float32)


@lru_cache(maxsize=8)
def _decay(share: float, samples: int) -> Array:
    return np.asarray(np.multiply.accumulate(np.full(samples, share)))


def low_pass(signal: Float, corner: float, rate: float) -> Float:
    """Second order Butterworth by the bilinear transform, settled on the first sample.

    The recursion is unrolled by doubling: numerator and denominator are multiplied by the denominator with odd
    powers negated (Graeffe), which leaves one in even powers, and so on, until nothing of it is left.

    Args:
        signal: (leads, samples).
        corner: hertz, below half of the rate.
        rate: samples per second.

    Returns:
        float32 (leads, samples).
    """
    cosine, sine = cosine_and_sine(math.pi * corner / rate)
    tangent = sine / cosine
    square = tangent * tangent
    whole = 1 + math.sqrt(2) * tangent + square
    first, second = 2 * (square - 1) / whole, (1 - math.sqrt(2) * tangent + square) / whole
    stages = []
    lag = 1
    while max(abs(first), abs(second)) > _NEGLIGIBLE:
        stages.append((lag, np.float32(-first), np.float32(second)))
        lag, first, second = 2 * lag, 2 * second - first * first, second * second
    before = 2 * lag + 2  # as many samples settle it
    buffers: Float = np.empty((3, len(signal), before + signal.shape[1]), np.float32)
    now, then, part = buffers
    np.multiply(signal[:, :1], np.float32(square / whole), out=now[:, :before])
    np.multiply(signal, np.float32(square / whole), out=now[:, before:])
    for _ in range(2):  # the numerator
        np.multiply(now[:, :1], 2, out=then[:, :1])
        np.add(now[:, 1:], now[:, :-1], out=then[:, 1:])
        now, then = then, now
    for lag, one, two in stages:  # x[n] + one * x[n - lag] + two * x[n - 2 * lag]
        settled = now[:, : 2 * lag]  # the first sample goes on before it
        np.multiply(settled, 1 + one + two, out=then[:, : 2 * lag])
        later = np.multiply(now[:, lag:-lag], one, out=then[:, 2 * lag :])
        later += now[:, 2 * lag :]
        if abs(two) > _NEGLIGIBLE:
            later += np.multiply(now[:, : -2 * lag], two, out=part[:, 2 * lag :])
        now, then = then, now
    return np.asarray(now[:, before:])
