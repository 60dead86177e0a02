"""Recordings of one mechanism, event by event."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from rarebeat.simulator.clinic import play
from rarebeat.simulator.patients.patients import Patient, Visit
from rarebeat.simulator.patients.priors import Prior
from rarebeat.simulator.rhythm.clocks import Breathing
from rarebeat.simulator.rhythm.episode import Episode
from rarebeat.simulator.rhythm.events import Rhythm

SECONDS = 10.0
QUIET = Prior({}, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""No ectopic activity."""


def rhythms(
    mechanism: str,
    count: int = 40,
    prior: Prior = QUIET,
    pr: float = 0.16,
    age: float = 55.0,
    conditions: frozenset[str] = frozenset(),
) -> Iterator[Rhythm]:
    """Recordings of one mechanism in a patient with a PR interval of ``pr`` seconds, middle-aged unless told."""
    for seed in range(count):
        rng = np.random.default_rng([4711, seed])
        patient = Patient(
            0, mechanism, age, "female", "normal", pr, 0.41, conditions, device=(seed * 0.618) % 1
        )
        visit = Visit(patient, 0, 0, age, mechanism)
        yield play(Episode(rng, visit, prior, Breathing(0.25, rng.uniform(0, 6)), SECONDS))


@pytest.fixture(scope="session")
def play_many() -> Callable[..., Iterator[Rhythm]]:
    """The function :func:`rhythms`."""
    return rhythms
