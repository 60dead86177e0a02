"""Each rhythm shows its defining feature in the signal, measured as a reader would, with calipers."""

import numpy as np
import pytest
from tests.simulator.physiology.calipers import (
    AVF,
    FIRED,
    II,
    LEAD_I,
    RATE,
    around,
    beats,
    examples,
    p_wave,
    rr,
    starts,
    variants,
)

from rarebeat.measure.measuring import measure
from rarebeat.simulator.clinic import Simulated
from rarebeat.simulator.truth import ventricular_rate


def test_sinus_p_waves_are_upright_in_the_inferior_leads_and_low_atrial_ones_inverted() -> None:
    sinus = examples("sinus_rhythm", others=(*FIRED, "complete_heart_block", "ventricular_tachycardia"))
    low = [one for one in examples("ectopic_atrial_rhythm", 24) if one.recording.rhythm.variant == "low"]
    assert np.mean([p_wave(one, II) > 0.02 for one in sinus]) > 0.9
    assert np.mean([p_wave(one, AVF) < -0.02 for one in low]) > 0.9


def test_fibrillation_has_no_p_wave_before_the_qrs() -> None:
    def before_qrs(record: Simulated) -> float:
        return float(np.ptp(around(record, starts(beats(record)), 0.22, -0.02, II)))

    fibrillation = [before_qrs(one) for one in examples("atrial_fibrillation", others=("paced_rhythm",))]
    sinus = [before_qrs(one) for one in examples("sinus_rhythm", others=(*FIRED, "complete_heart_block"))]
    assert np.median(fibrillation) < 0.7 * np.median(sinus)


def test_flutter_waves_repeat_at_their_frequency_in_lead_ii() -> None:
    found = []
    for record in examples("atrial_flutter"):
        waves = record.recording.rhythm.waves
        assert waves is not None
        power = np.abs(np.fft.rfft(record.signal[II] * np.hanning(5000))) ** 2
        frequency = np.fft.rfftfreq(5000, 1 / RATE)
        near = np.abs(frequency - waves.frequency) < 0.15
        beside = (np.abs(frequency - waves.frequency) > 0.3) & (np.abs(frequency - waves.frequency) < 0.6)
        found.append(power[near].max() > 5 * np.median(power[beside]))
    assert np.mean(found) > 0.8


def test_first_degree_block_shows_p_waves_more_than_200_ms_before_the_qrs() -> None:
    for record in examples("av_block_1st_degree", others=("premature_atrial_complexes",)):
        conducted = [one.pr for one in beats(record) if one.pr is not None]
        assert np.median(conducted) > 0.2
    late = [
        np.argmax(around(one, starts(beats(one)), 0.30, -0.05, II)) / RATE - 0.30
        for one in examples("av_block_1st_degree", others=("ectopic_atrial_rhythm", *FIRED))
    ]
    assert np.median(late) < -0.12


def test_complete_block_hides_no_p_wave_and_locks_none() -> None:
    spread, upright = [], []
    for record in examples("complete_heart_block", others=("atrial_fibrillation", "atrial_flutter")):
        upright.append(p_wave(record, II) > 0.01 or p_wave(record, LEAD_I) > 0.01)
        delays = [
            min(beat.time - one.time for one in record.recording.rhythm.atrial if one.time < beat.time)
            for beat in record.recording.rhythm.ventricular
            if beat.time > 0
        ]
        spread.append(np.std(delays))
    assert np.mean(upright) > 0.8
    assert np.median(spread) > 0.05


def test_complete_block_under_fibrillation_has_a_regular_escape_and_no_p_wave() -> None:
    blocked = examples(
        "complete_heart_block", 8, others=("sinus_rhythm", "sinus_bradycardia", "atrial_flutter")
    )
    conducted = examples("atrial_fibrillation", others=("paced_rhythm", "complete_heart_block", *FIRED))
    assert len(blocked) == 8
    for record in blocked:
        assert "atrial_fibrillation" in record.recording.truth
        assert rr(record).std() / rr(record).mean() < 0.05
        assert 24 < ventricular_rate(record.recording.rhythm, 10.0) < 60
        assert not record.recording.rhythm.atrial
    assert min(rr(record).std() / rr(record).mean() for record in conducted) > 0.05
    measured = [measure(record.signal, RATE).variation for record in blocked]
    assert np.median([one for one in measured if one is not None]) < 0.05


def test_wenckebach_groups_end_with_a_pause_shorter_than_two_intervals() -> None:
    for record in examples("av_block_2nd_degree_mobitz_i"):
        intervals = rr(record)
        assert 1.25 * np.median(intervals) < intervals.max() < 2 * intervals.min()


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("sinus_bradycardia", 30, 64),
        ("sinus_tachycardia", 97, 165),
        ("supraventricular_tachycardia", 138, 240),
        ("ventricular_tachycardia", 60, 225),
        ("junctional_rhythm", 34, 132),
        ("idioventricular_rhythm", 24, 108),
        ("paced_rhythm", 50, 95),
    ],
)
def test_rates(name: str, low: float, high: float) -> None:
    fired = ("premature_atrial_complexes", "premature_ventricular_complexes")
    for record in examples(name, others=fired if name == "paced_rhythm" else (*fired, "paced_rhythm")):
        assert low < ventricular_rate(record.recording.rhythm, 10.0) < high


@pytest.mark.parametrize(
    ("variant", "low", "high"), [("escape", 39, 60), ("accelerated", 60, 100), ("tachycardia", 100, 132)]
)
def test_junctional_rhythm_has_its_rate_and_inverted_p_waves(variant: str, low: float, high: float) -> None:
    inverted = []
    for record in variants("junctional", variant):
        rhythm = record.recording.rhythm
        assert low < ventricular_rate(rhythm, 10.0) < high
        delays = [one.time - beat.time for one, beat in zip(rhythm.atrial, rhythm.ventricular, strict=True)]
        assert -0.12 < min(delays) <= max(delays) < 0.20
        if max(delays) < 0:  # P waves before the QRS, where they can be seen
            inverted.append(p_wave(record, AVF) < 0)
    assert np.mean(inverted) > 0.8


def test_nodal_reentry_has_no_p_wave_before_the_qrs() -> None:
    for record in examples("avnrt"):
        rhythm = record.recording.rhythm
        for beat in rhythm.ventricular:
            assert min(abs(one.time - beat.time) for one in rhythm.atrial) < 0.09
