"""Diseases come together, with age and with the rhythm; rhythms come and go, or go forward only."""

from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from rarebeat.simulator.clinic import recording_at
from rarebeat.simulator.patients.history import (
    CONDITIONS,
    MARKS,
    bundle_branch_factors,
    draw_conditions,
    next_conduction,
)
from rarebeat.simulator.patients.patients import Patient, Visit, visit_at
from rarebeat.simulator.patients.priors import CLINIC, PRESETS
from rarebeat.simulator.settings import SimulatorSettings

Steps = dict[str, Counter[str]]
COUNT = 4000


@cache
def visits(preset: str) -> tuple[Visit, ...]:
    return tuple(visit_at(9, index, PRESETS[preset]) for index in range(COUNT))


def steps(preset: str) -> Steps:
    """How often each rhythm is followed by each, from one visit of a patient to the next."""
    found: Steps = defaultdict(Counter)
    for before, after in pairwise(visits(preset)):
        if after.number:
            found[before.mechanism][after.mechanism] += 1
    return found


def share(counter: Counter[str], *names: str) -> float:
    return sum(counter[name] for name in names) / counter.total()


@pytest.fixture(scope="module")
def balanced() -> Steps:
    return steps("balanced")


@pytest.fixture(scope="module")
def clinic() -> Steps:
    return steps("clinic")


def test_a_pacemaker_stays(balanced: Steps) -> None:
    assert set(balanced["paced"]) == {"paced"}


def test_a_pacemaker_stays_the_same() -> None:
    settings = SimulatorSettings(seed=9, preset="balanced")
    kinds: dict[int, set[bool]] = defaultdict(set)
    for index, visit in enumerate(visits("balanced")[:2000]):
        if visit.mechanism == "paced":
            both = recording_at(index, settings).rhythm.variant == "biventricular"
            kinds[visit.patient.number].add(both)
    assert all(len(found) == 1 for found in kinds.values())
    assert {True} in kinds.values()


def test_complete_heart_block_gets_a_pacemaker(balanced: Steps) -> None:
    assert share(balanced["complete_block"], "paced") > 0.55
    assert share(balanced["sinus"], "paced") == 0


def test_bundle_branches_and_av_node_get_worse_and_never_better() -> None:
    found: Counter[str] = Counter()
    for before, after in pairwise(visits("balanced")):
        if after.number:
            was, now = before.patient, after.patient
            assert now.conduction == was.conduction or was.conduction in ("normal", "incomplete right")
            assert now.pr == was.pr or was.pr <= 0.2 < now.pr <= 0.36
            found["bundle branch"] += now.conduction != was.conduction
            found["AV node"] += now.pr != was.pr
    assert min(found.values()) > 5
    assert max(found.values()) < 0.05 * COUNT


def test_the_frail_acquire_more_blocks() -> None:
    def blocks(frailty: float) -> int:
        rng = np.random.default_rng(8)
        return sum(next_conduction(rng, "normal", 0.16, frailty) != ("normal", 0.16) for _ in range(3000))

    assert 40 < blocks(1.0) < 130
    assert blocks(3.0) > 2 * blocks(1.0)


def test_complete_block_comes_from_hearts_that_conduct_poorly() -> None:
    blocked: dict[bool, list[bool]] = {True: [], False: []}
    for before, after in pairwise(visits("clinic")):
        if after.number and before.mechanism.startswith("sinus"):
            found = after.mechanism in ("wenckebach", "advanced_block", "complete_block")
            blocked[before.patient.conducts_poorly].append(found)
    assert np.mean(blocked[True]) > 4 * np.mean(blocked[False])


def test_fibrillation_mostly_stays(clinic: Steps) -> None:
    assert 0.65 < share(clinic["fibrillation"], "fibrillation") < 0.95


