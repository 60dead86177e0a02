"""Diseases come together, with age and with the rhythm, and leave the shares of the blocks as they are."""

from collections.abc import Callable

import numpy as np
import pytest

from rarebeat.simulator.patients.comorbidity import CONDITIONS, MARKS, bundle_branch_factors, draw_conditions
from rarebeat.simulator.patients.patients import Patient, visit_at
from rarebeat.simulator.patients.priors import CLINIC

Test = Callable[[Patient], bool]


@pytest.fixture(scope="module")
def patients() -> list[Patient]:
    found = {}
    for index in range(6000):
        patient = visit_at(4, index, CLINIC).patient
        found[patient.number] = patient
    return list(found.values())


def share(patients: list[Patient], having: Test, among: Test = lambda _: True) -> float:
    chosen = [patient for patient in patients if among(patient)]
    return sum(map(having, chosen)) / len(chosen)


def has(name: str) -> Test:
    return lambda patient: name in patient.conditions


def test_hypertension_and_coronary_disease_come_with_age(patients: list[Patient]) -> None:
    for name in ("hypertension", "coronary_disease", "av_node_disease"):
        old = share(patients, has(name), lambda patient: patient.age > 70)
        young = share(patients, has(name), lambda patient: patient.age < 45)
        assert old > 2 * young


def test_heart_failure_comes_with_left_bundle_branch_block_and_fibrillation(patients: list[Patient]) -> None:
    rest = share(patients, has("heart_failure"))
    assert share(patients, has("heart_failure"), lambda p: p.conduction == "left") > 1.5 * rest
    assert share(patients, has("heart_failure"), lambda p: p.mechanism == "fibrillation") > 1.5 * rest


def test_complete_heart_block_means_a_diseased_av_node(patients: list[Patient]) -> None:
    assert share(patients, has("av_node_disease"), lambda p: p.mechanism == "complete_block") == 1


def test_sick_sinus_comes_with_pacemakers_and_slow_rhythms(patients: list[Patient]) -> None:
    slow = share(patients, has("sick_sinus"), lambda p: p.mechanism in ("paced", "junctional"))
    assert slow > 5 * share(patients, has("sick_sinus"), lambda p: p.mechanism == "sinus")


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
    assert share(patients, lambda p: p.conduction == "left") == pytest.approx(0.041, abs=0.011)
    assert share(patients, lambda p: p.conduction == "right") == pytest.approx(0.088, abs=0.016)
    assert share(patients, lambda p: p.pr > 0.2) == pytest.approx(0.107, abs=0.018)


def test_heart_failure_favours_the_left_bundle_branch() -> None:
    right, left = bundle_branch_factors(frozenset({"heart_failure"}), old=True)
    assert left > right
    assert bundle_branch_factors(frozenset(), old=True)[1] < 1
