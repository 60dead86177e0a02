import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

from rarebeat.evaluation.scores import MACRO, METRICS, MICRO, prepare, score
from rarebeat.metrics.classification import auprc, auroc, count, decide


@pytest.mark.parametrize("seed", range(5))
def test_micro_averages_pool_all_known_pairs(make_case, seed):
    truth, probability = make_case(seed)
    thresholds = np.array([0.3, 0.4, 0.5, 0.6])
    values = score(prepare(truth, probability, thresholds)).values
    known = truth >= 0
    y, p, d = truth[known], probability[known], (probability >= thresholds)[known]
    assert values["auroc"][MICRO] == pytest.approx(roc_auc_score(y, p))
    assert values["auprc"][MICRO] == pytest.approx(average_precision_score(y, p))
    assert values["f1"][MICRO] == pytest.approx(f1_score(y, d))
    assert values["precision"][MICRO] == pytest.approx(precision_score(y, d))
    assert values["recall"][MICRO] == pytest.approx(recall_score(y, d))


def test_the_columns_are_the_classes_then_macro_then_micro(make_case):
    truth, probability = make_case(1)
    values = score(prepare(truth, probability, 0.5)).values
    assert tuple(values) == METRICS
    np.testing.assert_array_equal(values["auroc"][:-2], auroc(truth, probability))
    np.testing.assert_array_equal(values["auprc"][:-2], auprc(truth, probability))
    np.testing.assert_array_equal(values["f1"][:-2], count(truth, decide(probability, 0.5)).f1)
    assert values["auroc"][MACRO] == pytest.approx(auroc(truth, probability).mean())


def test_a_matrix_of_weights_gives_one_row_of_values_each(make_case):
    truth, probability = make_case(2)
    weights = np.random.default_rng([0]).integers(0, 3, (5, len(truth))).astype(float)
    prepared = prepare(truth, probability, 0.5)
    together = score(prepared, weights).values
    for metric in METRICS:
        assert together[metric].shape == (5, truth.shape[1] + 2)
        alone = [score(prepared, row).values[metric] for row in weights]
        np.testing.assert_allclose(together[metric], alone, rtol=1e-12)


def test_the_areas_can_be_left_out(make_case):
    assert tuple(score(prepare(*make_case(0), 0.5, areas=False)).values) == ("f1", "precision", "recall")


def test_a_class_without_negatives_is_left_out_of_the_macro_average():
    truth = np.array([[1, 1], [0, 1], [1, -1]], dtype=np.int8)
    probability = np.array([[0.9, 0.9], [0.6, 0.8], [0.4, 0.2]])
    values = score(prepare(truth, probability, 0.5)).values
    for metric in ("f1", "precision", "auroc", "auprc"):
        assert np.isnan(values[metric][1])
        assert values[metric][MACRO] == values[metric][0] < 1


def test_a_false_alarm_in_a_class_without_positives_counts_in_micro_precision():
    truth = np.array([[1, 0], [0, 0]], dtype=np.int8)
    probability = np.array([[0.9, 0.9], [0.1, 0.1]])
    values = score(prepare(truth, probability, 0.5)).values
    assert np.isnan(values["precision"][1])
    assert (values["precision"][MACRO], values["precision"][MICRO]) == (1, 1 / 2)
