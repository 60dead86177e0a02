import time

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from rarebeat.core.errors import RarebeatError
from rarebeat.metrics.classification import auprc, auroc, count, decide, macro
from rarebeat.metrics.ranking import areas


def column(*values):
    return np.array(values).reshape(-1, 1)


def test_auroc_counts_ordered_pairs_and_half_of_the_ties():
    # Positives .8 .5, negatives .5 .3: .8 beats both, .5 beats .3 and ties with .5: 3.5 of 4 pairs.
    assert auroc(column(1, 1, 0, 0), column(0.8, 0.5, 0.5, 0.3)) == 3.5 / 4


def test_auprc_steps_over_distinct_scores():
    # At .8: precision 1, recall 1/2. At .5 (tie): precision 2/3, recall 1. 1/2 * 1 + 1/2 * 2/3.
    assert auprc(column(1, 1, 0, 0), column(0.8, 0.5, 0.5, 0.3)) == pytest.approx(1 / 2 + 1 / 3)


def test_confusion_counts_of_a_small_table():
    truth = column(1, 1, 1, 0, 0, -1)
    counts = count(truth, decide(column(0.9, 0.5, 0.1, 0.7, 0.2, 0.9), 0.5))
    assert (counts.true_positive, counts.false_positive) == (2, 1)
    assert (counts.false_negative, counts.true_negative) == (1, 1)
    assert counts.precision == pytest.approx(2 / 3)
    assert counts.recall == pytest.approx(2 / 3)
    assert counts.f1 == pytest.approx(2 / 3)
    assert counts.specificity == 1 / 2


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("levels", [1, 3, 20, 10**6])
def test_every_metric_equals_scikit_learn_with_ties_and_masks(make_case, seed, levels):
    truth, probability = make_case(seed, levels=levels)
    roc, prc = auroc(truth, probability), auprc(truth, probability)
    decisions = decide(probability, 0.5)
    counts = count(truth, decisions)
    for index in range(truth.shape[1]):
        known = truth[:, index] >= 0
        y, p, d = truth[known, index], probability[known, index], decisions[known, index]
        assert roc[index] == pytest.approx(roc_auc_score(y, p), abs=1e-12)
        assert prc[index] == pytest.approx(average_precision_score(y, p), abs=1e-12)
        assert counts.f1[index] == pytest.approx(f1_score(y, d, zero_division=0), abs=1e-12)
        assert counts.precision[index] == pytest.approx(precision_score(y, d, zero_division=0), abs=1e-12)
        assert counts.recall[index] == pytest.approx(recall_score(y, d), abs=1e-12)
        assert counts.specificity[index] == pytest.approx(recall_score(1 - y, ~d), abs=1e-12)


