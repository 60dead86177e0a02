"""What a recording holds besides the heart: wandering baseline, muscle, mains, moving electrodes.

Noise arises at electrodes, not in leads: the nine electrodes are disturbed on their own, and the leads
follow. So the limb leads share their noise, and the chest leads carry a third of each limb electrode's.

What is slow is drawn at knots 0.16 s apart and mixed into the leads there; cubic splines make curves of it, on the
coarse grid.
"""

import functools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rarebeat.core.arithmetic import exp, exp_minus, exp_of, limit, product, sine
from rarebeat.simulator.rhythm.clocks import Breathing, Rng
from rarebeat.simulator.waveform.grid import Array, Float, Grid

_ELECTRODES = 9  # RA LA LL C1-C6
_TO_LEADS = np.zeros((8, _ELECTRODES))  # rows I II V1-V6
_TO_LEADS[0, [1, 0]] = 1, -1
_TO_LEADS[1, [2, 0]] = 1, -1
_TO_LEADS[2:, :3] = -1 / 3
_TO_LEADS[np.arange(2, 8), np.arange(3, 9)] = 1

_KNOTS = 0.16
"""Seconds between the knots of the movement of skin, the fastest of what is slow."""
_WANDER, _SWELL, _MOTION = 0.9, 0.8, 0.08
"""Seconds between the knots of baseline wander, of the strength of muscle noise, and of a moving electrode."""
_SPLINE_RMS = math.sqrt(2416 / 5040)
"""Of a cubic spline whose coefficients are independent and have a mean square of one."""
_UNIFORM_RMS = 2**8 / math.sqrt(12)
"""Of whole numbers that are spread evenly over 8 bits."""
_AT_ELECTRODES = np.array([1.6, 1.6, 0.8, *[0.9] * 6])
"""Strength of muscle noise: the arms have most of it."""


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
    contact: Array


def draw_levels(rng: Rng) -> NoiseLevels:
    """Draw levels as in resting recordings of hospitals: most are quiet, a few are bad."""
    normal = rng.standard_normal(_ELECTRODES + 5)
    even = rng.random(8).tolist()
    contact = exp(0.55 * normal[:_ELECTRODES])
    if even[0] < 0.025:  # an electrode that comes off
        contact[int(even[1] * _ELECTRODES)] *= 5 + 10 * even[2]
    wander, skin, breathing, muscle, mains = normal[_ELECTRODES:].tolist()
    return NoiseLevels(
        wander=limit(exp_of(-3.35 + 0.65 * wander), 0.002, 0.15),
        skin=limit(exp_of(-5.0 + 0.5 * skin), 0.003, 0.03),
        breathing=limit(exp_of(-4.9 + 0.8 * breathing), 0.0, 0.06),
        muscle=limit(exp_of(-7.4 + 0.7 * muscle), 0.0003, 0.02),
        mains=exp_of(-6.0 + 0.8 * mains) if even[3] < 0.3 else 0.0,
        motion=0.03 + 0.12 * even[4] if even[5] < 0.06 else 0.0,
        frequency=50.0 if even[6] < 0.6 else 60.0,
        contact=contact,
    )


def slow_noise(rng: Rng, levels: NoiseLevels, breathing: Breathing, grid: Grid) -> Float:
    """Draw what moves the baseline: drift, skin, respiration, and a burst of motion in some recordings.

    Args:
        rng: source of randomness.
        levels: of the recording.
        breathing: respiration.
        grid: of the recording.

    Returns:
        float32 (8, places of the coarse grid) in millivolts, rows I II V1-V6.
    """
    spacing = max(1, round(_KNOTS / grid.step))
    knots = _knots(grid.places, spacing)
    times = (knots - 1) * grid.step
    drift = levels.wander * _random_curves(rng, _ELECTRODES, knots * grid.step, _WANDER)
    skin = levels.skin / _SPLINE_RMS * rng.standard_normal(drift.shape)
    breath = sine(breathing.frequency * times + breathing.phase / (2 * math.pi))
    slow = drift + skin + levels.breathing * rng.standard_normal((_ELECTRODES, 1)) * breath
    total = curves(product(_TO_LEADS * levels.contact, slow), spacing, grid.places)
    if levels.motion:
        total += _motion(rng, grid, levels.motion)
    return total


def fast_noise(rng: Rng, levels: NoiseLevels, grid: Grid) -> Float:
    """Draw muscle noise, which swells and fades, and mains hum.

    Args:
        rng: source of randomness.
        levels: of the recording.
        grid: of the recording.

    Returns:
        float32 (8, samples) in millivolts, rows I II V1-V6.
    """
    samples, rate = grid.samples, grid.rate
    spacing = max(1, round(_KNOTS * rate))
    swell = exp(0.4 * _random_curves(rng, 1, _knots(samples, spacing) / rate, _SWELL))
    total = _muscle(rng, levels.muscle * levels.contact, samples, rate)
    total *= curves(swell, spacing, samples)
    if levels.mains:
        sizes = levels.mains * (1 + 0.6 * rng.standard_normal((_ELECTRODES, 1)))
        amplitude = product(_TO_LEADS * levels.contact, sizes)
        total += amplitude.astype(np.float32) * _hum(rng, grid, levels.frequency)
    return total


