"""The rhythm of a patient goes on: some of it comes and goes, some of it goes forward only."""

from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from rarebeat.simulator.clinic import recording_at
from rarebeat.simulator.patients.history import next_conduction
from rarebeat.simulator.patients.patients import Visit, visit_at
from rarebeat.simulator.patients.priors import PRESETS
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
