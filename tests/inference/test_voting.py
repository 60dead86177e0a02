"""Voting: what several models say together of one record, also where some do not know a class."""

import numpy as np
import pytest

from rarebeat.inference.voting import EnsembleSettings, vote

NAN = np.nan
HALF = np.full((3, 2), 0.5)


def ask(probability, thresholds, **settings):
    mean, decisions = vote(
        np.array(probability, dtype=np.float32), np.array(thresholds), EnsembleSettings(**settings)
    )
    return mean.tolist(), decisions.tolist()


def test_the_probability_is_the_mean():
    mean, _ = ask([[[0.25, 0.5]], [[0.75, 0.5]], [[0.5, 0.5]]], HALF)
    assert mean == [[0.5, 0.5]]


def test_a_majority_is_more_than_half_of_the_members_each_by_its_own_threshold():
    probability = [[[0.9]], [[0.2]], [[0.3]]]
    _, decisions = ask(probability, [[0.5], [0.1], [0.5]])
    assert decisions == [[True]]
    _, decisions = ask(probability, [[0.5], [0.25], [0.5]])
    assert decisions == [[False]]


def test_an_even_split_is_no_majority():
    _, decisions = ask([[[0.9]], [[0.1]]], [[0.5], [0.5]])
    assert decisions == [[False]]


def test_the_mean_decides_by_the_mean_threshold_where_asked():
    probability, thresholds = [[[0.9]], [[0.4]], [[0.4]]], [[0.5], [0.5], [0.5]]
    assert ask(probability, thresholds, vote="mean")[1] == [[True]]
    assert ask(probability, thresholds, vote="majority")[1] == [[False]]
    assert ask(probability, [[0.5], [0.5], [0.8]], vote="mean")[1] == [[False]]


@pytest.mark.parametrize("rule", ["majority", "mean"])
def test_who_does_not_know_a_class_has_no_voice_in_it(rule):
    probability = [[[0.6, 0.1]], [[NAN, 0.1]], [[NAN, 0.9]]]
    thresholds = [[0.5, 0.5], [NAN, 0.5], [NAN, 0.5]]
    mean, decisions = ask(probability, thresholds, vote=rule)
    assert mean[0] == pytest.approx([0.6, 1.1 / 3])
    assert decisions == [[True, False]]


def test_two_who_know_a_class_need_both_for_a_majority():
    probability = [[[0.6]], [[0.1]], [[NAN]]]
    assert ask(probability, [[0.5], [0.5], [NAN]])[1] == [[False]]
    assert ask(probability, [[0.5], [0.05], [NAN]])[1] == [[True]]


def test_a_record_without_any_decision_gets_the_class_with_most_votes_where_asked():
    probability = [[[0.9, 0.1, 0.3]], [[0.1, 0.9, 0.3]], [[0.1, 0.2, 0.3]]]
    thresholds = np.full((3, 3), 0.5)
    assert ask(probability, thresholds)[1] == [[False, False, False]]
    # One vote for either of two classes: the higher mean wins.
    assert ask(probability, thresholds, at_least_one=True)[1] == [[False, True, False]]
    # No vote at all: the highest mean.
    assert ask(probability, np.full((3, 3), 0.95), at_least_one=True)[1] == [[False, True, False]]


def test_a_record_with_a_decision_gets_no_other():
    _, decisions = ask([[[0.9, 0.6]], [[0.9, 0.1]], [[0.9, 0.1]]], HALF, at_least_one=True)
    assert decisions == [[True, False]]


def test_votes_are_compared_as_shares_of_those_who_know_the_class():
    probability = [[[0.9, 0.1]], [[0.1, 0.9]], [[NAN, 0.1]]]
    _, decisions = ask(probability, [[0.5, 0.5], [0.5, 0.5], [NAN, 0.5]], at_least_one=True)
    assert decisions == [[True, False]]  # one of two against one of three


def test_a_member_that_has_diverged_is_not_passed_over():
    mean, _ = ask([[[NAN]], [[0.5]]], [[0.5], [0.5]])
    assert np.isnan(mean).all()


def test_no_records_are_no_decisions():
    mean, decisions = vote(
        np.empty((2, 0, 3), np.float32), np.full((2, 3), 0.5), EnsembleSettings(at_least_one=True)
    )
    assert mean.shape == decisions.shape == (0, 3)
