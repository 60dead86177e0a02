import math

import numpy as np
import pytest
from tests.evaluation import plain_challenge as plain

from rarebeat.core.errors import RarebeatError
from rarebeat.evaluation.challenge import challenge_metrics, judge, score_decisions, score_intervals
from rarebeat.metrics.challenge_classes import CLASSES, SINUS, place_of, rewards

ALL = len(CLASSES)


def case(seed: int, records: int = 60, unknown: float = 0.0):
    """Truth, decisions and probabilities with ties; some records have no class, some classes no record."""
    rng = np.random.default_rng([seed, 24])
    prevalence = rng.choice([0.0, 0.02, 0.1, 0.4, 1.0], ALL, p=[0.15, 0.2, 0.4, 0.2, 0.05])
    truth = (rng.random((records, ALL)) < prevalence).astype(np.int8)
    truth[rng.random(records) < 0.1] = 0
    probability = np.round(np.clip(rng.normal(0.3 + 0.3 * truth, 0.25), 0, 1), rng.integers(1, 4))
    probability[:, rng.integers(ALL)] = 0.5  # a constant column
    truth[rng.random(truth.shape) < unknown] = -1
    return truth, probability >= rng.uniform(0.1, 0.9, ALL), probability


def sets(matrix):
    return [set(np.flatnonzero(row).tolist()) for row in matrix]


def score(truth, decisions):
    return float(score_decisions(judge(truth, decisions))["score"])


def metric(name, truth, decisions):
    return float(score_decisions(judge(truth, decisions))[name])


def one(*names: str):
    """One record with these classes."""
    row = np.zeros((1, ALL), dtype=np.int8)
    row[0, [place_of(name) for name in names]] = 1
    return row


@pytest.mark.parametrize("seed", range(12))
def test_random_matrices_agree_with_the_definitions_read_aloud(seed):
    truth, decisions, probability = case(seed, records=(1, 7, 60)[seed % 3])
    found = challenge_metrics(truth, decisions, probability)
    true, called = sets(truth), sets(decisions)
    f_beta, g_beta = plain.beta_measures(ALL, true, called, beta=2, shared=True)
    areas = [
        plain.curve_areas(y.tolist(), p.tolist()) for y, p in zip(truth.T == 1, probability.T, strict=True)
    ]
    expected = {
        "score": plain.challenge_score(rewards().tolist(), SINUS, true, called),
        "auroc": nan_mean([auroc for auroc, _ in areas]),
        "auprc": nan_mean([auprc for _, auprc in areas]),
        "accuracy": plain.accuracy(true, called),
        "f": plain.beta_measures(ALL, true, called, beta=1, shared=False)[0],
        "f_beta": f_beta,
        "g_beta": g_beta,
    }
    assert list(found) == list(expected)
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


def nan_mean(values):
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def test_a_record_by_hand():
    # True AF and PVC, called AF and AFL. Pairs: AF-AF 1, AF-AFL .5, PVC-AF .375, PVC-AFL .375: 2.25 of 3
    # classes. The truth earns (1 + .375 + .375 + 1) / 2, sinus rhythm (.25 + .375) / 3.
    best, inactive = 2.75 / 2, 0.625 / 3
    found = score(one("AF", "PVC"), one("AF", "AFL") == 1)
    assert found == pytest.approx((2.25 / 3 - inactive) / (best - inactive))


@pytest.mark.parametrize("seed", range(6))
def test_the_truth_itself_scores_1(seed):
    truth, _, _ = case(seed, unknown=0.1)
    found = score_decisions(judge(truth, truth == 1))
    assert {name: float(value) for name, value in found.items()} == pytest.approx(dict.fromkeys(found, 1.0))


@pytest.mark.parametrize("unknown", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(6))
def test_sinus_rhythm_for_every_record_scores_0(seed, unknown):
    truth, decisions, _ = case(seed, unknown=unknown)
    decisions[:] = False
    decisions[:, SINUS] = True
    assert score(truth, decisions) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_calling_nothing_is_never_better_than_sinus_rhythm(seed):
    truth, decisions, _ = case(seed)
    assert score(truth, np.zeros_like(decisions)) < 0


