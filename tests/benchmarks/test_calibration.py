"""The benchmark of calibration judges the promise of "certain" on records that it was not fitted to."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from tests.predicted import predicted


def table(random: np.random.Generator, records: int, share: float) -> object:
    truth = (random.random((records, 1)) < share).astype(np.int8)
    probability = 1 / (1 + np.exp(-random.normal(2.0 * truth - 1.0)))
    people = np.arange(records).astype(str)
    found = predicted(truth, probability.astype(np.float32), 0.5, people, ("afib",))
    splits = np.where(np.arange(records) % 2, "test", "validation").astype(object)
    return replace(found, splits=splits)


@pytest.mark.parametrize(("share", "classes"), [(0.3, 1), (0.004, 0)])
def test_the_promise_is_kept_by_classes_that_have_enough_patients(
    load: Callable[[str], ModuleType], share: float, classes: int
) -> None:
    calibration = load("calibration")
    kept = calibration.promises(table(np.random.default_rng(0), 4000, share))
    assert len(kept) == classes
    for answered, held, unsure in kept:
        assert (abs(held - 0.9) < 0.03).all()
        assert (answered >= held).all()  # what is unsure contradicts nothing
        assert ((unsure > 0) & (unsure < 0.3)).all()


def test_no_class_makes_a_row_all_the_same(load: Callable[[str], ModuleType]) -> None:
    rows = load("calibration").promised([])
    assert [row["Classes"] for row in rows] == [0, 0]
