"""Each class shows its defining feature in the signal, measured as a reader would, with calipers."""

import re
import warnings
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import islice

import neurokit2
import numpy as np
import pytest

from rarebeat.measure.measurements import measure
from rarebeat.simulator.clinic import Recording, Simulated, recording_at, report_of, simulate
from rarebeat.simulator.rhythm.events import Atrial, Ventricular
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES, ventricular_rate

SETTINGS = SimulatorSettings(seed=2, preset="balanced")
RATE = 500
LEAD_I, II, AVF, V1, V2, V4, V5, V6 = 0, 1, 5, 6, 7, 9, 10, 11
INDEPENDENT = [0, 1, 6, 7, 8, 9, 10, 11]
FIRED = ("premature_ventricular_complexes", "fusion_complexes", "premature_atrial_complexes")
SINUS = {"sinus_rhythm", "sinus_bradycardia", "sinus_tachycardia", "sinus_arrhythmia"}


recorded = cache(recording_at)
shown = cache(simulate)


def recordings(fits: Callable[[Recording], bool], settings: SimulatorSettings = SETTINGS) -> Iterator[int]:
    """Numbers of the recordings that are as asked for, with cables on their places."""
    for index in range(5000):
        recording = recorded(index, settings)
        if not recording.recorder.limbs and not recording.recorder.chest and fits(recording):
            yield index


@lru_cache(maxsize=64)
def examples(name: str, count: int = 12, others: tuple[str, ...] = ()) -> list[Simulated]:
    """Records that show a class; none of ``others`` beside it."""
    found = recordings(lambda one: name in one.truth and not one.truth & set(others))
    return [shown(index, SETTINGS) for index in islice(found, count)]


@lru_cache(maxsize=16)
def variants(mechanism: str, variant: str, count: int = 12) -> list[Simulated]:
    """Records of one form of a mechanism."""
    found = recordings(lambda one: (one.rhythm.mechanism, one.rhythm.variant) == (mechanism, variant))
    return [shown(index, SETTINGS) for index in islice(found, count)]


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
    upright = [around(one, starts(beats(one) or beats(one, "junction")), 0.0, 0.15, V6) for one in left]
    assert np.mean([mean.max() > abs(mean.min()) for mean in upright]) > 0.8


def proportions(side: str, lead: int) -> tuple[float, float]:
    """Medians over sinus rhythms with a bundle branch block: S to R, and T to the larger of both."""
    name = f"{side}_bundle_branch_block"
    found = []
    for record in examples(name, 15, others=plain(name)):
        mean = around(record, starts(beats(record)), 0.02, 0.45, lead)
        r, s, rest = mean[:85].max(), -mean[:85].min(), mean[100:]
        found.append((s / max(r, 0.05), rest[np.abs(rest).argmax()] / max(r, s)))
    middle = np.median(found, axis=0)
    return float(middle[0]), float(middle[1])


def test_bundle_branch_blocks_have_the_proportions_of_real_ones() -> None:
    """Quartiles of 79 real right and 51 real left blocks, a little wider.

    S to R in V6 with right block 0.20 to 0.54, T to S in V1 with left block 0.22 to 0.35, T to R in V6 -0.33 to -0.14.
    """
    assert 0.15 < proportions("right", V6)[0] < 0.65
    assert proportions("right", V1)[1] < -0.1
    assert 0.18 < proportions("left", V1)[1] < 0.40
    assert -0.38 < proportions("left", V6)[1] < -0.10


def test_pacing_both_ventricles_turns_the_axis_up_and_right_and_takes_less_time() -> None:
    def shape(record: Simulated) -> np.ndarray:
        fired = [one for one in beats(record, "pacemaker") if one.share == 1]
        return around(record, starts(fired), 0.02, 0.16)

    both = [shape(record) for record in variants("paced", "biventricular")]
    right = [shape(record) for record in variants("paced", "atrial sensed")]
    upwards = [mean[AVF].sum() < 0 for mean in both]
    rightwards = [mean[LEAD_I].sum() < 0 for mean in both]
    in_front = [mean[V1].sum() > 0 for mean in both]
    assert min(np.mean(upwards), np.mean(rightwards), np.mean(in_front)) > 0.7
    assert np.mean([mean[V1].sum() > 0 for mean in right]) < 0.2
    assert np.mean([mean[LEAD_I].sum() < 0 for mean in right]) < 0.4
    widths = [
        np.median([qrs_width(one, starts(beats(one, "pacemaker"))) for one in variants("paced", variant)])
        for variant in ("biventricular", "atrial sensed")
    ]
    assert widths[0] < widths[1] - 0.01


def test_pacing_leaves_spikes() -> None:
    sharp = []
    for record in examples("paced_rhythm"):
        rhythm = record.recording.rhythm
        spikes = starts([one for one in rhythm.ventricular if one.origin == "pacemaker"])
        spikes = spikes or starts([one for one in rhythm.atrial if one.paced])
        steps = np.abs(np.diff(around(record, spikes, 0.1, 0.02), n=2, axis=1)).max(axis=0)
        sharp.append(steps[44:54].max() > 3 * np.median(steps))
    assert np.mean(sharp) > 0.7