@pytest.mark.parametrize("levels", [1, 5, 10**6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(3))
def test_both_areas_at_once_are_those_of_each_alone(make_case, seed, dtype, levels):
    truth, probability = make_case(seed, levels=levels)
    probability = probability.astype(dtype)
    truth[:, 0] = np.where(truth[:, 0] == 1, 0, truth[:, 0])  # no positives
    truth[:, 1] = np.where(truth[:, 1] == 0, 1, truth[:, 1])  # no negatives
    both = areas(truth, probability)
    assert np.isnan(both).any(axis=0).tolist() == [True, True, False, False]
    np.testing.assert_allclose(both[0], auroc(truth, probability), rtol=1e-12)
    np.testing.assert_allclose(both[1], auprc(truth, probability), rtol=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_a_weight_is_as_good_as_repeating_the_record(make_case, seed):
    truth, probability = make_case(seed, records=60)
    weights = np.random.default_rng([seed, 1]).integers(0, 4, (3, len(truth)))
    for replicate, times in enumerate(weights):
        repeated = truth.repeat(times, axis=0), probability.repeat(times, axis=0)
        for metric in (auroc, auprc):
            weighted = metric(truth, probability, weights.astype(float))
            assert weighted.shape == (3, truth.shape[1])
            np.testing.assert_allclose(weighted[replicate], metric(*repeated), rtol=1e-12)
        weighted = count(truth, decide(probability, 0.5), weights.astype(float)).f1[replicate]
        np.testing.assert_allclose(weighted, count(repeated[0], decide(repeated[1], 0.5)).f1)


def test_masked_records_change_nothing(make_case):
    truth, probability = make_case(0)
    more = np.concatenate([truth, np.full((5, 4), -1, dtype=np.int8)])
    scores = np.concatenate([probability, np.full((5, 4), 0.99, dtype=np.float32)])
    np.testing.assert_array_equal(auroc(truth, probability), auroc(more, scores))
    np.testing.assert_array_equal(auprc(truth, probability), auprc(more, scores))


def test_a_class_without_positives_has_no_metric_but_specificity():
    truth, probability = column(0, 0, -1), column(0.2, 0.7, 0.9)
    counts = count(truth, decide(probability, 0.5))
    for value in (
        auroc(truth, probability),
        auprc(truth, probability),
        counts.f1,
        counts.precision,
        counts.recall,
    ):
        assert np.isnan(value).all()
    assert counts.specificity == 1 / 2


def test_a_class_without_negatives_has_no_metric_but_recall():
    # Whatever is called is right, so precision would be 1 for any model.
    truth, probability = column(1, 1, -1), column(0.2, 0.7, 0.9)
    counts = count(truth, decide(probability, 0.5))
    for value in (
        auroc(truth, probability),
        auprc(truth, probability),
        counts.f1,
        counts.precision,
        counts.specificity,
    ):
        assert np.isnan(value).all()
    assert counts.recall == 1 / 2


def test_a_replicate_without_negatives_has_no_auprc():
    truth, probability = column(1, 1, 0), column(0.2, 0.7, 0.4)
    with_negative, without = auprc(truth, probability, np.array([[1.0, 1, 1], [1, 1, 0]]))
    assert with_negative == pytest.approx((1 + 2 / 3) / 2)
    assert np.isnan(without)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_rank_by_their_value_whatever_their_sign_and_size(dtype):
    rng = np.random.default_rng(0)
    score = (rng.normal(size=(500, 1)) * 10.0 ** rng.integers(-30, 30, (500, 1))).astype(dtype)
    score[::7], score[1::7] = 0.0, -0.0  # equal numbers of different bits
    truth = (rng.random((500, 1)) < 0.3).astype(np.int8)
    assert auroc(truth, score) == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
    assert auprc(truth, score) == pytest.approx(average_precision_score(truth, score), abs=1e-12)


def test_a_class_that_is_wholly_unknown_has_no_metric():
    truth, probability = column(-1, -1), column(0.2, 0.7)
    assert np.isnan(auroc(truth, probability)).all()
    assert np.isnan(auprc(truth, probability, np.ones((2, 2)))).all()


def test_precision_is_zero_where_no_positive_was_called():
    counts = count(column(1, 0), decide(column(0.1, 0.1), 0.5))
    assert (counts.precision, counts.recall, counts.f1) == (0, 0, 0)


def test_a_probability_equal_to_the_threshold_is_positive():
    assert decide(column(0.5, 0.4999), 0.5).ravel().tolist() == [True, False]


def test_single_precision_probabilities_are_not_rounded_to_the_threshold():
    just_below = np.float32(0.1)  # 0.100000001490116
    assert decide(np.array([[just_below]]), 0.1).all()
    assert not decide(np.array([[just_below]]), 0.1000000015).any()


def test_pooled_counts_are_the_sums_over_classes(make_case):
    truth, probability = make_case(3)
    decisions = decide(probability, 0.5)
    known = truth >= 0
    pooled = count(truth, decisions).pooled()
    assert pooled.f1 == pytest.approx(f1_score(truth[known], decisions[known]))


def test_macro_average_leaves_undefined_classes_out():
    assert macro(np.array([0.2, np.nan, 0.6])) == pytest.approx(0.4)
    assert np.isnan(macro(np.array([np.nan, np.nan])))


def test_a_probability_that_is_not_a_number_is_refused():
    with pytest.raises(RarebeatError, match="1 of 2 records"):
        auroc(column(0, 1), column(0.3, np.nan))


@pytest.mark.parametrize(
    ("truth", "probability"),
    [(column(0, 2), column(0.1, 0.2)), (column(0, 1), column(0.1)), (np.zeros(2), np.zeros(2))],
)
def test_arrays_that_do_not_fit_are_refused(truth, probability):
    with pytest.raises(ValueError, match=r"truth must be|one shape"):
        auroc(truth, probability)


def test_forty_thousand_records_of_24_classes_take_well_under_a_second(make_case):
    truth, probability = make_case(0, records=40_000, classes=24, levels=10**6)
    start = time.process_time()
    auroc(truth, probability)
    assert time.process_time() - start < 1  # 0.03 s on a quiet core
