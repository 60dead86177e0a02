"""What a recording holds besides the heart: wandering baseline, muscle, mains, moving electrodes.

Noise arises at electrodes, not in leads: the nine electrodes are disturbed on their own, and the leads
follow. So the limb leads share their noise, and the chest leads carry a third of each limb electrode's.
"""

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.simulator.rhythm.clocks import Breathing, Rng

Float = npt.NDArray[np.float32]

_ELECTRODES = 9  # RA LA LL C1-C6
_TO_LEADS = np.zeros((8, _ELECTRODES), np.float32)  # rows I II V1-V6
_TO_LEADS[0, [1, 0]] = 1, -1
_TO_LEADS[1, [2, 0]] = 1, -1
_TO_LEADS[2:, :3] = -1 / 3
_TO_LEADS[np.arange(2, 8), np.arange(3, 9)] = 1


@dataclass(frozen=True)
class NoiseLevels:
    """Root mean squares in millivolts at an electrode.

    Attributes:
        wander: slow drift, below half a hertz.
        skin: movement of the skin, up to some 3 Hz.
        breathing: movement of the baseline with respiration.
        muscle: broadband activity.
        mains: amplitude of the mains hum (zero where the machine filters it).
        motion: bursts of 1 to 10 Hz from one electrode.
        frequency: of the mains, hertz.
        contact: (9,) factor of each electrode on all of it: a bad contact is worse than its neighbours.
    """

    wander: float
    skin: float
    breathing: float
    muscle: float
    mains: float
    motion: float
    frequency: float
    contact: Float


def draw_levels(rng: Rng) -> NoiseLevels:
    """Levels as in resting recordings of hospitals: most are quiet, a few are bad."""
    contact = rng.lognormal(0.0, 0.55, _ELECTRODES)
    if rng.random() < 0.025:  # an electrode that comes off
        contact[rng.integers(_ELECTRODES)] *= rng.uniform(5, 15)
    return NoiseLevels(
        wander=float(np.clip(rng.lognormal(-3.35, 0.65), 0.002, 0.15)),
        skin=float(np.clip(rng.lognormal(-5.0, 0.5), 0.003, 0.03)),
        breathing=float(np.clip(rng.lognormal(-4.9, 0.8), 0.0, 0.06)),
        muscle=float(np.clip(rng.lognormal(-7.4, 0.7), 0.0003, 0.02)),
        mains=float(rng.lognormal(-6.0, 0.8)) if rng.random() < 0.3 else 0.0,
        motion=float(rng.uniform(0.03, 0.15)) if rng.random() < 0.06 else 0.0,
        frequency=50.0 if rng.random() < 0.6 else 60.0,
        contact=contact.astype(np.float32),
    )


def noise(rng: Rng, samples: int, rate: float, breathing: Breathing) -> Float:
    """The noise of one recording: float32 (8, samples) in millivolts, rows I II V1-V6."""
    levels = draw_levels(rng)
    times = (np.arange(samples) / rate).astype(np.float32)
    electrodes = _wander(rng, samples, rate, levels)
    wave = np.sin(np.float32(2 * np.pi * breathing.frequency) * times + np.float32(breathing.phase))
    electrodes += (levels.breathing * rng.standard_normal((_ELECTRODES, 1))).astype(np.float32) * wave
    electrodes += _muscle(rng, samples, rate, levels)
    if levels.mains:
        electrodes += (levels.mains * rng.normal(1, 0.6, (_ELECTRODES, 1))).astype(np.float32) * _hum(
            rng, times, levels.frequency
        )
    electrodes *= levels.contact[:, None]
    if levels.motion:
        _add_motion(rng, electrodes, rate, levels)
    return _TO_LEADS @ electrodes


def _hum(rng: Rng, times: Float, frequency: float) -> Float:
    """The mains with its second and third harmonic."""
    total = np.zeros_like(times)
    for harmonic, size in ((1, 1.0), (2, rng.uniform(0, 0.15)), (3, rng.uniform(0, 0.3))):
        phase = np.float32(rng.uniform(0, 2 * np.pi))
        total += np.float32(size) * np.sin(np.float32(2 * np.pi * harmonic * frequency) * times + phase)
    return total


def _wander(rng: Rng, samples: int, rate: float, levels: NoiseLevels) -> Float:
    """Drift, and the faster small movement of skin under an electrode."""
    electrodes = np.zeros((_ELECTRODES, samples), np.float32)
    for spacing, size in ((0.9, levels.wander), (0.16, levels.skin)):
        basis = splines(samples, rate, spacing)
        electrodes += (size * rng.standard_normal((_ELECTRODES, len(basis)))).astype(np.float32) @ basis
    return electrodes


def _muscle(rng: Rng, samples: int, rate: float, levels: NoiseLevels) -> Float:
    """Noise that falls off above some 60 Hz, swells and fades, and is strongest at the arms."""
    white = rng.standard_normal((_ELECTRODES, samples + 2), np.float32)
    smooth = white[:, :-2] + 2.4 * white[:, 1:-1] + white[:, 2:] if rate >= 400 else 2 * white[:, 1:-1]
    smooth += np.float32(0.2) * white[:, 2:]
    size = levels.muscle * np.array([1.6, 1.6, 0.8, *[0.9] * 6])[:, None]
    basis = splines(samples, rate, 0.8)
    swell = np.exp(0.4 * rng.standard_normal(len(basis)).astype(np.float32) @ basis)
    smooth *= size.astype(np.float32)
    smooth *= swell
    return smooth


def _add_motion(rng: Rng, electrodes: Float, rate: float, levels: NoiseLevels) -> None:
    basis = splines(electrodes.shape[1], rate, 0.08)
    centres = np.linspace(0, 1, len(basis))
    window = np.exp(-0.5 * ((centres - rng.uniform(0, 1)) / rng.uniform(0.02, 0.08)) ** 2)
    knots = levels.motion * window * rng.standard_normal(len(basis))
    electrodes[rng.integers(_ELECTRODES)] += knots.astype(np.float32) @ basis


@functools.lru_cache(maxsize=16)
def splines(samples: int, rate: float, spacing: float) -> Float:
    """Cubic B-splines with a knot every ``spacing`` seconds, (knots, samples), for smooth random curves."""
    position = np.arange(samples) / (rate * spacing)
    count = int(position[-1]) + 4
    distance = np.abs(position[None, :] - (np.arange(count)[:, None] - 1.0))
    inner = 2 / 3 - distance**2 + distance**3 / 2
    outer = np.clip(2 - distance, 0, None) ** 3 / 6
    basis = np.where(distance < 1, inner, outer)
    return np.asarray(basis / np.sqrt((basis**2).sum(axis=0)), np.float32)
