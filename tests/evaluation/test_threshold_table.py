import numpy as np
import pytest

from rarebeat.evaluation.challenge import judge, score_decisions
from rarebeat.evaluation.threshold_table import in_challenge, threshold_rows
from rarebeat.inference.predictions import Predictions
from rarebeat.metrics.thresholds import RULES

PLACES = [20, 1, 13, 2]  # sinus rhythm, AF, PVC, AFL
QUICK = tuple(rule for rule in RULES if rule != "challenge_bayesian")


@pytest.fixture
def splits(make_case):
    def make(seed: int) -> Predictions:
        truth, probability = make_case(seed, records=300, levels=1000)
        names = np.array([f"{seed}-{index}" for index in range(300)], dtype=object)
        return Predictions(
            names,
            np.full(300, "toy"),
            names,
            np.full(300, "any"),
            ("a", "b", "c", "d"),
            np.full(4, 0.5),
            probability**2,
            truth,
        )

    return make(0), make(1)


def test_every_rule_has_a_row_and_is_scored_on_both_splits(splits):
    rows = {row["rule"]: row for row in threshold_rows(*splits, PLACES, QUICK, replicates=50)}
    assert tuple(rows) == QUICK
    assert list(rows["fixed"]) == [
        *("rule", "seconds", "validation macro F1", "validation score", "test macro F1", "test score")
    ]
    best = max(rows.values(), key=lambda row: float(row["validation score"]))
    assert best["rule"] == "challenge_coordinate"
    assert max(rows.values(), key=lambda row: float(row["validation macro F1"]))["rule"] == "max_f1"
    _, test = splits
    value = float(score_decisions(judge(*in_challenge(test.truth, test.decisions, PLACES)))["score"])
    assert rows["fixed"]["test score"].startswith(f"{value:.2f} (")


def test_without_the_classes_of_the_challenge_its_rules_and_its_score_are_left_out(splits):
    rows = threshold_rows(*splits)
    assert [row["rule"] for row in rows] == ["max_f1", "fixed", "constrained_grid"]
    assert list(rows[0]) == ["rule", "seconds", "validation macro F1", "test macro F1"]


def test_classes_that_the_model_lacks_are_never_true():
    truth, calls = np.array([[1, -1]], dtype=np.int8), np.array([[False, True]])
    all_truth, all_calls = in_challenge(truth, calls, [3, 20])
    assert (all_truth[0, 3], all_truth[0, 20], all_truth.sum()) == (1, -1, 0)
    assert np.flatnonzero(all_calls).tolist() == [20]
