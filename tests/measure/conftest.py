"""Drawn ECGs: bumps for P waves, QRS complexes and T waves, at known places."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

Draw = Callable[..., npt.NDArray[np.int16]]

CHEST = (-0.8, -0.5, 0.2, 0.8, 1.0, 0.9)


def limb_leads(angle: float) -> list[float]:
    """What I, II, III, aVR, aVL and aVF see of a vector of length 1 (degrees; 0 is left, 90 is down)."""
    first, second = (np.cos(np.radians(angle - lead)) for lead in (0, 60))
    third = second - first
    return [first, second, third, -(first + second) / 2, (first - third) / 2, (second + third) / 2]


def draw(
    times: Sequence[float],
    seconds: float = 10.0,
    rate: float = 500.0,
    width: float | Sequence[float] = 0.09,
    height: float | Sequence[float] = 1.2,
    axis: float = 50.0,
    p_wave: float = 0.1,
    t_wave: float = 0.3,
    noise: float = 0.01,
) -> npt.NDArray[np.int16]:
    """Draw an ECG.

    Args:
        times: middle of each QRS complex, seconds.
        seconds: length.
        rate: samples per second.
        width: of the QRS complexes, seconds; one for all or one for each.
        height: of the QRS complexes, millivolts; one for all or one for each.
        axis: direction of P, QRS and T in the frontal plane, degrees.
        p_wave: height of the P waves, millivolts.
        t_wave: height of the T waves, millivolts.
        noise: standard deviation of white noise, millivolts.

    Returns:
        int16 (12, samples), microvolts.
    """
    clock = np.arange(round(seconds * rate)) / rate
    count = len(times)
    wave = np.zeros_like(clock)
    for time, wide, high in zip(
        times, np.broadcast_to(width, count), np.broadcast_to(height, count), strict=True
    ):
        phase = np.clip((clock - time) / wide, -0.5, 0.5)
        wave += high * (1 + np.cos(2 * np.pi * phase)) / 2
        wave += p_wave * np.exp(-(((clock - time + 0.16) / 0.025) ** 2) / 2)
        wave += t_wave * np.exp(-(((clock - time - 0.28) / 0.04) ** 2) / 2)
    leads = np.outer([*limb_leads(axis), *CHEST], wave)
    leads += noise * np.random.default_rng(7).standard_normal(leads.shape)
    return np.rint(1000 * leads).astype(np.int16)


@pytest.fixture(scope="session", name="draw")
def draw_fixture() -> Draw:
    """The function :func:`draw`."""
    return draw
