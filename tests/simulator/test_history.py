"""The rhythm of a patient goes on: some of it comes and goes, some of it goes forward only."""

from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise

import pytest

from rarebeat.simulator.patients import Visit, visit_at
from rarebeat.simulator.priors import PRESETS

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


def test_complete_heart_block_gets_a_pacemaker(balanced: Steps) -> None:
    assert share(balanced["complete_block"], "paced") > 0.55
    assert share(balanced["sinus"], "paced") == 0


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
