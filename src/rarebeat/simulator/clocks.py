"""Pacemaker cells as clocks: lists of firing times in seconds."""

import math
from dataclasses import dataclass

import numpy as np

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
        return math.sin(2 * math.pi * self.frequency * time + self.phase)


def sinus_clock(rng: Rng, rate: float, span: Span, breathing: Breathing, depth: float) -> list[float]:
    """Sinus node: intervals that vary with respiration and with the 0.1 Hz Mayer wave.

    Args:
        rng: source of randomness.
        rate: mean beats per minute.
        span: first and last second to fill.
        breathing: respiration of the recording.
        depth: share by which respiration lengthens and shortens the interval (0.01-0.2).
    """
    interval = 60.0 / rate
    mayer_phase = rng.uniform(0, 2 * math.pi)
    time = span[0] + rng.uniform(0, interval)
    times = []
    while time < span[1]:
        times.append(time)
        mayer = math.sin(2 * math.pi * 0.1 * time + mayer_phase)
        variation = depth * breathing.at(time) + 0.4 * depth * mayer + rng.normal(0, 0.004)
        time += interval * (1 + variation)
    return times


def steady_clock(rng: Rng, rate: float, span: Span, jitter: float = 0.005) -> list[float]:
    """A focus or a reentry circuit: independent intervals with a small relative ``jitter``."""
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
