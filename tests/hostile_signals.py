"""Signals that pass the checks of single recordings and are no ECGs: ten seconds at 500 Hz, limb leads in agreement."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from rarebeat.core.records import Signal

SAMPLES = 5000


def agreeing(leads: npt.NDArray[np.float64]) -> Signal:
    """Twelve leads as stored: III, aVR, aVL and aVF follow from I and II."""
    one, two = leads[0], leads[1]
    leads[2:6] = two - one, -(one + two) / 2, one - two / 2, two - one / 2
    return np.rint(leads).astype(np.int16)


def white_noise(rng: np.random.Generator) -> Signal:
    """Noise of 50 to 500 microvolts."""
    return agreeing(rng.normal(0, rng.uniform(50, 500), (12, SAMPLES)))


def pacemaker_only(rng: np.random.Generator) -> Signal:
    """Spikes of 4 ms on a baseline with a little noise: a pacemaker that captures nothing."""
    leads = rng.normal(0, 3, (12, SAMPLES))
    heights = rng.uniform(500, 2000) * rng.choice([-1, 1], 12)
    for start in range(int(rng.integers(400)), SAMPLES - 2, int(30_000 / rng.uniform(50, 90))):
        leads[:, start : start + 2] += heights[:, None]
    return agreeing(leads)


def mains(rng: np.random.Generator) -> Signal:
    """50 Hz, as an open input picks it up."""
    phase = rng.uniform(0, 2 * np.pi, (12, 1))
    return agreeing(
        400 * np.sin(2 * np.pi * 50 * np.arange(SAMPLES) / 500 + phase) + rng.normal(0, 5, (12, SAMPLES))
    )


HOSTILE: dict[str, Callable[[np.random.Generator], Signal]] = {
    "white noise": white_noise,
    "pacemaker only": pacemaker_only,
    "mains": mains,
}


def half_flat(signal: Signal) -> Signal:
    """A recording whose second half stays at the value where it fell silent; just what is not refused yet."""
    result = signal.copy()
    start = int(0.51 * signal.shape[1])
    result[:, start:] = result[:, [start]]
    return result
