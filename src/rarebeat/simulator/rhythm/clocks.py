"""Pacemaker cells as clocks: lists of firing times in seconds."""

import math
from dataclasses import dataclass

import numpy as np

from rarebeat.core.arithmetic import sine_of

Rng = np.random.Generator
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Breathing:
    """Respiration: it drives the sinus clock, turns the heart and moves the baseline.

    Attributes:
        frequency: breaths per second.
        phase: radians at time zero.
    """

    frequency: float
    phase: float

    def at(self, time: float) -> float:
        """The state of breathing at a time, from -1 to 1."""
        return sine_of(self.frequency * time + self.phase / (2 * math.pi))


def sinus_clock(
    rng: Rng, rate: float, span: Span, breathing: Breathing, spread: float, respiratory: float = 0.5
) -> list[float]:
    """Fire the sinus node: intervals vary with respiration, with the 0.1 Hz Mayer wave, and slowly.

    Args:
        rng: source of randomness.
        rate: mean beats per minute.
        span: first and last second to fill.
        breathing: respiration of the recording.
        spread: standard deviation of the intervals, as a share of the mean interval.
        respiratory: share of the variance that follows respiration; the slow part takes the rest.

    Returns:
        Firing times, seconds.
    """
    interval = 60.0 / rate
    mayer, slow = rng.uniform(0.08, 0.12), rng.uniform(0.02, 0.06)
    first, second = (rng.uniform(0, 2 * np.pi, 2) / (2 * np.pi)).tolist()
    large, small = (spread * math.sqrt(2 * (1 - respiratory) * share) for share in (0.55, 0.45))
    breath = spread * math.sqrt(2 * respiratory)
    time = span[0] + rng.uniform(0, interval)
    times = []
    while time < span[1]:
        times.append(time)
        variation = breath * breathing.at(time)
        variation += large * sine_of(mayer * time + first) + small * sine_of(slow * time + second)
        time += interval * (1 + variation + rng.normal(0, 0.003 + 0.1 * spread))
    return times


def steady_clock(rng: Rng, rate: float, span: Span, jitter: float = 0.005) -> list[float]:
    """Fire a focus or a reentry circuit, at independent intervals.

    Args:
        rng: source of randomness.
        rate: mean beats per minute.
        span: first and last second to fill.
        jitter: standard deviation of an interval, as a share of it.

    Returns:
        Firing times, seconds.
    """
    interval = 60.0 / rate
    count = int((span[1] - span[0]) / interval * 1.2) + 2
    steps = interval * (1 + jitter * rng.standard_normal(count))
    times = span[0] + rng.uniform(0, interval) + np.concatenate([[0.0], np.cumsum(steps)])
    return [float(time) for time in times if time < span[1]]


def poisson_clock(rng: Rng, frequency: float, span: Span) -> list[float]:
    """Impulses that reach the AV node from fibrillating atria: a Poisson process."""
    count = int((span[1] - span[0]) * frequency * 1.5) + 20
    times = span[0] + np.cumsum(rng.exponential(1 / frequency, count))
    return [float(time) for time in times if time < span[1]]
