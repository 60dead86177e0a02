"""What a recording holds besides the heart: wandering baseline, muscle, mains, moving electrodes.

Noise arises at electrodes, not in leads: the nine electrodes are disturbed on their own, and the leads
follow. So the limb leads share their noise, and the chest leads carry a third of each limb electrode's.

What is slow is drawn at knots 0.16 s apart and mixed into the leads there; cubic splines make curves of it.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.core.arithmetic import exp, exp_minus, exp_of, limit, product, sine
from rarebeat.simulator.rhythm.clocks import Breathing, Rng

Float = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]

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
_UNIFORM_RMS = 2**16 / math.sqrt(12)
"""Of whole numbers that are spread evenly over 16 bits."""


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
    contact = exp(rng.normal(0.0, 0.55, _ELECTRODES))
    if rng.random() < 0.025:  # an electrode that comes off
        contact[rng.integers(_ELECTRODES)] *= rng.uniform(5, 15)
    return NoiseLevels(
        wander=_level(rng, -3.35, 0.65, 0.002, 0.15),
        skin=_level(rng, -5.0, 0.5, 0.003, 0.03),
        breathing=_level(rng, -4.9, 0.8, 0.0, 0.06),
        muscle=_level(rng, -7.4, 0.7, 0.0003, 0.02),
        mains=exp_of(rng.normal(-6.0, 0.8)) if rng.random() < 0.3 else 0.0,
        motion=float(rng.uniform(0.03, 0.15)) if rng.random() < 0.06 else 0.0,
        frequency=50.0 if rng.random() < 0.6 else 60.0,
        contact=contact,
    )


def _level(rng: Rng, mean: float, deviation: float, low: float, high: float) -> float:
    """A lognormal number within limits."""
    return limit(exp_of(rng.normal(mean, deviation)), low, high)


def noise(rng: Rng, samples: int, rate: float, breathing: Breathing) -> Float:
    """Draw the noise of one recording.

    Args:
        rng: source of randomness.
        samples: length.
        rate: samples per second.
        breathing: respiration, which moves the baseline.

    Returns:
        float32 (8, samples) in millivolts, rows I II V1-V6.
    """
    levels = draw_levels(rng)
    mixing = _TO_LEADS * levels.contact
    spacing = max(1, round(_KNOTS * rate))
    knots = np.asarray(np.arange(-1, -(-samples // spacing) + 2) * (spacing / rate), np.float64)
    total = curves(product(mixing, _slow(rng, knots, levels, breathing)), spacing, samples)
    muscle = _muscle(rng, levels.muscle * levels.contact, samples, rate)
    swell = exp(0.4 * _random_curves(rng, 1, knots, _SWELL))
    muscle *= curves(swell, spacing, samples)
    total += muscle
    if levels.mains:
        amplitude = product(mixing, levels.mains * rng.normal(1, 0.6, (_ELECTRODES, 1)))
        total += amplitude.astype(np.float32) * _hum(rng, samples, rate, levels.frequency)
    if levels.motion:
        total += _motion(rng, samples, rate, levels.motion)
    return total


def _slow(rng: Rng, knots: Array, levels: NoiseLevels, breathing: Breathing) -> Array:
    """Drift, the smaller and faster movement of skin, and respiration: (9, knots) at the electrodes."""
    drift = levels.wander * _random_curves(rng, _ELECTRODES, knots, _WANDER)
    skin = levels.skin / _SPLINE_RMS * rng.standard_normal(drift.shape)
    breath = sine(breathing.frequency * knots + breathing.phase / (2 * math.pi))
    return drift + skin + levels.breathing * rng.standard_normal((_ELECTRODES, 1)) * breath


def _random_curves(rng: Rng, count: int, times: Array, spacing: float) -> Array:
    """Smooth random curves of mean square one at some times: (count, times)."""
    position = (times - times[0]) / spacing
    first = position.astype(int)
    coefficients = rng.standard_normal((count, first[-1] + 4))
    pieces = _cubic(position - first)
    total = coefficients[:, first] * pieces[0]
    for place in (1, 2, 3):
        total += coefficients[:, first + place] * pieces[place]
    return np.asarray(total / _SPLINE_RMS)


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
    words = rng.bit_generator.random_raw(-(-_ELECTRODES * length // 4))
    white = np.asarray(words, "<u8").view("<i2")[: _ELECTRODES * length].reshape(_ELECTRODES, length)
    size = levels / _UNIFORM_RMS * [1.6, 1.6, 0.8, *[0.9] * 6]
    electrodes = white * size.astype(np.float32)[:, None]
    right, left, foot = electrodes[:3]
    references = [right, right, *[(right + left + foot) * np.float32(1 / 3)] * 6]
    taps = np.array((1.0, 2.4, 1.2) if rate >= 400 else (0.0, 2.0, 0.2), np.float32)
    smooth = np.empty((8, samples), np.float32)
    for lead, reference, row in zip(electrodes[1:], references, smooth, strict=True):
        lead -= reference  # a row at a time stays in the processor's cache
        np.multiply(lead[1:-1], taps[1], out=row)
        row += taps[0] * lead[:-2]
        row += taps[2] * lead[2:]
    return smooth


def _hum(rng: Rng, samples: int, rate: float, frequency: float) -> Float:
    """The mains with its second and third harmonic, (samples,)."""
    turns = np.arange(samples) * (frequency / rate)
    turns -= np.rint(turns)
    total = np.zeros(samples, np.float32)
    for harmonic, size in ((1, 1.0), (2, rng.uniform(0, 0.15)), (3, rng.uniform(0, 0.3))):
        phase = rng.uniform(0, 2 * np.pi) / (2 * np.pi)
        total += np.float32(size) * sine((harmonic * turns + phase).astype(np.float32))
    return total


def _motion(rng: Rng, samples: int, rate: float, level: float) -> Float:
    """A burst of movement of one electrode, as the leads see it: (8, samples)."""
    spacing = max(1, round(_MOTION * rate))
    count = -(-samples // spacing) + 3
    apart = (np.arange(count) / (count - 1) - rng.uniform(0, 1)) / rng.uniform(0.02, 0.08)
    window = exp_minus((0.5 * apart * apart).astype(np.float32))
    knots = level / _SPLINE_RMS * window * rng.standard_normal(count)
    moved = curves(knots[None], spacing, samples)
    return _TO_LEADS[:, [rng.integers(_ELECTRODES)]].astype(np.float32) * moved
