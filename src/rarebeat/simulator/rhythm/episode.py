"""What every mechanism of a rhythm starts from: whose heart it drives, and for how long."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from rarebeat.core.arithmetic import exp_of, limit
from rarebeat.simulator.patients.patients import Visit
from rarebeat.simulator.patients.priors import Prior
from rarebeat.simulator.rhythm.clocks import Breathing, Rng, Span, sinus_clock

LEAD_IN = 3.0
"""Seconds that a rhythm runs before the recording starts, so that the start is nothing special."""


@dataclass(frozen=True)
class Episode:
    """One recording, before anything has happened in it.

    Attributes:
        rng: source of randomness.
        visit: whose heart, and when.
        prior: chances of ectopic activity.
        breathing: respiration during the recording.
        seconds: length of the recording.
    """

    rng: Rng
    visit: Visit
    prior: Prior
    breathing: Breathing
    seconds: float

    @property
    def span(self) -> Span:
        """First and last second that the events cover."""
        return (-LEAD_IN, self.seconds + 0.6)

    @property
    def pr(self) -> float:
        """The patient's PR interval at rest, seconds."""
        return self.visit.patient.pr

    def sinus(self, rate: float, spread: float | None = None, respiratory: float = 0.5) -> list[float]:
        """Firing times of the sinus node; unless ``spread`` is given, it varies most in the young at rest."""
        if spread is None:
            typical = 0.017 + 0.060 * exp_of(-(self.visit.age - 20) / 13)
            spread = limit(typical * exp_of(self.rng.normal(0, 0.55)), 0.003, 0.13)
            spread *= min(1.2, 72 / rate * math.sqrt(72 / rate))
            respiratory = float(self.rng.beta(2, 2))
        return sinus_clock(self.rng, rate, self.span, self.breathing, spread, respiratory)

    def choose(self, weights: Mapping[str, float], draw: float | None = None) -> str:
        """One of the names, by weight; at random unless a ``draw`` from 0 to 1 is given."""
        totals = list(accumulate(weights.values()))
        place = (self.rng.random() if draw is None else draw) * totals[-1]
        return list(weights)[bisect_right(totals, place)]

    def chance(self, probability: float) -> bool:
        """True with a probability."""
        return bool(self.rng.random() < probability)
