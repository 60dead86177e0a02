"""Truth is measured on the events that a recording shows."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from rarebeat.simulator.clinic import recording_at
from rarebeat.simulator.rhythm.events import Atrial, Rhythm, Ventricular
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES, classes_of, longest_alternation, ventricular_rate

SECONDS = 10.0
Play = Callable[..., Iterator[Rhythm]]


def sinus(rate: float, pr: float = 0.16, offset: float = 0.1) -> Rhythm:
    atrial = [Atrial(time) for time in offset + np.arange(-2, 10.5, 60 / rate)]
    return Rhythm("sinus", "", atrial, [Ventricular(one.time + pr, pr=pr) for one in atrial])


def beat(time: float, premature: bool = False) -> Ventricular:
    return Ventricular(time, "pvc", "focus-a") if premature else Ventricular(time)


@pytest.mark.parametrize(
    ("rate", "name"),
    [(50, "sinus_bradycardia"), (61, "sinus_rhythm"), (99, "sinus_rhythm"), (120, "sinus_tachycardia")],
)
def test_the_sinus_rate_decides_between_rhythm_bradycardia_and_tachycardia(rate: float, name: str) -> None:
    assert classes_of(sinus(rate), "normal", SECONDS) == {name}


@pytest.mark.parametrize(("pr", "blocked"), [(0.199, False), (0.202, True)])
def test_first_degree_block_begins_above_200_ms(pr: float, blocked: bool) -> None:
    assert ("av_block_1st_degree" in classes_of(sinus(70, pr), "normal", SECONDS)) == blocked


@pytest.mark.parametrize("side", ["left", "right"])
def test_bundle_branch_block_shows_in_conducted_beats_only(side: str) -> None:
    wide = Rhythm("idioventricular", "", [], [Ventricular(t, "ventricle", "escape") for t in range(10)])
    assert f"{side}_bundle_branch_block" in classes_of(sinus(70), side, SECONDS)
    assert classes_of(wide, side, SECONDS) == {"idioventricular_rhythm"}


def test_incomplete_block_is_no_block() -> None:
    assert classes_of(sinus(70), "incomplete right", SECONDS) == {"sinus_rhythm"}


def test_what_happens_after_the_end_is_not_seen() -> None:
    rhythm = sinus(60)
    late = Rhythm("sinus", "", rhythm.atrial, [*rhythm.ventricular, Ventricular(9.95, "pvc", "focus-a")])
    seen = Rhythm("sinus", "", rhythm.atrial, [*rhythm.ventricular, Ventricular(5.0, "pvc", "focus-a")])
    assert "premature_ventricular_complexes" not in classes_of(late, "normal", SECONDS)
    assert "premature_ventricular_complexes" in classes_of(seen, "normal", SECONDS)


def test_bigeminy_needs_three_pairs_in_a_row() -> None:
    three = [beat(t, premature=t % 2 == 1) for t in range(6)]
    two = [beat(t, premature=t in (1, 3)) for t in range(10)]
    assert longest_alternation(three) == 3
    assert longest_alternation(two) < 3


def test_the_ventricular_rate_is_the_mean_over_the_recording() -> None:
    assert ventricular_rate(sinus(75), SECONDS) == pytest.approx(75)


@pytest.mark.parametrize(
    ("mechanism", "names"),
    [
        ("fibrillation", {"atrial_fibrillation"}),
        ("flutter", {"atrial_flutter"}),
        ("nodal_reentry", {"avnrt", "supraventricular_tachycardia"}),
        ("reentrant_tachycardia", {"supraventricular_tachycardia"}),
        ("wenckebach", {"sinus_rhythm", "av_block_2nd_degree_mobitz_i"}),
        ("advanced_block", {"sinus_rhythm", "av_block_2nd_degree_advanced"}),
        ("ectopic_atrial", {"ectopic_atrial_rhythm"}),
        ("atrial_tachycardia", {"atrial_tachycardia"}),
        ("junctional", {"junctional_rhythm"}),
    ],
)
def test_mechanisms_without_ectopy_show_their_own_classes(
    play_many: Play, mechanism: str, names: set[str]
) -> None:
    for rhythm in play_many(mechanism):
        assert classes_of(rhythm, "normal", SECONDS) == names


@pytest.mark.parametrize(
    ("kind", "name"), [("fibrillation", "atrial_fibrillation"), ("flutter", "atrial_flutter")]
)
def test_above_complete_block_the_atria_may_fibrillate_or_flutter(
    play_many: Play, kind: str, name: str
) -> None:
    rhythms = list(play_many("complete_block", 400))
    above = [one for one in rhythms if one.waves and one.waves.kind == kind]
    assert 0 < len(above) < 0.12 * len(rhythms)
    for rhythm in above:
        truth = classes_of(rhythm, "normal", SECONDS)
        assert truth - {"junctional_rhythm", "idioventricular_rhythm"} == {"complete_heart_block", name}
        intervals = np.diff([one.time for one in rhythm.ventricular])
        assert intervals.std() < 0.05 * intervals.mean()
        assert not rhythm.atrial


def test_sinus_arrhythmia_begins_where_readers_mention_it() -> None:
    def varied(share: float) -> frozenset[str]:
        times = np.cumsum(0.9 + 0.9 * share * np.sin(np.arange(12)))
        beats = [Ventricular(time + 0.16, pr=0.16) for time in times]
        return classes_of(Rhythm("sinus", "", [Atrial(time) for time in times], beats), "normal", SECONDS)

    assert "sinus_arrhythmia" in varied(0.14)
    assert "sinus_arrhythmia" not in varied(0.08)


@pytest.mark.parametrize(
    "together",
    [
        {"atrial_fibrillation", "right_bundle_branch_block"},
        {"atrial_fibrillation", "premature_ventricular_complexes"},
        {"av_block_1st_degree", "left_bundle_branch_block"},
        {"sinus_bradycardia", "av_block_1st_degree"},
        {"sinus_tachycardia", "premature_atrial_complexes"},
        {"complete_heart_block", "idioventricular_rhythm"},
        {"complete_heart_block", "atrial_fibrillation"},
        {"paced_rhythm", "fusion_complexes"},
    ],
)
def test_classes_occur_together_as_in_people(together: set[str]) -> None:
    settings = SimulatorSettings(seed=6, preset="balanced")
    assert any(together <= recording_at(index, settings).truth for index in range(1500))


def test_exclusive_classes_never_meet() -> None:
    settings = SimulatorSettings(seed=3, preset="balanced")
    exclusive = [
        {"atrial_fibrillation", "sinus_rhythm"},
        {"atrial_fibrillation", "av_block_1st_degree"},
        {"sinus_bradycardia", "sinus_tachycardia"},
        {"complete_heart_block", "av_block_1st_degree"},
        {"left_bundle_branch_block", "right_bundle_branch_block"},
    ]
    for index in range(600):
        truth = recording_at(index, settings).truth
        assert truth
        assert truth <= set(CLASSES)
        assert not any(pair <= truth for pair in exclusive)
        if "bigeminy" in truth:
            assert truth & {"premature_atrial_complexes", "premature_ventricular_complexes"}
