"""Each class shows its defining feature in the signal, measured as a reader would, with calipers."""

import warnings
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
import pytest

from rarebeat.simulator.clinic import Simulated, recording_at, simulate
from rarebeat.simulator.events import Atrial, Ventricular
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES, ventricular_rate

SETTINGS = SimulatorSettings(seed=2, preset="balanced")
RATE = 500
LEAD_I, II, AVF, V1, V6 = 0, 1, 5, 6, 11
INDEPENDENT = [0, 1, 6, 7, 8, 9, 10, 11]
FIRED = ("premature_ventricular_complexes", "fusion_complexes", "premature_atrial_complexes")


@lru_cache(maxsize=64)
def examples(name: str, count: int = 12, others: tuple[str, ...] = ()) -> list[Simulated]:
    """Records that show a class, with cables on their places; none of ``others`` beside it."""

    def fits(index: int) -> bool:
        recording = recording_at(index, SETTINGS)
        swapped = recording.recorder.limbs or recording.recorder.chest
        return name in recording.truth and not recording.truth & set(others) and not swapped

    return [simulate(index, SETTINGS) for index in islice(filter(fits, range(5000)), count)]


def around(
    record: Simulated, times: list[float], before: float, after: float, lead: int | slice = slice(None)
) -> np.ndarray:
    """Mean signal around events in millivolts, (leads, samples) or (samples,), over its first 8 ms."""
    signal = record.signal / 1000
    first = [round((time - before) * RATE) for time in times]
    length = round((before + after) * RATE)
    cuts = [signal[lead, start : start + length] for start in first if 0 <= start <= 5000 - length]
    mean = np.mean(cuts, axis=0)
    return np.asarray(mean - mean[..., :4].mean(axis=-1, keepdims=True))


def beats(record: Simulated, origin: str = "conducted") -> list[Ventricular]:
    return [one for one in record.recording.rhythm.ventricular if one.origin == origin and not one.premature]


def starts(events: list[Ventricular] | list[Atrial]) -> list[float]:
    return [event.time for event in events]


def qrs_width(record: Simulated, times: list[float]) -> float:
    """Seconds in which the vector of all leads moves with more than a tenth of its greatest speed."""
    mean = around(record, times, 0.05, 0.25)[INDEPENDENT]
    smooth = np.array([np.convolve(lead, np.ones(7) / 7, "valid") for lead in mean])
    fast = np.linalg.norm(np.diff(smooth, axis=1), axis=0)
    moving = np.flatnonzero(fast > 0.10 * fast.max())
    return float(moving[-1] - moving[0]) / RATE


def p_wave(record: Simulated, lead: int) -> float:
    """Deflection of the mean P wave of the atrial rhythm, millivolts: its middle over its onset."""
    atrial = [one for one in record.recording.rhythm.atrial if one.focus != "premature"]
    mean = around(record, starts(atrial), 0.02, 0.10, lead)
    return float(mean[30:45].mean() - mean[:8].mean())


def rr(record: Simulated) -> np.ndarray:
    return np.diff([one.time for one in record.recording.rhythm.ventricular if 0 < one.time < 9.8])


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
    spread = []
    for record in examples("complete_heart_block"):
        assert p_wave(record, II) > 0.01 or p_wave(record, LEAD_I) > 0.01
        delays = [
            min(beat.time - one.time for one in record.recording.rhythm.atrial if one.time < beat.time)
            for beat in record.recording.rhythm.ventricular
            if beat.time > 0
        ]
        spread.append(np.std(delays))
    assert np.median(spread) > 0.05


def test_wenckebach_groups_end_with_a_pause_shorter_than_two_intervals() -> None:
    for record in examples("av_block_2nd_degree_mobitz_i"):
        intervals = rr(record)
        assert 1.25 * np.median(intervals) < intervals.max() < 2 * intervals.min()


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("sinus_bradycardia", 30, 62),
        ("sinus_tachycardia", 97, 165),
        ("supraventricular_tachycardia", 138, 240),
        ("ventricular_tachycardia", 60, 225),
        ("junctional_rhythm", 34, 102),
        ("idioventricular_rhythm", 24, 108),
        ("paced_rhythm", 50, 95),
    ],
)
def test_rates(name: str, low: float, high: float) -> None:
    for record in examples(name, others=("premature_atrial_complexes", "premature_ventricular_complexes")):
        assert low < ventricular_rate(record.recording.rhythm, 10.0) < high


def test_nodal_reentry_has_no_p_wave_before_the_qrs() -> None:
    for record in examples("avnrt"):
        rhythm = record.recording.rhythm
        for beat in rhythm.ventricular:
            assert min(abs(one.time - beat.time) for one in rhythm.atrial) < 0.09


def test_ventricular_complexes_are_wide_and_their_t_waves_discordant() -> None:
    wide, discordant = [], []
    for record in examples("premature_ventricular_complexes", others=("left_bundle_branch_block",)):
        ectopic = [one for one in beats(record, "pvc") if one.focus == "focus-a" and 0.2 < one.time < 9]
        if not ectopic or record.recording.visit.patient.conduction != "normal":
            continue
        wide.append(qrs_width(record, starts(ectopic)))
        mean = around(record, starts(ectopic), 0.0, 0.5)
        lead = np.abs(mean[:, :80].sum(axis=1)).argmax()
        discordant.append(mean[lead, :80].sum() * mean[lead, 120:200].sum() < 0)
    assert np.median(wide) > 0.12
    assert np.mean(discordant) > 0.8


