"""Fibrillatory and flutter waves: atria that never rest."""

import math

import numpy as np
import numpy.typing as npt

from rarebeat.core.arithmetic import exp_minus, exp_of, limit, sine
from rarebeat.simulator.rhythm.clocks import Rng
from rarebeat.simulator.rhythm.events import AtrialWaves
from rarebeat.simulator.waveform.vectors import Array

Float = npt.NDArray[np.float32]

_TURN = 2 * math.pi
_NEAR = np.array([1, 1, 1.8, 0.75, 0.6, 0.5, 0.4, 0.4])
"""How much each lead sees of the atria, against what it sees of the ventricles."""
_WANDERING = np.array([[0.95, 1.05], [0.15, 0.30], [0.6, 1.1], [0.2, 0.35]])
"""Limits, for each axis, of its share of the frequency and of the hertz at which it wanders, jumps and swells."""


def add_atrial_waves(signal: Float, waves: AtrialWaves, matrix: Array, rng: Rng, times: Array) -> None:
    """Add f or F waves to a signal in place.

    Args:
        signal: (8, times) millivolts.
        waves: kind, frequency and phase.
        matrix: (8, 3) lead matrix.
        rng: source of randomness.
        times: (times,) seconds.
    """
    make = _fibrillation if waves.kind == "fibrillation" else _flutter
    near = (matrix * _NEAR[:, None]).astype(np.float32)
    for weights, axis in zip(near.T, make(times, waves, rng), strict=True):
        signal += weights[:, None] * axis


def _fibrillation(times: Array, waves: AtrialWaves, rng: Rng) -> Float:
    """X, Y and Z: sawtooth of three harmonics (Petrutiu et al. 2007), wandering in frequency and size.

    The axes run at slightly different frequencies, so the waves look different from lead to lead and from
    second to second. Root mean square in millivolts: X 0.015-0.045, Y 0.015-0.040, Z 0.025-0.070, coarse or
    fine together.
    """
    size = exp_of(rng.normal(-0.35, 0.45)) * np.array([0.028, 0.026, 0.044]) * rng.uniform(0.8, 1.25, 3)
    own, slow, fast, swell = rng.uniform(_WANDERING[:, 0], _WANDERING[:, 1], (3, 4)).T[:, :, None]
    start = rng.random((3, 3))[:, :, None]
    phase = waves.frequency * own * times + waves.phase
    phase += 0.5 / (_TURN * slow) * _sine(slow * times + start[0])  # +-0.5 Hz
    phase += 0.25 * _sine(fast * times + start[1])
    envelope = (1.1 * size[:, None]).astype(np.float32) * (1 + _sine(swell * times + start[2]) / 3)
    return np.asarray(envelope * _sawtooth(phase), np.float32)


def _flutter(times: Array, waves: AtrialWaves, rng: Rng) -> Float:
    """X, Y and Z: the sawtooth of typical flutter, negative in II, III and aVF, positive in V1.

    Clockwise flutter runs the other way round.
    """
    phase = waves.frequency * times + waves.phase + 0.02 * _sine(0.9 / _TURN * times)
    sign = -1.0 if waves.reverse else 1.0
    size = limit(exp_of(rng.normal(-2.15, 0.35)), 0.05, 0.30)
    down = _bump(phase, 0.55, 0.13) + np.float32(0.55) * _bump(phase, 0.33, 0.14)
    up = _bump(phase, 0.83, 0.075)
    y = np.float32(-sign * size) * (down - np.float32(0.45) * up - np.float32(0.30))
    x = np.float32(0.18 * size) * (down - np.float32(0.3))
    z = np.float32(-sign * size * rng.uniform(0.45, 0.8)) * (_bump(phase, 0.78, 0.10) - np.float32(0.2))
    return np.stack([x, y, z])


def _sine(turns: Array) -> Float:
    """Of angles in turns, the full ones taken off before the precision is."""
    return sine((turns - np.rint(turns)).astype(np.float32))


def _sawtooth(phase: Array) -> Float:
    """Three harmonics of a sawtooth with a period of one, root mean square about 0.8."""
    first, cosine = _sine(phase), _sine(phase + 0.25)
    cube = first * first * first
    return first + first * cosine + (first - np.float32(4 / 3) * cube)


def _bump(phase: Array, centre: float, width: float) -> Float:
    """A periodic bell of height one: ``exp((cos(angle) - 1) / angular width^2)``."""
    half = _sine((phase - centre) / 2)
    half *= half
    half *= np.float32(2 / (_TURN * width * _TURN * width))
    return exp_minus(half)
