"""Conformal limits keep the true label as often as they promise, whatever the scores are like."""

import importlib.util
import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.metrics.conformal import allowed_strangers, conformal_limits, one_of_each_patient

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]

SOURCES: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy tails": lambda rng, n: rng.standard_cauchy(n),
    "skewed": lambda rng, n: -(rng.exponential(size=n) ** 3),
    "two peaks": lambda rng, n: rng.normal(size=n) + 8 * (rng.random(n) < 0.2),
    "ties": lambda rng, n: rng.integers(0, 4, n).astype(float),
}


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("records", [5, 9, 19, 60])
@pytest.mark.parametrize("source", SOURCES)
def test_new_records_keep_their_label_as_often_as_promised(
    source: str, records: int, coverage: float
) -> None:
    """Of many calibrations the mean coverage is exact: it lies between the promise and 1 / (records + 1) above it."""
    rng, draw = np.random.default_rng([7]), SOURCES[source]
    people, positive = np.arange(2 * records), np.arange(2 * records) < records
    kept_present, kept_absent = [], []
    for _ in range(250):
        yes_above, no_below = conformal_limits(draw(rng, 2 * records), positive, people, coverage)
        new = draw(rng, 50)
        kept_present.append(np.mean(new >= no_below))
        kept_absent.append(np.mean(new <= yes_above))
    for kept in (kept_present, kept_absent):
        mean, error = float(np.mean(kept)), float(np.std(kept)) / np.sqrt(len(kept))
        assert mean >= coverage - 4 * error
        if source != "ties":
            exact = 1 - allowed_strangers(records, coverage) / (records + 1)
            assert mean == pytest.approx(exact, abs=4 * error + 1e-12)
            assert exact < coverage + 1 / (records + 1)


def test_the_number_of_strangers_is_that_of_exact_fractions() -> None:
    """1 - 0.9 is less than a tenth in floating point, and 0.55 * 20 more than 11."""
    assert allowed_strangers(9, 0.9) == 1
    assert allowed_strangers(19, 0.55) == 9
    for percent in range(50, 100):
        for records in range(0, 300):
            expected = (100 - percent) * (records + 1) // 100
            assert allowed_strangers(records, percent / 100) == expected


def test_too_few_records_exclude_nothing() -> None:
    scores, people = np.array([0.1, 0.2, 5.0]), np.arange(3)
    assert conformal_limits(scores, scores > 1, people, 0.9) == (np.inf, -np.inf)
    empty = np.zeros(0)
    assert conformal_limits(empty, empty > 0, np.zeros(0, dtype=np.int64), 0.9) == (np.inf, -np.inf)


def test_a_patient_with_many_records_counts_once() -> None:
    """Ten records of one person tell no more of a new person than one does."""
    scores = np.append(np.full(10, 3.0), np.arange(8.0))
    people = np.append(np.zeros(10, dtype=np.int64), np.arange(1, 9))
    assert one_of_each_patient(np.ones(18, dtype=bool), people).size == 9
    assert conformal_limits(scores, np.ones(18, dtype=bool), people, 0.9) == (np.inf, 0.0)
    assert conformal_limits(scores[1:], np.ones(17, dtype=bool), people[1:], 0.95) == (np.inf, -np.inf)


def test_the_lot_does_not_look_at_scores_and_takes_every_record_alike() -> None:
    people = np.repeat(np.arange(4000), 3)
    drawn = one_of_each_patient(np.ones(12_000, dtype=bool), people)
    np.testing.assert_array_equal(people[drawn], np.arange(4000))
    np.testing.assert_allclose(np.bincount(drawn % 3) / 4000, 1 / 3, atol=0.03)


@pytest.mark.skipif(importlib.util.find_spec("mapie") is None, reason="mapie is not installed")
@pytest.mark.parametrize("records", [11, 24, 60, 133])
@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_the_labels_left_are_those_of_mapie(records: int, coverage: float) -> None:
    """MAPIE's sets by least ambiguous scores, calibrated on the records of one label, hold that label as ours do."""
    from mapie.classification import SplitConformalClassifier
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng([records])
    x = rng.normal(size=(2 * records, 1)) + np.repeat([[1.2], [-1.2]], records, axis=0)
    positive = np.arange(2 * records) < records
    learnt = rng.normal(size=(200, 1)) + np.tile([[1.0], [-1.0]], (100, 1))
    network = LogisticRegression().fit(learnt, np.tile([1, 0], 100))
    new = rng.normal(size=(500, 1)) * 2
    scores, asked = (network.predict_proba(rows)[:, 1] for rows in (x, new))
    yes_above, no_below = conformal_limits(scores, positive, np.arange(2 * records), coverage)
    kept = {0: asked <= yes_above, 1: asked >= no_below}
    for label, rows in ((1, positive), (0, ~positive)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = SplitConformalClassifier(network, confidence_level=coverage, prefit=True)
            theirs.conformalize(x[rows], np.full(records, label))
            _, sets = theirs.predict_set(new)
        np.testing.assert_array_equal(sets[:, label, 0], kept[label])
