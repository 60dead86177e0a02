"""Simulated beside real sinus rhythm: the features, the matching by sex and age, and that equals are not told apart."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from rarebeat.evaluation.realism import (
    Measured,
    auroc,
    features,
    groups,
    matched,
    page,
    plain,
    simulated_records,
)
from rarebeat.simulator.settings import SimulatorSettings


@pytest.fixture(scope="module")
def made() -> list[Measured]:
    return list(islice(simulated_records(SimulatorSettings(records=150, preset="clinic")), 60))


def test_every_group_is_made_of_measured_features(made: list[Measured]) -> None:
    names = list(made[0].features)
    assert all(set(members) <= set(names) and members for members in groups(names).values())
    for one in made:
        assert list(one.features) == names
        assert 40 < one.features["QRS ms"] < 250
        assert 20 < one.features["rate"] < 250


def test_a_flat_line_has_no_features() -> None:
    assert features(np.zeros((12, 5000), dtype=np.int16), 500) is None


def test_plain_is_sinus_rhythm_alone_at_ordinary_rates(made: list[Measured]) -> None:
    chosen = plain(made)
    assert chosen
    assert all(60 <= one.features["rate"] <= 100 and one.age is not None for one in chosen)
    assert not plain([replace(one, classes=one.classes | {"bigeminy"}) for one in made])


def test_each_real_record_gets_simulated_ones_of_its_sex_and_age_once(made: list[Measured]) -> None:
    first = replace(made[0], age=50.0, sex="female")
    others = [
        replace(made[0], age=float(age), sex=sex)
        for age, sex in ((51, "male"), (57, "female"), (70, "female"))
    ]
    real, taken = matched([first], others)
    assert real == [first]
    assert [one.age for one in taken] == [57.0]  # the other one is of the other sex, and the last one too old
    assert matched([first, first], others[1:2]) == ([first, first], others[1:2])  # then none is left
    assert matched([first], []) == ([first], [])


def test_equals_are_not_told_apart_and_others_are(made: list[Measured]) -> None:
    half = len(made) // 2
    names = list(made[0].features)
    one, other = made[:half], made[half:]
    assert 0.2 < auroc(one, other, names) < 0.8
    moved = [
        replace(entry, features={**entry.features, "rate": entry.features["rate"] + 500}) for entry in other
    ]
    assert auroc(one, moved, ["rate"]) > 0.95


@pytest.mark.slow
def test_the_page_has_both_comparisons(made: list[Measured]) -> None:
    half = len(made) // 2
    text = page(made[:half], made[half:])
    assert "| rate " in text
    assert "what a cardiologist measures" in text
