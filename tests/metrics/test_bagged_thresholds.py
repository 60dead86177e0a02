import tracemalloc

import numpy as np
import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.metrics.bagged_thresholds import bagged_thresholds, expected_f1_threshold
from rarebeat.metrics.classification import count, decide
from rarebeat.metrics.thresholds import choose_thresholds


def clinic(seed, records=400, share=0.02, shift=3.0, each=1):
    """A class that few records have, and calibrated probabilities of it."""
    rng = np.random.default_rng([seed])
    truth = (rng.random((records, 1)) < share).astype(np.int8)
    truth[0] = 1
    score = rng.normal(size=truth.shape) + shift * truth
    odds = np.log(share / (1 - share)) + shift * score - shift**2 / 2
    patients = np.array([f"p{index // each}" for index in range(records)])
    return truth, 1 / (1 + np.exp(-odds)), patients


def test_the_threshold_of_right_probabilities_is_half_of_the_best_f1():
    rng = np.random.default_rng([0])
    probability = rng.beta(0.3, 1.0, 200_000)
    positive = rng.random(probability.size) < probability
    f1 = [count(positive[:, None].astype(np.int8), probability[:, None] >= cut).f1[0] for cut in _CUTS]
    assert expected_f1_threshold(positive, probability) == pytest.approx(max(f1) / 2, abs=0.01)
    assert expected_f1_threshold(positive, probability) == pytest.approx(_CUTS[np.argmax(f1)], abs=0.03)


_CUTS = np.linspace(0.05, 0.95, 91)


def test_probabilities_that_are_too_high_get_a_higher_threshold():
    truth, probability, _ = clinic(1, records=5000)
    high = 1 / (1 + np.exp(-np.log(probability / (1 - probability)) - 2))  # odds e^2 times as large
    right, raised = (expected_f1_threshold(truth[:, 0] == 1, p[:, 0]) for p in (probability, high))
    odds = [np.log(cut / (1 - cut)) for cut in (right, raised)]
    assert odds[1] - odds[0] == pytest.approx(2, abs=0.1)


def test_thresholds_repeat_less_by_chance_and_score_no_less_than_the_best_on_validation():
    cuts, scores = {"bagged_f1": [], "max_f1": [], "fixed": []}, {"bagged_f1": [], "max_f1": [], "fixed": []}
    truth, probability, _ = clinic(99, records=20_000)
    for seed in range(60):
        validation = clinic(seed)
        for rule in cuts:
            (cut,) = choose_thresholds(*validation[:2], rule)
            cuts[rule].append(cut)
            scores[rule].append(count(truth, decide(probability, cut)).f1[0])
    assert np.std(cuts["bagged_f1"]) < 0.7 * np.std(cuts["max_f1"])
    assert np.std(scores["bagged_f1"]) < 0.7 * np.std(scores["max_f1"])
    assert np.mean(scores["bagged_f1"]) > np.mean(scores["max_f1"])
    assert np.mean(scores["bagged_f1"]) > np.mean(scores["fixed"])


def test_with_plenty_of_positives_it_is_where_f1_is_best():
    truth, probability, patients = clinic(3, records=20_000, share=0.2)
    (cut,) = bagged_thresholds(truth, probability, patients)
    best = count(truth, decide(probability, choose_thresholds(truth, probability, "max_f1"))).f1[0]
    assert count(truth, decide(probability, cut)).f1[0] > best - 0.005


def test_patients_are_drawn_and_not_records():
    truth, probability, patients = clinic(5, each=4)
    alone, together = (bagged_thresholds(truth, probability, owner) for owner in (None, patients))
    assert alone != together
    np.testing.assert_array_equal(together, bagged_thresholds(truth, probability, patients))


def test_more_min_positives_rely_more_on_expectation():
    truth, probability, patients = clinic(6)
    expected = expected_f1_threshold(truth[:, 0] == 1, probability[:, 0])
    cuts = [bagged_thresholds(truth, probability, patients, least)[0] for least in (0, 10, 10**9)]
    assert cuts[2] == pytest.approx(expected, rel=1e-6)
    assert min(cuts[0], cuts[2]) < cuts[1] < max(cuts[0], cuts[2])


def test_a_class_without_positives_or_without_negatives_keeps_one_half():
    truth = np.array([[0, 1, -1, 1], [0, 1, -1, 0], [-1, 1, -1, 1]], dtype=np.int8)
    probability = np.array([[0.1, 0.9, 0.3, 0.8], [0.2, 0.8, 0.4, 0.1], [0.9, 0.7, 0.5, 0.6]])
    cuts = bagged_thresholds(truth, probability)
    assert cuts[:3].tolist() == [0.5] * 3
    assert 0.1 < cuts[3] < 0.6


def test_certain_probabilities_and_ties_are_no_obstacle():
    truth = np.array([[1], [0], [0], [1]], dtype=np.int8)
    for values in ([1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0.5, 0.5, 0.5, 0.5]):
        (cut,) = bagged_thresholds(truth, np.array(values, dtype=np.float32)[:, None])
        assert 0 < cut < 1


def test_no_records_leave_one_half():
    assert bagged_thresholds(np.zeros((0, 2), np.int8), np.zeros((0, 2))).tolist() == [0.5, 0.5]


def test_a_model_that_diverged_is_named():
    with pytest.raises(RarebeatError, match="diverged"):
        choose_thresholds(np.array([[1], [0]], np.int8), np.array([[np.nan], [0.1]]), "bagged_f1")


def test_replicates_are_worked_on_some_at_a_time():
    truth, probability, patients = clinic(0, records=20_000)
    tracemalloc.start()
    bagged_thresholds(truth, probability, patients)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Of all 200 replicates there is how often each patient was drawn: 16 MB. The records' weights would be 32 MB more.
    assert peak < 45_000_000