def test_fusion_complexes_lie_between_conducted_and_ectopic_ones() -> None:
    between = []
    for record in examples("fusion_complexes", 20):
        ventricular = record.recording.rhythm.ventricular
        fused = [one for one in ventricular if one.share < 1 and 0.2 < one.time < 9.5]
        ectopic = [one for one in ventricular if fused and one.focus == fused[0].focus and one.share == 1]
        normal = beats(record)
        if fused and normal and any(0.2 < one.time < 9.5 for one in ectopic):
            shapes = [around(record, starts(group), 0.04, 0.20) for group in (normal, fused, ectopic)]
            apart = np.linalg.norm(shapes[0] - shapes[2])
            between.append(max(np.linalg.norm(shapes[1] - shapes[k]) for k in (0, 2)) < 1.1 * apart)
    assert len(between) > 5
    assert np.mean(between) > 0.8


def test_bundle_branch_blocks_are_wide_with_late_forces_on_their_side() -> None:
    quiet = (*FIRED, "bigeminy", "paced_rhythm", "ventricular_tachycardia", "idioventricular_rhythm")
    right = examples("right_bundle_branch_block", others=quiet)
    left = examples("left_bundle_branch_block", others=quiet)
    normal = examples(
        "sinus_rhythm", others=(*quiet, "right_bundle_branch_block", "left_bundle_branch_block")
    )
    for group, narrow in ((right, False), (left, False), (normal, True)):
        widths = [qrs_width(one, starts(beats(one) or beats(one, "junction"))) for one in group]
        assert (np.median(widths) < 0.11) == narrow
    peaks = [
        around(one, starts(beats(one) or beats(one, "junction")), 0.0, 0.16, V1).argmax() / RATE
        for one in right
    ]
    assert np.mean(np.array(peaks) > 0.05) > 0.8
    for record in left:
        mean = around(record, starts(beats(record) or beats(record, "junction")), 0.0, 0.15)
        assert abs(mean[V1].min()) > mean[V1].max()
        assert mean[V6].max() > abs(mean[V6].min())


def test_pacing_leaves_spikes() -> None:
    sharp = []
    for record in examples("paced_rhythm"):
        rhythm = record.recording.rhythm
        spikes = starts([one for one in rhythm.ventricular if one.origin == "pacemaker"])
        spikes = spikes or starts([one for one in rhythm.atrial if one.paced])
        steps = np.abs(np.diff(around(record, spikes, 0.1, 0.02), n=2, axis=1)).max(axis=0)
        sharp.append(steps[44:54].max() > 3 * np.median(steps))
    assert np.mean(sharp) > 0.7


def test_an_independent_delineator_finds_rate_and_intervals_as_planned() -> None:
    """Its peaks and prominences; its wavelets find a QRS of 175 ms in real and in simulated ECGs alike."""
    neurokit = pytest.importorskip(
        "neurokit2",
        reason="neurokit2 is no dependency of the project: its wheel asks for pandas < 3. To run this test: "
        "pip install PyWavelets requests && pip install --no-deps neurokit2==0.2.13",
    )
    differences = []
    for record in examples("sinus_rhythm", 25, others=tuple(set(CLASSES) - {"sinus_rhythm"})):
        conducted = [one.pr for one in beats(record) if one.pr is not None]
        rate = ventricular_rate(record.recording.rhythm, 10.0)
        qt = 1000 * record.recording.visit.patient.qtc * np.cbrt(60 / rate)
        if record.recording.visit.patient.conduction == "normal" and conducted:
            found = _delineate(neurokit, record.signal / 1000)
            differences.append(found - [rate, 1000 * np.median(conducted), 78, qt])
    rate, pr, qrs, qt = np.nanmedian(differences, axis=0)
    assert abs(rate) < 1
    assert abs(pr) < 15
    assert abs(qrs) < 10
    assert abs(qt) < 20


def _delineate(neurokit: Any, signal: np.ndarray) -> np.ndarray:
    """Rate, PR, QRS and QT in ms: medians over beats, then over the leads II, V1 and V5."""
    found = []
    for lead in (II, V1, 10):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            clean = neurokit.ecg_clean(signal[lead], sampling_rate=RATE)
            _, peaks = neurokit.ecg_peaks(clean, sampling_rate=RATE)
            _, waves = neurokit.ecg_delineate(
                clean, peaks["ECG_R_Peaks"], sampling_rate=RATE, method="prominence"
            )
        onset, offset, p, t = (
            2 * np.array(waves[f"ECG_{name}"], float)
            for name in ("R_Onsets", "R_Offsets", "P_Onsets", "T_Offsets")
        )
        rate = 60 * RATE / np.median(np.diff(peaks["ECG_R_Peaks"]))
        found.append([rate, np.nanmedian(onset - p), np.nanmedian(offset - onset), np.nanmedian(t - onset)])
    return np.asarray(np.nanmedian(found, axis=0))