@pytest.mark.parametrize("seed", range(6))
def test_no_decisions_beat_the_truth_where_each_record_has_one_class(seed):
    # With several classes they can: a record earns for pairs, so that a missing class may be worth calling.
    rng = np.random.default_rng(seed)
    truth = np.eye(ALL, dtype=np.int8)[rng.integers(0, ALL, 50)]
    assert score(truth, rng.random(truth.shape) < 0.1) < 1


def test_where_every_record_is_sinus_rhythm_the_score_is_0_whatever_is_called():
    truth = np.repeat(one("NSR"), 5, axis=0)
    assert score(truth, truth == 1) == 0.0
    assert score(truth, truth == 0) == 0.0


def test_the_order_of_records_does_not_matter():
    truth, decisions, probability = case(3)
    order = np.random.default_rng(0).permutation(len(truth))
    mixed = challenge_metrics(truth[order], decisions[order], probability[order])
    assert mixed == pytest.approx(challenge_metrics(truth, decisions, probability), abs=1e-12)


def test_a_class_that_nobody_has_counts_once_it_is_called():
    truth = np.concatenate([one("AF"), one("NSR")])
    decisions = truth == 1
    assert metric("f", truth, decisions) == 1.0
    decisions[0, place_of("PVC")] = True
    assert metric("f", truth, decisions) == pytest.approx(2 / 3)


def test_an_unknown_class_plays_no_part_in_its_record_called_or_not():
    truth, decisions, _ = case(1, unknown=0.3)
    unknown = truth < 0
    called, not_called = decisions | unknown, decisions & ~unknown
    for name in ("score", "accuracy", "f", "f_beta", "g_beta"):
        assert metric(name, truth, called) == metric(name, truth, not_called)
    # As if the class were absent and not called, but for sinus rhythm, which the baseline calls.
    truth[:, SINUS] = np.where(unknown[:, SINUS], 0, truth[:, SINUS])
    negative = np.where(truth < 0, 0, truth).astype(np.int8)
    assert score(truth, not_called) == pytest.approx(score(negative, not_called))


def test_weights_count_a_record_several_times_and_rows_of_weights_are_replicates():
    truth, decisions, _ = case(2, records=20)
    times = np.random.default_rng(0).integers(0, 4, (3, 20))
    weighted = score_decisions(judge(truth, decisions), times.astype(float))
    for replicate, row in enumerate(times):
        repeated = score_decisions(judge(np.repeat(truth, row, axis=0), np.repeat(decisions, row, axis=0)))
        for name, values in weighted.items():
            assert values[replicate] == pytest.approx(float(repeated[name]))


def test_the_interval_holds_the_score_and_is_that_of_whole_patients():
    truth, decisions, _ = case(4, records=200)
    patients = np.arange(200).astype(str)
    low, high = score_intervals(truth, decisions, patients, replicates=200)
    assert low["score"] < score(truth, decisions) < high["score"]
    # Every recording twice, of the same patient, is no new information.
    twice = np.repeat(truth, 2, axis=0), np.repeat(decisions, 2, axis=0), np.repeat(patients, 2)
    again, _ = score_intervals(*twice, replicates=200)
    assert again["score"] == pytest.approx(low["score"])


def test_probabilities_that_are_no_numbers_are_refused():
    truth, decisions, probability = case(0)
    probability[3, 4] = np.nan
    with pytest.raises(RarebeatError, match="1 of 60 records have a probability that is not a number"):
        challenge_metrics(truth, decisions, probability)


def test_another_number_of_classes_is_refused():
    with pytest.raises(ValueError, match=r"24 columns, found \(2, 23\)"):
        judge(np.zeros((2, 23), np.int8), np.zeros((2, 23), bool))
