"""Fibrillatory and flutter waves: atria that never rest."""

import numpy as np
import numpy.typing as npt

from rarebeat.simulator.rhythm.clocks import Rng
from rarebeat.simulator.rhythm.events import AtrialWaves

_HARMONICS = 3


def add_atrial_waves(
    signal: npt.NDArray[np.float32],
    waves: AtrialWaves,
    matrix: npt.NDArray[np.float64],
    rng: Rng,
    rate: float,
) -> None:
    """Add f or F waves to a signal in place.

    Args:
        signal: (8, samples) millivolts.
        waves: kind, frequency and phase.
        matrix: (8, 3) lead matrix.
        rng: source of randomness.
        rate: samples per second.
    """
    times = (np.arange(signal.shape[1]) / rate).astype(np.float32)
    near = matrix * np.array([1, 1, 1.8, 0.75, 0.6, 0.5, 0.4, 0.4])[:, None]
    make = _fibrillation if waves.kind == "fibrillation" else _flutter
    signal += near.astype(np.float32) @ make(times, waves, rng)


def _fibrillation(times: npt.NDArray[np.float32], waves: AtrialWaves, rng: Rng) -> npt.NDArray[np.float32]:
    """(3, samples): sawtooth of three harmonics (Petrutiu et al. 2007), wandering in frequency and size.

    The axes run at slightly different frequencies, so the waves look different from lead to lead and from
    second to second. Root mean square in millivolts: X 0.015-0.045, Y 0.015-0.040, Z 0.025-0.070, coarse or
    fine together.
    """
    size = np.exp(rng.normal(-0.35, 0.45)) * np.array([0.028, 0.026, 0.044]) * rng.uniform(0.8, 1.25, 3)
    axes = []
    for axis in range(3):
        frequency = waves.frequency * rng.uniform(0.95, 1.05)
        slow, fast, swell = rng.uniform(0.15, 0.30), rng.uniform(0.6, 1.1), rng.uniform(0.2, 0.35)
        start = rng.uniform(0, 2 * np.pi, 3)
        phase = frequency * times + waves.phase
        phase += 0.5 / (2 * np.pi * slow) * np.sin(2 * np.pi * slow * times + start[0])  # +-0.5 Hz
        phase += 0.25 * np.sin(2 * np.pi * fast * times + start[1])
        envelope = 1 + np.sin(2 * np.pi * swell * times + start[2]) / 3
        axes.append(1.1 * size[axis] * envelope * _sawtooth(phase.astype(np.float32)))
    return np.asarray(axes, np.float32)


def _flutter(times: npt.NDArray[np.float32], waves: AtrialWaves, rng: Rng) -> npt.NDArray[np.float32]:
    """(3, samples): the sawtooth of typical flutter, negative in II, III and aVF, positive in V1.

    Clockwise flutter runs the other way round.
    """
    phase = (waves.frequency * times + waves.phase + 0.02 * np.sin(0.9 * times)).astype(np.float32)
    sign = -1.0 if waves.reverse else 1.0
    size = np.clip(rng.lognormal(-2.15, 0.35), 0.05, 0.30)
    down = _bump(phase, 0.55, 0.13) + 0.55 * _bump(phase, 0.33, 0.14)
    up = _bump(phase, 0.83, 0.075)
    y = -sign * size * (down - 0.45 * up - 0.30)
    x = 0.18 * size * (down - 0.3)
    z = -sign * size * rng.uniform(0.45, 0.8) * (_bump(phase, 0.78, 0.10) - 0.2)
    return np.stack([x, y, z]).astype(np.float32)


def _sawtooth(phase: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Three harmonics of a sawtooth with a period of one, root mean square about 0.8."""
    total = np.zeros_like(phase)
    for harmonic in range(1, _HARMONICS + 1):
        total += np.sin(np.float32(2 * np.pi * harmonic) * phase) / np.float32(harmonic)
    return total


def _bump(phase: npt.NDArray[np.float32], centre: float, width: float) -> npt.NDArray[np.float32]:
    """A periodic bell of height one."""
    return np.asarray(
        np.exp((np.cos(2 * np.pi * (phase - centre)) - 1) / (2 * np.pi * width) ** 2), np.float32
    )