def found_rate(signal: np.ndarray, method: str) -> float:
    """Beats per minute by a QRS detector of neurokit2: median over intervals, then over seven leads."""
    found = []
    for lead in (LEAD_I, II, V1, V2, V4, V5, V6):
        clean = neurokit2.ecg_clean(signal[lead], sampling_rate=RATE)
        _, peaks = neurokit2.ecg_peaks(clean, sampling_rate=RATE, method=method)
        found.append(60 * RATE / np.median(np.diff(peaks["ECG_R_Peaks"])))
    return float(np.nanmedian(found))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "method"),  # one finds narrow fast beats, one wide and slow ones
    [
        ("sinus_bradycardia", "kalidas2017"),
        ("sinus_tachycardia", "rodrigues2021"),
        ("supraventricular_tachycardia", "rodrigues2021"),
        ("avnrt", "rodrigues2021"),
        ("atrial_tachycardia", "rodrigues2021"),
        ("ectopic_atrial_rhythm", "kalidas2017"),
        ("ventricular_tachycardia", "kalidas2017"),
        ("junctional_rhythm", "kalidas2017"),
        ("idioventricular_rhythm", "kalidas2017"),
        ("complete_heart_block", "kalidas2017"),
        ("paced_rhythm", "kalidas2017"),
    ],
)
def test_an_independent_detector_finds_the_rate_of_regular_rhythms(name: str, method: str) -> None:
    errors = []
    for record in examples(name, 12, others=(*FIRED, "bigeminy")):
        if rr(record).std() < 0.05 * rr(record).mean():
            errors.append(found_rate(record.signal / 1000, method) * np.median(rr(record)) / 60 - 1)
    assert len(errors) >= 5
    assert np.mean(np.abs(errors) < 0.03) > 0.7


def delineate(record: Simulated) -> np.ndarray:
    """Rate, PR, QRS and QT in ms by neurokit2: medians over beats, then over the leads II, V1 and V5.

    Its peaks and prominences; its wavelets find a QRS of 175 ms in real and in simulated ECGs alike.
    """
    found = []
    for lead in (II, V1, V5):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            clean = neurokit2.ecg_clean(record.signal[lead] / 1000, sampling_rate=RATE)
            _, peaks = neurokit2.ecg_peaks(clean, sampling_rate=RATE)
            if len(peaks["ECG_R_Peaks"]) < 5:  # a lead too small for it
                continue
            _, waves = neurokit2.ecg_delineate(
                clean, peaks["ECG_R_Peaks"], sampling_rate=RATE, method="prominence"
            )
            onset, offset, p, t = (
                2 * np.array(waves[f"ECG_{name}"], float)
                for name in ("R_Onsets", "R_Offsets", "P_Onsets", "T_Offsets")
            )
            rate = 60 * RATE / np.median(np.diff(peaks["ECG_R_Peaks"]))
            found.append([rate] + [np.nanmedian(one) for one in (onset - p, offset - onset, t - onset)])
    return np.asarray(np.nanmedian(found, axis=0))


def planned_pr(record: Simulated) -> float:
    """Milliseconds."""
    return 1000 * float(np.median([one.pr for one in beats(record) if one.pr is not None]))


def plain(*names: str) -> tuple[str, ...]:
    """All classes but the given ones and sinus rhythms: what a record must not show besides."""
    return tuple(sorted(set(CLASSES) - SINUS - set(names)))


def test_an_independent_delineator_finds_rate_and_intervals_as_planned() -> None:
    differences = []
    for record in examples("sinus_rhythm", 25, others=plain()):
        rate = ventricular_rate(record.recording.rhythm, 10.0)
        qt = 1000 * record.recording.visit.patient.qtc * np.cbrt(60 / rate)
        if record.recording.visit.patient.conduction == "normal":
            differences.append(delineate(record) - [rate, planned_pr(record), 78, qt])
    rate, pr, qrs, qt = np.nanmedian(differences, axis=0)
    assert abs(rate) < 1
    assert abs(pr) < 20
    assert abs(qrs) < 10
    assert abs(qt) < 20


def test_an_independent_delineator_finds_a_long_pr_interval_in_first_degree_block() -> None:
    blocked = examples("av_block_1st_degree", 15, others=plain("av_block_1st_degree"))
    found = np.array([delineate(record)[1] for record in blocked])
    assert np.nanmedian(found) > 200
    assert abs(np.nanmedian(found - [planned_pr(record) for record in blocked])) < 30
    assert np.nanmedian(found) > np.nanmedian([delineate(one)[1] for one in usual()]) + 40


@pytest.mark.parametrize("side", ["left", "right"])
def test_bundle_branch_blocks_take_120_ms_and_more(side: str) -> None:
    """Measured by the library that measures real ECGs: the delineator above looks no further than 100 ms."""
    name = f"{side}_bundle_branch_block"
    found = [measure(record.signal, RATE).qrs for record in examples(name, 15, others=plain(name))]
    assert np.median([width for width in found if width is not None]) >= 120
    assert np.median([measure(one.signal, RATE).qrs or 0.0 for one in usual()]) < 110


def usual() -> list[Simulated]:
    """Sinus rhythm, and nothing else."""
    return examples("sinus_rhythm", 15, others=plain())


def test_an_independent_delineator_finds_a_long_qt_interval_where_the_report_speaks_of_one() -> None:
    settings = SimulatorSettings(seed=4)
    words = re.compile("prolonged QT|long QT|QT prolonged", re.IGNORECASE)

    def corrected_qt(index: int) -> float:
        rate, _, _, qt = delineate(shown(index, settings))
        return float(qt / np.cbrt(60 / rate))

    alone = list(islice(recordings(lambda one: one.truth == {"sinus_rhythm"}, settings), 450))
    texts = {index: report_of(index, recorded(index, settings), settings).text for index in alone}
    prolonged = [index for index in alone if words.search(texts[index])][:10]
    normal = [index for index in alone if texts[index].startswith("Normal sinus rhythm\nNormal ECG")][:10]
    assert min(len(prolonged), len(normal)) >= 8
    qtc = [np.nanmedian([corrected_qt(index) for index in group]) for group in (prolonged, normal)]
    assert qtc[0] > 440
    assert qtc[0] > qtc[1] + 30
