"""Whole records: reproducible, independent, with amplitudes, spectra and rank like real ones."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from rarebeat.simulator.clinic import recording_at, signal_of, simulate, simulate_many
from rarebeat.simulator.patients.patients import BLOCK, visit_at
from rarebeat.simulator.patients.priors import CLINIC, MECHANISMS
from rarebeat.simulator.rhythm.events import Ventricular
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES
from rarebeat.simulator.waveform.render import qt_intervals

SETTINGS = SimulatorSettings(seed=11)
INDEPENDENT = [0, 1, 6, 7, 8, 9, 10, 11]


@pytest.fixture(scope="module")
def sample() -> list[np.ndarray]:
    """Sixty records in millivolts."""
    return [simulate(index, SETTINGS).signal / 1000 for index in range(60)]


def test_same_seed_gives_the_same_bytes() -> None:
    first, second = simulate(17, SETTINGS), simulate(17, SimulatorSettings(seed=11))
    assert first.signal.tobytes() == second.signal.tobytes()
    assert first.report == second.report


def test_another_seed_gives_another_clinic() -> None:
    other = SimulatorSettings(seed=12)
    assert simulate(17, SETTINGS).signal.tobytes() != simulate(17, other).signal.tobytes()


def test_a_record_does_not_depend_on_those_made_before_it() -> None:
    alone = simulate(23, SETTINGS)
    for index in (5, 22, 23):
        last = simulate(index, SETTINGS)
    assert last.signal.tobytes() == alone.signal.tobytes()
    assert last.report == alone.report


@pytest.mark.parametrize("preset", ["clinic", "balanced"])
def test_a_record_does_not_depend_on_those_made_together_with_it(preset: str) -> None:
    settings = SimulatorSettings(seed=11, preset=preset, rate=250.0, seconds=5.0)
    alone = [simulate(index, settings) for index in range(40)]
    for size in (7, 40):
        for first in range(0, 40, size):
            indices = range(first, min(first + size, 40))
            for index, one in zip(indices, simulate_many(indices, settings), strict=True):
                assert one.signal.tobytes() == alone[index].signal.tobytes()
                assert one.report == alone[index].report


def test_a_record_does_not_depend_on_the_size_of_the_cohort() -> None:
    small = SimulatorSettings(seed=11, records=24)
    assert simulate(23, small).signal.tobytes() == simulate(23, SETTINGS).signal.tobytes()


@pytest.mark.parametrize(("rate", "seconds"), [(500, 10), (250, 10), (1000, 6)])
def test_rate_and_length_are_those_asked_for(rate: float, seconds: float) -> None:
    settings = SimulatorSettings(rate=rate, seconds=seconds)
    signal = simulate(0, settings).signal
    assert signal.shape == (12, int(rate * seconds))
    assert signal.dtype == np.int16


def test_limb_leads_agree_in_every_record(sample: list[np.ndarray]) -> None:
    for signal in sample:
        one, two, three = np.rint(signal[:3] * 1000).astype(int)
        assert (three == two - one).all()


def test_every_class_occurs_and_the_rarest_often_enough_for_a_test_split() -> None:
    counts: Counter[str] = Counter()
    for index in range(3000):
        counts.update(recording_at(index, SimulatorSettings()).truth)
    assert set(counts) == set(CLASSES)
    assert min(counts.values()) >= 12
    assert 0.50 < counts["sinus_rhythm"] / 3000 < 0.65
    assert counts["complete_heart_block"] < 0.02 * 3000


def test_the_balanced_preset_makes_rare_rhythms_common() -> None:
    settings = SimulatorSettings(preset="balanced")
    counts: Counter[str] = Counter()
    for index in range(640):
        counts.update(recording_at(index, settings).truth)
    assert min(counts[name] for name in CLASSES) > 12


def test_patients_come_several_times_and_stay_who_they_are() -> None:
    visits = [visit_at(3, index, CLINIC) for index in range(400)]
    by_patient: dict[int, list[int]] = {}
    for index, visit in enumerate(visits):
        by_patient.setdefault(visit.patient.number, []).append(index)
    assert sum(len(own) > 1 for own in by_patient.values()) > 50
    for own in by_patient.values():
        assert own == list(range(own[0], own[0] + len(own)))
        assert own[0] // BLOCK == own[-1] // BLOCK
        assert len({replace(visits[index].patient, conduction="", pr=0.0) for index in own}) == 1
        ages = [visits[index].age for index in own]
        assert ages == sorted(ages)
        assert {visit.mechanism for visit in visits} <= set(MECHANISMS)


def test_a_patients_beats_look_alike_at_each_visit() -> None:
    pairs = []
    for index in range(1, 200):
        now, before = recording_at(index, SETTINGS), recording_at(index - 1, SETTINGS)
        quiet = all(r.truth == {"sinus_rhythm"} for r in (now, before))
        if quiet and now.visit.number:
            shapes = [_mean_beat(i, r.rhythm.ventricular) for i, r in ((index, now), (index - 1, before))]
            pairs.append(np.corrcoef(shapes[0].ravel(), shapes[1].ravel())[0, 1])
    assert len(pairs) > 5
    assert np.median(pairs) > 0.9


def _mean_beat(index: int, beats: list[Ventricular]) -> np.ndarray:
    signal = signal_of(index, recording_at(index, SETTINGS), SETTINGS)
    starts = [round(beat.time * 500) for beat in beats if 0.1 < beat.time < 9.5]
    cut = np.array([signal[INDEPENDENT, start : start + 60] for start in starts], float)
    return np.asarray(cut.mean(axis=0) - cut.mean(axis=(0, 2))[:, None])


def test_lead_amplitudes_are_those_of_adults(sample: list[np.ndarray]) -> None:
    spread = np.median([signal.std(axis=1) for signal in sample], axis=0)
    highest = np.median([np.abs(signal).max(axis=1) for signal in sample], axis=0)
    assert (spread > 0.05).all()
    assert (spread < 0.40).all()
    assert (highest > 0.2).all()
    assert (highest < 3.0).all()
    assert max(np.abs(signal).max() for signal in sample) < 8.0


def test_twelve_leads_have_more_than_three_dimensions_but_three_dominate(sample: list[np.ndarray]) -> None:
    values = np.array([np.linalg.svd(signal[INDEPENDENT], compute_uv=False) for signal in sample])
    relative = np.median(values / values[:, :1], axis=0)
    assert 0.03 < relative[3] < 0.2
    assert 0.004 < relative[7] < relative[3]


def test_most_power_lies_below_forty_hertz(sample: list[np.ndarray]) -> None:
    power = np.abs(np.fft.rfft(np.array(sample), axis=2)) ** 2
    frequency = np.fft.rfftfreq(5000, 1 / 500)
    share = power[..., (frequency > 0.5) & (frequency < 40)].sum(axis=2) / power[..., frequency > 0.5].sum(
        axis=2
    )
    assert np.median(share) > 0.95


def test_qt_shortens_slowly_when_the_heart_speeds_up() -> None:
    slow, fast = np.arange(0, 20, 1.2), np.arange(0, 20, 0.5)
    assert qt_intervals(slow, 0.41)[-1] > 0.42
    assert qt_intervals(fast, 0.41)[-1] < 0.34
    one_early = np.array([0.0, 1.0, 2.0, 2.5, 4.0])
    assert np.ptp(qt_intervals(one_early, 0.41)) < 0.03
