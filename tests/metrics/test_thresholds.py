from typing import get_args

import numpy as np
import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.metrics.challenge_thresholds import coordinate_thresholds, grid_thresholds
from rarebeat.metrics.classification import count, decide
from rarebeat.metrics.thresholds import FOR_CHALLENGE, RULES, check_rule, choose_thresholds
from rarebeat.training.settings import ThresholdRule


def column(*values, dtype=np.float64):
    return np.array(values, dtype=dtype).reshape(-1, 1)


def test_the_threshold_lies_midway_between_the_neighbouring_scores():
    # Cuts: {.9} F1 2/3, {.9 .7} F1 1, {.9 .7 .3} F1 4/5, all F1 2/3. The best cut is between .7 and .3.
    assert choose_thresholds(column(1, 1, 0, 0), column(0.9, 0.7, 0.3, 0.2)) == pytest.approx(0.5)


def test_below_the_lowest_score_the_neighbour_is_zero():
    assert choose_thresholds(column(1, 0, 1), column(0.8, 0.6, 0.4)) == pytest.approx(0.2)


def test_of_equally_good_cuts_the_highest_is_taken():
    # Called {.9}: TP 1, FN 1: F1 = 2/3. Called all four: TP 2, FP 2: F1 = 4/6 as well.
    assert choose_thresholds(column(1, 0, 0, 1), column(0.9, 0.6, 0.5, 0.1)) == pytest.approx(0.75)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("levels", [1, 4, 30, 10**6])
@pytest.mark.parametrize("seed", range(6))
def test_no_other_cut_has_a_larger_f1(make_case, seed, levels, dtype):
    truth, probability = make_case(seed, records=120, levels=levels)
    probability = probability.astype(dtype)
    thresholds = choose_thresholds(truth, probability)
    reached = count(truth, decide(probability, thresholds)).f1
    for index in range(truth.shape[1]):
        known = truth[:, index] >= 0
        y, p = truth[known, index], probability[known, index]
        called = p >= np.unique(p)[:, None]  # one row per cut
        best = (2 * (called & (y == 1)).sum(axis=1) / (called.sum(axis=1) + y.sum())).max()
        assert reached[index] == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neighbouring_floating_point_numbers_are_parted_exactly(dtype):
    low = dtype(0.3)
    high = np.nextafter(low, dtype(1))
    for lower, upper in [(low, high), (high, np.nextafter(high, dtype(1)))]:
        (threshold,) = choose_thresholds(column(1, 0), column(upper, lower, dtype=dtype))
        assert lower < threshold <= upper
        assert (
            dtype(threshold) == threshold
        )  # also where it is compared in the precision of the probabilities


def test_probabilities_of_zero_can_be_called_positive():
    (threshold,) = choose_thresholds(column(1, 0), column(0.0, 0.0))
    assert threshold == 0


def test_a_class_without_positives_falls_back_to_one_half():
    truth = np.array([[0, -1, 1], [0, -1, 0]], dtype=np.int8)
    probability = np.array([[0.9, 0.9, 0.9], [0.1, 0.1, 0.1]])
    assert choose_thresholds(truth, probability).tolist() == [0.5, 0.5, 0.5]
    assert choose_thresholds(truth[:0], probability[:0]).tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("rule", ["max_f1", "constrained_grid"])
def test_a_class_without_negatives_falls_back_to_one_half(rule):
    truth, probability = column(1, 1, -1), column(0.8, 0.1, 0.3)
    assert choose_thresholds(truth, probability, rule) == 0.5


def test_the_fixed_rule_is_one_half_for_all(make_case):
    assert choose_thresholds(*make_case(0), rule="fixed").tolist() == [0.5] * 4


def test_an_unknown_rule_is_refused_with_the_rules_there_are(make_case):
    with pytest.raises(ParamsError, match=r"'youden'.*max_f1, fixed"):
        choose_thresholds(*make_case(0), rule="youden")


def test_the_rules_are_those_that_params_can_name():
    assert set(RULES) == set(get_args(ThresholdRule))


@pytest.mark.parametrize("rule", FOR_CHALLENGE)
def test_a_rule_of_the_challenge_is_refused_without_its_classes(make_case, rule):
    with pytest.raises(
        ParamsError, match=f"rule {rule} needs a vocabulary with the classes of the challenge"
    ):
        check_rule(rule)
    with pytest.raises(ParamsError, match=rule):
        choose_thresholds(*make_case(0), rule=rule)


def test_the_ascent_is_a_rule(make_case):
    rewards = np.eye(4)
    found = choose_thresholds(*make_case(0), "challenge_coordinate", rewards)
    np.testing.assert_array_equal(found, coordinate_thresholds(*make_case(0), rewards))


@pytest.mark.parametrize("seed", range(4))
def test_the_constrained_grid_without_rewards_is_the_best_f1_on_it(make_case, seed):
    truth, probability = make_case(seed, levels=1000)
    truth[:, 3] = np.where(truth[:, 3] == 1, 0, truth[:, 3])
    found = choose_thresholds(truth, probability, "constrained_grid")
    assert found[3] == 0.5  # no positives
    f1 = np.stack([count(truth, decide(probability, cut)).f1[:3] for cut in np.arange(1, 51) / 100])
    np.testing.assert_array_equal(count(truth, decide(probability, found)).f1[:3], f1.max(axis=0))
    assert found.max() <= 0.5


def test_the_constrained_grid_with_rewards_is_that_of_the_challenge(make_case):
    rewards = np.eye(4)
    found = choose_thresholds(*make_case(0), "constrained_grid", rewards)
    np.testing.assert_array_equal(found, grid_thresholds(*make_case(0), rewards))