def test_a_reentrant_tachycardia_is_over_at_the_next_visit(clinic: Steps) -> None:
    after = clinic["reentrant_tachycardia"] + clinic["nodal_reentry"]
    assert share(after, "sinus", "sinus_bradycardia", "sinus_tachycardia") > 0.6
    assert share(after, "reentrant_tachycardia", "nodal_reentry") < 0.3


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_over_all_visits_each_rhythm_has_the_share_of_the_prior(preset: str) -> None:
    found = Counter(visit.mechanism for visit in visits(preset))
    for name, expected in PRESETS[preset].mechanisms.items():
        deviation = (expected * (1 - expected) / COUNT) ** 0.5
        assert abs(found[name] / COUNT - expected) < 5 * deviation, name


def test_history_depends_on_nothing_but_seed_and_index() -> None:
    assert visit_at(9, 39, PRESETS["clinic"]) == visits("clinic")[39]


def test_time_goes_forward() -> None:
    for before, after in pairwise(visits("clinic")):
        if after.number:
            assert after.time > before.time
            assert after.age == pytest.approx(
                after.patient.age + (after.time - after.patient.since).days / 365.25
            )
            assert after.months == (after.time - before.time).days // 30
        else:
            assert after.time == after.patient.since
            assert after.months == 0


Question = Callable[[Patient], bool]


@pytest.fixture(scope="module")
def patients() -> list[Patient]:
    found = {}
    for index in range(6000):
        patient = visit_at(4, index, CLINIC).patient
        found[patient.number] = patient
    return list(found.values())


def part(patients: list[Patient], having: Question, among: Question = lambda _: True) -> float:
    chosen = [patient for patient in patients if among(patient)]
    return sum(map(having, chosen)) / len(chosen)


def has(name: str) -> Question:
    return lambda patient: name in patient.conditions


def test_hypertension_and_coronary_disease_come_with_age(patients: list[Patient]) -> None:
    for name in ("hypertension", "coronary_disease", "av_node_disease"):
        old = part(patients, has(name), lambda patient: patient.age > 70)
        young = part(patients, has(name), lambda patient: patient.age < 45)
        assert old > 2 * young


def test_heart_failure_comes_with_left_bundle_branch_block_and_fibrillation(patients: list[Patient]) -> None:
    rest = part(patients, has("heart_failure"))
    assert part(patients, has("heart_failure"), lambda p: p.conduction == "left") > 1.5 * rest
    assert part(patients, has("heart_failure"), lambda p: p.mechanism == "fibrillation") > 1.5 * rest


def test_complete_heart_block_means_a_diseased_av_node(patients: list[Patient]) -> None:
    assert part(patients, has("av_node_disease"), lambda p: p.mechanism == "complete_block") == 1


def test_sick_sinus_comes_with_pacemakers_and_slow_rhythms(patients: list[Patient]) -> None:
    slow = part(patients, has("sick_sinus"), lambda p: p.mechanism in ("paced", "junctional"))
    assert slow > 5 * part(patients, has("sick_sinus"), lambda p: p.mechanism == "sinus")


def test_marks_are_left_by_their_disease_only() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_conditions(rng, "sinus", 75, "male") for _ in range(2000)]
    assert set().union(*drawn) <= {*CONDITIONS, *MARKS}
    infarcts = [one for one in drawn if one & {"inferior_infarct", "anterior_infarct"}]
    assert infarcts
    assert all("coronary_disease" in one for one in infarcts)
    assert any("left_ventricular_hypertrophy" in one for one in drawn)
    assert all("hypertension" in one for one in drawn if "left_ventricular_hypertrophy" in one)


def test_bundle_branch_blocks_stay_as_common_as_they_were(patients: list[Patient]) -> None:
    assert part(patients, lambda p: p.conduction == "left") == pytest.approx(0.041, abs=0.011)
    assert part(patients, lambda p: p.conduction == "right") == pytest.approx(0.088, abs=0.016)
    assert part(patients, lambda p: p.pr > 0.2) == pytest.approx(0.107, abs=0.018)


def test_heart_failure_favours_the_left_bundle_branch() -> None:
    right, left = bundle_branch_factors(frozenset({"heart_failure"}), old=True)
    assert left > right
    assert bundle_branch_factors(frozenset(), old=True)[1] < 1
