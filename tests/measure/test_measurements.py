"""Measurements on intervals whose values are known."""

from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.measure.measurements import FEWEST_INTERVALS, entropy, mean_rate, median_rate, variation

Intervals = npt.NDArray[np.float64]


def sinus(count: int = 12, deviation: float = 0.01) -> Intervals:
    return 0.8 + deviation * np.random.default_rng(5).standard_normal(count)


def fibrillation(count: int = 12) -> Intervals:
    return np.random.default_rng(5).uniform(0.4, 1.2, count)


def with_premature_beat(intervals: Intervals) -> Intervals:
    """One interval is short, the next as much longer."""
    result = intervals.copy()
    result[[4, 5]] += (-0.3, 0.3)
    return result


def entropy_in_words(intervals: Intervals, tolerance: float) -> float:
    """The definition, pair by pair."""
    vectors = list(pairwise(intervals))
    alike = [(a, b) for a, b in combinations(vectors, 2) if abs(a[0] - b[0]) <= tolerance]
    both = [(a, b) for a, b in alike if abs(a[1] - b[1]) <= tolerance]
    return float(np.log(len(alike) / len(both) * 2 * tolerance / np.mean(intervals)))


def test_median_and_mean_rate_differ_where_a_pause_is() -> None:
    intervals = np.array([1.0, 1.0, 1.0, 1.0, 2.0])
    assert median_rate(intervals) == pytest.approx(60)
    assert mean_rate(intervals) == pytest.approx(50)


def test_variation_is_the_mean_difference_relative_to_the_mean() -> None:
    assert variation(np.array([1.0, 1.2, 1.0, 1.2, 1.0, 1.2])) == pytest.approx(0.2 / 1.1)
    assert variation(np.full(6, 0.8)) == 0


def test_entropy_follows_its_definition() -> None:
    for intervals in (sinus(), sinus(deviation=0.03), with_premature_beat(sinus())):
        assert entropy(intervals) == pytest.approx(entropy_in_words(intervals, 0.030))


def test_where_few_intervals_are_alike_the_tolerance_grows_until_five_pairs_are() -> None:
    intervals = fibrillation()
    vectors = np.column_stack([intervals[:-1], intervals[1:]])
    apart = sorted(np.abs(one - two).max() for one, two in combinations(vectors, 2))
    assert apart[4] > 0.030
    assert entropy(intervals) == pytest.approx(entropy_in_words(intervals, apart[4]))


def test_fibrillation_is_told_from_sinus_rhythm_by_either_measure() -> None:
    assert variation(sinus()) < 0.03 < 0.15 < variation(fibrillation())  # type: ignore[operator]
    assert entropy(sinus()) < -1.8 < -0.9 < entropy(fibrillation())  # type: ignore[operator]


def test_a_premature_beat_raises_variation_but_hardly_entropy() -> None:
    ectopic = with_premature_beat(sinus())
    assert variation(ectopic) > 0.1  # type: ignore[operator]
    assert entropy(ectopic) < -1.8  # type: ignore[operator]


def test_bigeminy_is_varied_but_orderly() -> None:
    intervals = np.tile([0.5, 1.1], 6)
    assert variation(intervals) > 0.5  # type: ignore[operator]
    assert entropy(intervals) < -2  # type: ignore[operator]


@pytest.mark.parametrize("function", [variation, entropy])
def test_too_few_intervals_say_nothing_about_regularity(function) -> None:  # type: ignore[no-untyped-def]
    assert function(sinus(FEWEST_INTERVALS - 1)) is None
    assert function(sinus(FEWEST_INTERVALS)) is not None
