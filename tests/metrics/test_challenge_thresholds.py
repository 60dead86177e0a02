import numpy as np
import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.evaluation.challenge import judge
from rarebeat.metrics import challenge_thresholds as module
from rarebeat.metrics.challenge_classes import rewards
from rarebeat.metrics.challenge_thresholds import (
    GRID,
    bayesian_thresholds,
    coordinate_thresholds,
    grid_thresholds,
    total_earned,
)
from rarebeat.metrics.classification import decide
from rarebeat.metrics.ranking import candidate_thresholds

FOUR = rewards([1, 2, 13, 20])  # AF, AFL, PVC, sinus rhythm


def earned(truth, probability, thresholds):
    return total_earned(truth, decide(probability, thresholds), FOUR)


def test_the_total_is_the_sum_of_what_the_metric_counts():
    rng = np.random.default_rng(0)
    truth = rng.choice([0, 1, -1], (50, 24), p=[0.8, 0.15, 0.05]).astype(np.int8)
    decisions = rng.random((50, 24)) < 0.2
    found = total_earned(truth, decisions, rewards())
    assert found == pytest.approx(judge(truth, decisions).earned[:, 0].sum())


@pytest.mark.parametrize("levels", [3, 20, 10**6])
@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_of_a_single_class_earns_more(make_case, seed, levels):
    truth, probability = make_case(seed, records=80, levels=levels)
    thresholds = coordinate_thresholds(truth, probability, FOUR)
    reached = earned(truth, probability, thresholds)
    assert reached >= earned(truth, probability, np.full(4, 0.5))
    for k in range(4):
        for cut in candidate_thresholds(probability[:, k]):
            moved = np.where(np.arange(4) == k, cut, thresholds)
            assert earned(truth, probability, moved) <= reached + 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_the_grid_is_kept_and_no_other_point_of_it_earns_more(make_case, seed):
    truth, probability = make_case(seed, records=80, levels=1000)
    thresholds = grid_thresholds(truth, probability, FOUR)
    assert set(thresholds) <= set(GRID)
    reached = earned(truth, probability, thresholds)
    for k in range(4):
        for cut in GRID:
            moved = np.where(np.arange(4) == k, cut, thresholds)
            assert earned(truth, probability, moved) <= reached + 1e-6


def test_every_threshold_is_looked_at_and_the_grid_is_a_part_of_them(make_case):
    truth, probability = make_case(1, records=400, levels=10**6)
    found = coordinate_thresholds(truth[:, :1], probability[:, :1], FOUR[:1, :1])
    on_grid = grid_thresholds(truth[:, :1], probability[:, :1], FOUR[:1, :1])
    one = [
        total_earned(truth[:, :1], decide(probability[:, :1], cut), FOUR[:1, :1]) for cut in (found, on_grid)
    ]
    assert one[0] >= one[1]


def test_a_class_moves_only_where_it_earns_more():
    truth = np.array([[1], [0]], dtype=np.int8)
    assert coordinate_thresholds(truth, np.array([[0.9], [0.1]]), np.ones((1, 1))).tolist() == [0.5]
    low = coordinate_thresholds(truth, np.array([[0.3], [0.1]], np.float32), np.ones((1, 1)))
    assert low == pytest.approx(0.2)


def test_a_class_that_only_costs_is_never_called():
    # PVC is called in every record and true in none.
    truth = np.array([[1, 0], [1, 0]], dtype=np.int8)
    probability = np.array([[0.9, 0.8], [0.9, 0.6]], dtype=np.float32)
    table = np.array([[1.0, 0.375], [0.375, 1.0]])
    thresholds = coordinate_thresholds(truth, probability, table)
    assert not decide(probability, thresholds)[:, 1].any()
    assert thresholds[1] < 1


def test_unknown_truth_plays_no_part(make_case):
    truth, probability = make_case(2, records=80)
    other = np.where(truth < 0, 1 - probability, probability).astype(probability.dtype)
    for choose in (coordinate_thresholds, grid_thresholds):
        np.testing.assert_array_equal(choose(truth, probability, FOUR), choose(truth, other, FOUR))


def test_without_records_every_threshold_is_one_half(make_case):
    truth, probability = make_case(0)
    for choose in (coordinate_thresholds, grid_thresholds):
        assert choose(truth[:0], probability[:0], FOUR).tolist() == [0.5] * 4


def test_without_optuna_there_is_one_clear_message(make_case, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ParamsError, match="challenge_bayesian needs Optuna: pip install optuna"):
        bayesian_thresholds(*make_case(0), FOUR)


def test_the_search_beats_one_half_repeats_itself_and_stays_below_the_ascent(make_case, capfd):
    pytest.importorskip("optuna")
    truth, probability = make_case(0, levels=10**6)
    probability = probability**2  # 0.5 is far from best
    found = bayesian_thresholds(truth, probability, FOUR)
    np.testing.assert_array_equal(found, bayesian_thresholds(truth, probability, FOUR))
    assert (found != bayesian_thresholds(truth, probability, FOUR, seed=1)).any()
    ascent = coordinate_thresholds(truth, probability, FOUR)
    half, searched, ascended = (
        total_earned(truth, decide(probability, thresholds), FOUR)
        for thresholds in (np.full(4, 0.5), found, ascent)
    )
    assert half < searched <= ascended
    assert capfd.readouterr() == ("", "")  # it is quiet
