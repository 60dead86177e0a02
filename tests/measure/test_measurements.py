"""Measurements on whole recordings, drawn and simulated, and on intervals whose values are known."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.measure.measurements import (
    FEWEST_INTERVALS,
    Extent,
    Measurements,
    entropy,
    mean_rate,
    measure,
    median_rate,
    variation,
)
from rarebeat.simulator.clinic import Simulated, simulate
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import ventricular_rate

Draw = Callable[..., npt.NDArray[np.int16]]
Intervals = npt.NDArray[np.float64]

TIMES = np.arange(0.5, 9.8, 0.8)


def test_a_drawn_ecg_is_measured(draw: Draw) -> None:
    result = measure(draw(TIMES, width=0.1, axis=30), 500)
    np.testing.assert_allclose(result.beats, TIMES, atol=0.02)
    assert result.rate == pytest.approx(75, abs=0.5)
    assert result.mean_rate == pytest.approx(75, abs=0.5)
    assert result.variation == pytest.approx(0, abs=0.01)
    assert result.entropy == pytest.approx(np.log(2 * 0.03 / 0.8), abs=0.01)  # all intervals alike
    assert result.qrs == pytest.approx(100, abs=12)
    assert result.axis == pytest.approx(30, abs=3)
    assert result.limb_voltage == pytest.approx(1.2 * np.cos(np.pi / 6), rel=0.08)
    assert result.chest_voltage == pytest.approx(1.2, rel=0.08)


def test_less_than_all_is_measured_where_no_more_is_asked_for(draw: Draw) -> None:
    signal = draw(TIMES, width=0.1)
    beats = measure(signal, 500, extent=Extent.BEATS)
    no_complex = {"qrs": None, "axis": None, "limb_voltage": None, "chest_voltage": None}
    assert beats == replace(measure(signal, 500), **no_complex)
    assert beats.variation is not None
    assert measure(signal, 500, extent=Extent.NOTHING) == Measurements(())


def test_leads_with_units_of_their_own_have_no_axis_but_all_else(draw: Draw) -> None:
    signal = draw(TIMES, width=0.1)
    scores = (signal - signal.mean(axis=1, keepdims=True)) / signal.std(axis=1, keepdims=True)
    result = measure(np.rint(1000 * scores).astype(np.int16), 500, calibrated=False)
    assert (result.axis, result.limb_voltage, result.chest_voltage) == (None, None, None)
    assert result.rate == pytest.approx(75, abs=0.5)
    assert result.qrs == pytest.approx(100, abs=12)


def test_what_cannot_be_measured_is_none(draw: Draw) -> None:
    assert measure(np.zeros((12, 5000), np.int16), 500) == Measurements(())
    assert measure(draw(TIMES)[:, :400], 500) == Measurements(())  # less than a second
    two = measure(draw([1.0, 2.0], seconds=3), 500)
    assert len(two.beats) == 2
    assert (two.rate, two.qrs) == (None, None)
    four = measure(draw([1.0, 2.0, 3.0, 4.0], seconds=5), 500)
    assert four.rate == pytest.approx(60, abs=1)
    assert four.qrs is not None
    assert (four.variation, four.entropy) == (None, None)


def test_saturated_samples_do_no_harm(draw: Draw) -> None:
    signal = draw(TIMES, height=80)
    assert measure(signal, 500).rate == pytest.approx(75, abs=0.5)


@pytest.fixture(scope="module")
def clinic() -> list[tuple[Simulated, Measurements]]:
    settings = SimulatorSettings(seed=5)
    records = (simulate(index, settings) for index in range(150))
    return [(record, measure(record.signal, settings.rate)) for record in records]


def test_the_rate_of_simulated_records_is_the_true_one(clinic: list[tuple[Simulated, Measurements]]) -> None:
    errors = [
        abs((result.mean_rate or 0) - ventricular_rate(record.recording.rhythm, 10.0))
        for record, result in clinic
    ]
    assert np.mean(np.array(errors) < 3) > 0.95


def test_simulated_fibrillation_is_irregular_and_sinus_rhythm_regular(
    clinic: list[tuple[Simulated, Measurements]],
) -> None:
    sinus = [r.entropy for s, r in clinic if s.recording.truth == {"sinus_rhythm"}]
    fibrillation = [r.entropy for s, r in clinic if s.recording.truth == {"atrial_fibrillation"}]
    assert min(len(sinus), len(fibrillation)) >= 3
    assert np.median(np.array(sinus, float)) < -2 < -1 < np.median(np.array(fibrillation, float))


def test_simulated_bundle_branch_blocks_are_wide(clinic: list[tuple[Simulated, Measurements]]) -> None:
    blocks = {"left_bundle_branch_block", "right_bundle_branch_block"}
    wide = [r.qrs for s, r in clinic if s.recording.truth & blocks and r.qrs is not None]
    narrow = [r.qrs for s, r in clinic if s.recording.truth == {"sinus_rhythm"} and r.qrs is not None]
    assert min(len(wide), len(narrow)) >= 3
    assert np.median(narrow) < 115 < 120 < np.median(wide)


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
