"""Each mechanism shows its defining feature in its events."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from rarebeat.simulator.patients.priors import CLINIC, MECHANISMS, Prior
from rarebeat.simulator.rhythm.events import Rhythm, Ventricular
from rarebeat.simulator.truth import ventricular_rate

SECONDS = 10.0
QUIET = Prior({}, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
Play = Callable[..., Iterator[Rhythm]]


def intervals(beats: list[Ventricular]) -> np.ndarray:
    return np.diff([beat.time for beat in beats])


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_mechanism_fills_the_recording_with_beats_in_order(play_many: Play, mechanism: str) -> None:
    for rhythm in play_many(mechanism, prior=CLINIC):
        times = [beat.time for beat in rhythm.ventricular]
        assert times == sorted(times)
        assert times[0] < 0.5
        assert times[-1] > SECONDS - 3.0
        assert min(np.diff(times)) > 0.1


@pytest.mark.parametrize(
    ("mechanism", "low", "high"),
    [
        ("sinus", 59, 101),
        ("sinus_bradycardia", 35, 61),
        ("sinus_tachycardia", 99, 158),
        ("fibrillation", 40, 190),
        ("ectopic_atrial", 48, 102),
        ("nodal_reentry", 140, 238),
        ("reentrant_tachycardia", 140, 238),
        ("junctional", 39, 131),
        ("complete_block", 25, 58),
        ("idioventricular", 26, 110),
        ("paced", 58, 87),
    ],
)
def test_ventricular_rates_lie_in_the_range_of_the_mechanism(
    play_many: Play, mechanism: str, low: float, high: float
) -> None:
    rates = [ventricular_rate(rhythm, SECONDS) for rhythm in play_many(mechanism)]
    assert low <= min(rates)
    assert max(rates) <= high


def test_sinus_beats_follow_their_p_waves_by_the_pr_interval(play_many: Play) -> None:
    for rhythm in play_many("sinus"):
        onsets = np.array([one.time for one in rhythm.atrial])
        for beat in rhythm.ventricular:
            assert beat.pr == pytest.approx(0.16, abs=0.02)
            assert np.abs(onsets - (beat.time - beat.pr)).min() < 1e-9


def test_wenckebach_pr_grows_by_shrinking_steps_until_a_beat_drops(play_many: Play) -> None:
    for rhythm in play_many("wenckebach"):
        conducted = {round(beat.time - beat.pr, 6): beat for beat in rhythm.ventricular}
        marks = [conducted.get(round(one.time, 6)) for one in rhythm.atrial]
        assert None in marks
        groups: list[list[float]] = [[]]
        for beat in marks:
            if beat is None:
                groups.append([])
            else:
                groups[-1].append(beat.pr)
        complete = groups[1:-1]
        assert complete
        for prs in complete:
            steps = np.diff(prs)
            assert len(prs) >= 2
            assert prs[0] == min(prs)
            assert steps[0] > 0.05
            assert all(later < earlier for earlier, later in pairwise(steps))


def test_wenckebach_pauses_are_shorter_than_two_intervals(play_many: Play) -> None:
    for rhythm in play_many("wenckebach"):
        rr = intervals(list(rhythm.ventricular))
        assert rr.max() < 2 * rr.min()
        assert rr.max() > 1.3 * rr.min()


def test_advanced_block_keeps_the_pr_interval_and_drops_p_waves(play_many: Play) -> None:
    for rhythm in play_many("advanced_block"):
        prs = [beat.pr for beat in rhythm.ventricular]
        assert np.ptp(prs) < 0.02
        ratio = len(rhythm.atrial) / len(rhythm.ventricular)
        low, high = {"2:1": (1.8, 2.2), "type II": (1.1, 1.7), "high grade": (2.6, 4.6)}[rhythm.variant]
        assert low < ratio < high


def test_p_waves_and_qrs_are_independent_in_complete_block(play_many: Play) -> None:
    phases = []
    for rhythm in play_many("complete_block"):
        if rhythm.waves:
            continue
        p = np.array([one.time for one in rhythm.atrial])
        pp = np.median(np.diff(p))
        assert pp < 0.8 * np.median(intervals(list(rhythm.ventricular)))
        for beat in rhythm.ventricular:
            assert beat.pr is None
            phases.append((beat.time - p[p <= beat.time].max()) / pp if (p <= beat.time).any() else 0.0)
    share = np.histogram(np.clip(phases, 0, 1), bins=4, range=(0, 1))[0] / len(phases)
    assert share.min() > 0.15


def test_escape_is_narrow_from_the_junction_and_slower_and_wide_from_the_ventricle(play_many: Play) -> None:
    for rhythm in play_many("complete_block"):
        foci = {beat.focus for beat in rhythm.ventricular}
        assert foci == ({"his"} if rhythm.variant == "junctional escape" else {"escape"})
        if rhythm.variant == "ventricular escape":
            assert ventricular_rate(rhythm, SECONDS) < 45


def test_fibrillation_is_irregular_without_p_waves(play_many: Play) -> None:
    for rhythm in play_many("fibrillation"):
        rr = intervals(list(rhythm.ventricular))
        assert rr.std() / rr.mean() > 0.1
        assert not rhythm.atrial
        assert rhythm.waves is not None
        assert rhythm.waves.kind == "fibrillation"


def test_neighbouring_intervals_of_fibrillation_are_hardly_correlated(play_many: Play) -> None:
    pairs = []
    for rhythm in play_many("fibrillation", 60):
        rr = intervals(list(rhythm.ventricular))
        pairs += list(pairwise((rr - rr.mean()) / rr.std()))
    assert abs(np.corrcoef(np.array(pairs).T)[0, 1]) < 0.35


def test_flutter_intervals_are_multiples_of_the_flutter_cycle(play_many: Play) -> None:
    for rhythm in play_many("flutter"):
        assert rhythm.waves is not None
        assert 4.0 <= rhythm.waves.frequency <= 345 / 60
        multiples = intervals(list(rhythm.ventricular)) * rhythm.waves.frequency
        assert np.abs(multiples - np.rint(multiples)).max() < 0.15
        ratios = {int(ratio) for ratio in np.rint(multiples)}
        assert ratios <= {2, 3, 4}
        assert (len(ratios) > 1) == (rhythm.variant == "variable")


def test_retrograde_p_comes_early_in_nodal_reentry_and_late_over_an_accessory_pathway(
    play_many: Play,
) -> None:
    for mechanism, low, high in [("nodal_reentry", 0.0, 0.09), ("reentrant_tachycardia", 0.11, 0.17)]:
        for rhythm in play_many(mechanism):
            delays = [
                one.time - beat.time for one, beat in zip(rhythm.atrial, rhythm.ventricular, strict=True)
            ]
            assert low <= min(delays)
            assert max(delays) <= high
            assert intervals(list(rhythm.ventricular)).std() < 0.01


def test_atrial_tachycardia_has_ectopic_p_waves_faster_than_a_hundred(play_many: Play) -> None:
    for rhythm in play_many("atrial_tachycardia"):
        assert {one.focus for one in rhythm.atrial} <= {"low", "left"}
        assert 105 < 60 / np.median(np.diff([one.time for one in rhythm.atrial])) < 225


def test_ventricular_tachycardia_is_a_fast_run_of_wide_beats(play_many: Play) -> None:
    for rhythm in play_many("ventricular_tachycardia"):
        run = [beat for beat in rhythm.ventricular if beat.origin == "ventricle" and 0 <= beat.time < SECONDS]
        assert len(run) >= 3
        assert all(beat.focus == "focus-a" for beat in run)
        assert 110 < 60 / np.median(intervals(run)) < 225
        sinus = [one for one in rhythm.atrial if one.focus == "sinus"]
        assert sinus or rhythm.variant == "retrograde"


def test_paced_beats_come_at_the_pacemakers_interval(play_many: Play) -> None:
    for rhythm in play_many("paced"):
        if rhythm.variant in ("ventricular", "dual"):
            assert intervals(list(rhythm.ventricular)).std() < 0.005
        if rhythm.variant in ("dual", "atrial"):
            assert all(one.paced for one in rhythm.atrial)


def test_biventricular_pacing_is_the_pacing_of_heart_failure(play_many: Play) -> None:
    rhythms = [one for one in play_many("paced", 400) if one.variant == "biventricular"]
    failing = [
        one
        for one in play_many("paced", 400, conditions=frozenset({"heart_failure"}))
        if one.variant == "biventricular"
    ]
    assert 5 < len(rhythms) < 45
    assert len(failing) > 3 * len(rhythms)
    for rhythm in failing:
        assert {beat.focus for beat in rhythm.ventricular} == {"biventricular"}
        assert bool(rhythm.atrial) != bool(rhythm.waves)
        assert intervals(list(rhythm.ventricular)).min() > 0.5


def test_junctional_p_waves_lie_before_inside_or_after_the_qrs(play_many: Play) -> None:
    for variant, low, high in (("escape", 40, 60), ("accelerated", 60, 100), ("tachycardia", 100, 130)):
        places = set()
        for rhythm in (one for one in play_many("junctional", 200) if one.variant == variant):
            assert low - 1 < ventricular_rate(rhythm, SECONDS) < high + 2
            delay = rhythm.atrial[5].time - rhythm.ventricular[5].time
            places.add("before" if delay < 0 else "inside" if delay < 0.05 else "after")
        assert places == {"before", "inside", "after"}


def test_most_records_with_premature_complexes_have_one_or_two(play_many: Play) -> None:
    for prior in (replace(QUIET, premature_atrial=1.0), replace(QUIET, premature_ventricular=1.0)):
        counts = [
            sum(one.origin == "pvc" for one in rhythm.ventricular)
            or sum(one.focus == "premature" for one in rhythm.atrial)
            for rhythm in play_many("sinus", 200, prior=prior)
        ]
        assert np.mean(np.array(counts) <= 2) > 0.65


def test_demand_pacing_and_the_sinus_node_meet_in_fusion(play_many: Play) -> None:
    demand = [rhythm for rhythm in play_many("paced", 300) if rhythm.variant == "demand"]
    fused = [any(beat.share < 1 for beat in rhythm.ventricular) for rhythm in demand]
    assert len(demand) > 10
    assert np.mean(fused) > 0.5


def test_premature_ventricular_beats_are_early_and_followed_by_a_pause(play_many: Play) -> None:
    prior = replace(QUIET, premature_ventricular=1.0)
    pauses = []
    for rhythm in play_many("sinus", prior=prior):
        usual = np.median(np.diff([one.time for one in rhythm.atrial]))
        beats = list(rhythm.ventricular)
        for before, beat, after in zip(beats, beats[1:], beats[2:], strict=False):
            if beat.origin == "pvc" and before.origin == after.origin == "conducted":
                assert 0.3 < beat.time - before.time < 0.95 * usual
                assert beat.pr is None
                pauses.append((after.time - before.time) / usual)
    assert np.median(pauses) == pytest.approx(2.0, abs=0.1)


def test_premature_atrial_beats_are_early_and_mostly_reset_the_sinus_clock(play_many: Play) -> None:
    prior = replace(QUIET, premature_atrial=1.0)
    for rhythm in play_many("sinus", prior=prior):
        foci = [one.focus for one in rhythm.atrial]
        times = [one.time for one in rhythm.atrial]
        usual = np.median(np.diff(times))
        for index, focus in enumerate(foci[:-1]):
            if focus == "premature":
                assert times[index] - times[index - 1] < 0.95 * usual
                if foci[index + 1] == "sinus":
                    assert 0.85 * usual < times[index + 1] - times[index] < 1.8 * usual
        early = [beat for beat in rhythm.ventricular if beat.premature]
        assert all(beat.focus in ("his", "aberrant") for beat in early)


def test_very_early_premature_atrial_beats_are_blocked(play_many: Play) -> None:
    prior = replace(QUIET, premature_atrial=1.0)
    blocked = [
        rhythm
        for rhythm in play_many("sinus", 300, prior=prior)
        if sum(one.focus == "premature" for one in rhythm.atrial)
        > sum(b.premature for b in rhythm.ventricular)
    ]
    assert 5 < len(blocked) < 100


def test_fusion_needs_a_conducted_impulse_at_the_same_time(play_many: Play) -> None:
    prior = replace(QUIET, fusion=1.0)
    for rhythm in play_many("sinus", prior=prior):
        fused = [beat for beat in rhythm.ventricular if beat.share < 1]
        assert fused
        for beat in fused:
            assert beat.pr is not None
            assert 0.29 <= beat.share <= 0.71


def test_marked_sinus_arrhythmia_follows_respiration(play_many: Play) -> None:
    prior = replace(QUIET, sinus_arrhythmia=1.0)
    followed = []
    for rhythm in play_many("sinus", prior=prior, age=25.0):
        times = np.array([one.time for one in rhythm.atrial if one.time > 0])
        pp = np.diff(times)
        if 60 / np.median(pp) > 85:  # in fast hearts it is not marked
            continue
        assert np.ptp(pp) > 0.1
        waves = np.column_stack([np.sin(np.pi / 2 * times[:-1]), np.cos(np.pi / 2 * times[:-1]), pp * 0 + 1])
        rest = pp - waves @ np.linalg.lstsq(waves, pp, rcond=None)[0]
        followed.append(1 - rest.var() / pp.var())  # breaths last four seconds
    assert len(followed) > 20
    assert np.median(followed) > 0.55


def test_the_young_and_slow_vary_most(play_many: Play) -> None:
    def variation(mechanism: str, age: float) -> float:
        rhythms = play_many(mechanism, 60, age=age)
        pp = [np.diff([one.time for one in rhythm.atrial]) for rhythm in rhythms]
        return float(np.median([one.std() / one.mean() for one in pp]))

    assert variation("sinus", 22) > 1.8 * variation("sinus", 60)
    assert variation("sinus", 45) > 1.5 * variation("sinus_tachycardia", 45)
