"""Sinus intervals vary by as much as asked for, slowly and with respiration, more in the young."""

import numpy as np
import pytest

from rarebeat.simulator.patients.patients import Patient, Visit
from rarebeat.simulator.patients.priors import Prior
from rarebeat.simulator.rhythm.clocks import Breathing, sinus_clock
from rarebeat.simulator.rhythm.episode import Episode

SPAN = (0.0, 300.0)


def intervals(spread: float, respiratory: float = 0.5, breaths: float = 0.25) -> np.ndarray:
    rng = np.random.default_rng(8)
    return np.diff(sinus_clock(rng, 70.0, SPAN, Breathing(breaths, 0.3), spread, respiratory))


@pytest.mark.parametrize("spread", [0.01, 0.03, 0.10])
def test_the_spread_is_the_one_asked_for(spread: float) -> None:
    rr = intervals(spread)
    assert rr.std() / rr.mean() == pytest.approx(spread, rel=0.25)
    assert rr.mean() == pytest.approx(60 / 70, rel=0.03)


def test_respiratory_variation_has_the_frequency_of_breathing() -> None:
    rr = intervals(0.06, respiratory=1.0)
    power = np.abs(np.fft.rfft(rr - rr.mean())) ** 2
    cycles_per_second = np.fft.rfftfreq(len(rr)) / rr.mean()
    assert cycles_per_second[power.argmax()] == pytest.approx(0.25, abs=0.02)


def test_neighbouring_intervals_are_alike_where_the_slow_part_rules() -> None:
    slow = intervals(0.04, respiratory=0.1)
    assert np.corrcoef(slow[1:], slow[:-1])[0, 1] > 0.6


def test_sinus_intervals_vary_more_in_the_young() -> None:
    def typical(age: float) -> float:
        spreads = []
        for seed in range(60):
            patient = Patient(0, "sinus", age, "female", "normal", 0.16, 0.41)
            visit = Visit(patient, 0, 0, age, "sinus")
            prior = Prior({}, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
            episode = Episode(np.random.default_rng(seed), visit, prior, Breathing(0.25, 0.0), 10.0)
            rr = np.diff(episode.sinus(65.0))
            spreads.append(rr.std() / rr.mean())
        return float(np.median(spreads))

    assert typical(25) > 1.3 * typical(80)
    assert 0.01 < typical(55) < 0.035