@functools.lru_cache(maxsize=16)
def _knots(length: int, spacing: int) -> Array:
    """Places of the knots of curves of some length, from one knot before the first place."""
    return np.asarray(np.arange(-1, -(-length // spacing) + 2) * spacing, np.float64)


def _random_curves(rng: Rng, count: int, times: Array, spacing: float) -> Array:
    """Smooth random curves of mean square one at some evenly spaced times: (count, times)."""
    weights = _weights(len(times), float(times[1] - times[0]) / spacing)
    return product(rng.standard_normal((count, len(weights))), weights)


@functools.lru_cache(maxsize=16)
def _weights(places: int, step: float) -> Array:
    """Cubic splines at places that are ``step`` knots apart, (knots, places), for a mean square of one."""
    position = np.arange(places) * step
    first = position.astype(int)
    weights = np.zeros((first[-1] + 4, places))
    for place, piece in enumerate(_cubic(position - first)):
        weights[first + place, np.arange(places)] = piece / _SPLINE_RMS
    return weights


def curves(coefficients: Array, spacing: int, samples: int) -> Float:
    """Cubic splines at every sample.

    Args:
        coefficients: (curves, knots), from one knot before the first sample to two behind the last.
        spacing: samples from knot to knot.
        samples: length of the curves.

    Returns:
        float32 (curves, samples).
    """
    pieces = _pieces(spacing)
    knots = coefficients.astype(np.float32)[:, :, None]
    count = knots.shape[1] - 3
    total = knots[:, :count] * pieces[0]
    part = np.empty_like(total)
    for place in (1, 2, 3):
        total += np.multiply(knots[:, place : place + count], pieces[place], out=part)
    return np.asarray(total.reshape(len(knots), -1)[:, :samples])


@functools.lru_cache(maxsize=16)
def _pieces(spacing: int) -> Float:
    return np.asarray(_cubic(np.arange(spacing) / spacing), np.float32)


def _cubic(share: Array) -> Array:
    """The four pieces of a cubic B-spline, (4, places), at shares of the way from knot to knot."""
    rest, square = 1 - share, share * share
    cube = square * share
    return np.stack(
        [
            rest * rest * rest / 6,
            (3 * cube - 6 * square + 4) / 6,
            (3 * square - 3 * cube + 3 * share + 1) / 6,
            cube / 6,
        ]
    )


def _muscle(rng: Rng, levels: Array, samples: int, rate: float) -> Float:
    """Noise that falls off above some 60 Hz and is strongest at the arms: (8, samples).

    It starts from evenly spread numbers, straight from the generator's bits: what several electrodes and three
    samples add up to is close to normal.
    """
    length = samples + 2
    words = rng.bit_generator.random_raw(-(-_ELECTRODES * length // 8))
    white = np.asarray(words, "<u8").view("<i1")[: _ELECTRODES * length].reshape(_ELECTRODES, length)
    electrodes = white * (levels / _UNIFORM_RMS * _AT_ELECTRODES).astype(np.float32)[:, None]
    limbs, chest = electrodes[:3], electrodes[3:]
    chest -= (limbs[0] + limbs[1] + limbs[2]) * np.float32(1 / 3)
    limbs[1:] -= limbs[0]
    before, here, after = (electrodes[1:, place : place + samples] for place in range(3))
    taps = np.array((1.0, 2.4, 1.2) if rate >= 400 else (0.0, 2.0, 0.2), np.float32)
    total: Float = here * taps[1]
    part = before * taps[0]
    total += part
    total += np.multiply(after, taps[2], out=part)
    return total


def _hum(rng: Rng, grid: Grid, frequency: float) -> Float:
    """The mains with its second and third harmonic, (samples,)."""
    period = min(grid.samples, (Fraction(frequency) / Fraction(grid.rate)).denominator)
    turns = np.arange(period) * (frequency / grid.rate)
    turns -= np.rint(turns)
    second, third, *phases = rng.random(5)
    sizes = np.array([[1.0], [0.15 * second], [0.3 * third]], np.float32)
    angles = np.array([[1.0], [2.0], [3.0]]) * turns + np.array(phases)[:, None]
    total = np.add.reduce(sizes * sine(angles.astype(np.float32)), axis=0)
    return np.tile(total, -(-grid.samples // period))[: grid.samples]


def _motion(rng: Rng, grid: Grid, level: float) -> Float:
    """A burst of movement of one electrode, as the leads see it: (8, places of the coarse grid)."""
    spacing = max(1, round(_MOTION / grid.step))
    count = len(_knots(grid.places, spacing))
    apart = (np.arange(count) / (count - 1) - rng.uniform(0, 1)) / rng.uniform(0.02, 0.08)
    window = exp_minus((0.5 * apart * apart).astype(np.float32))
    knots = level / _SPLINE_RMS * window * rng.standard_normal(count)
    moved = curves(knots[None], spacing, grid.places)
    return _TO_LEADS[:, [rng.integers(_ELECTRODES)]].astype(np.float32) * moved
