import numpy as np
import pandas as pd
import pytest

from rarebeat.evaluation.challenge import challenge_metrics
from rarebeat.evaluation.compare import (
    COLUMNS,
    ENSEMBLE,
    Answers,
    Exam,
    Trained,
    in_challenge_order,
    mean_answers,
    score_rules,
    with_ensembles,
)
from rarebeat.evaluation.compare_tables import average_table, difference_table, patient_table, seed_table
from rarebeat.metrics.challenge_classes import CLASSES, rewards
from rarebeat.metrics.classification import auroc, macro
from rarebeat.metrics.thresholds import RULES, choose_thresholds

ALL = len(CLASSES)
WHO = Trained("simulated", "hughes34", "bce", "0")


def truth_and_probability(seed: int, records: int = 150, skill: float = 0.4):
    rng = np.random.default_rng([seed, 5])
    truth = (rng.random((records, ALL)) < np.linspace(0.05, 0.4, ALL)).astype(np.int8)
    probability = np.clip(rng.normal(0.3 + skill * truth, 0.2), 0, 1).astype(np.float32)
    return truth, probability


def exam_and_answers(learnt=tuple(range(ALL))):
    validation, test = truth_and_probability(0), truth_and_probability(1)
    exam = Exam(learnt, validation[0], test[0], np.arange(len(test[0])).astype(str))
    return exam, Answers(validation[1][:, list(learnt)], test[1][:, list(learnt)])


def test_each_rule_is_chosen_on_the_validation_split_and_scored_on_the_test_split():
    exam, answers = exam_and_answers()
    rows = score_rules(exam, WHO, answers, tuple(RULES), replicates=50)
    assert [row["rule"] for row in rows] == list(RULES)
    for row in rows:
        assert tuple(row) == COLUMNS
        thresholds = choose_thresholds(exam.validation, answers.validation, row["rule"], rewards())
        expected = challenge_metrics(exam.test, answers.test >= thresholds, answers.test)
        assert row["score"] == pytest.approx(expected["score"], rel=1e-4)
        assert row["auroc"] == pytest.approx(expected["auroc"], rel=1e-4)
        assert row["score_low"] < row["score"] < row["score_high"]


def test_a_class_that_cannot_be_learnt_is_never_called_and_still_counts():
    learnt = tuple(range(ALL - 1))
    exam, answers = exam_and_answers(learnt)
    (row,) = score_rules(exam, WHO, answers, ["fixed"], replicates=0)
    decisions = np.zeros(exam.test.shape, dtype=bool)
    decisions[:, learnt] = answers.test >= 0.5
    expected = challenge_metrics(exam.test, decisions, decisions.astype(float))["score"]
    assert (exam.test[:, -1] == 1).any()
    assert row["score"] == pytest.approx(expected, rel=1e-4)
    assert row["auroc"] == pytest.approx(macro(auroc(exam.test[:, learnt], answers.test)), rel=1e-4)
    assert row["score_low"] is None


def test_an_ensemble_answers_with_the_mean_of_its_seeds():
    _, one = exam_and_answers()
    other = Answers(one.validation / 2, one.test / 2)
    mean = mean_answers([one, other])
    np.testing.assert_allclose(mean.test, one.test * 0.75, rtol=1e-6)
    np.testing.assert_allclose(mean.validation, one.validation * 0.75, rtol=1e-6)


def test_seeds_of_the_same_data_network_and_loss_make_an_ensemble():
    _, answers = exam_and_answers()
    names = [
        Trained("real", "hughes34", "bce", "0"),
        Trained("real", "hughes34", "bce", "1"),
        Trained("real", "hughes34", "challenge", "0"),  # alone: no ensemble
        Trained("simulated", "hughes34", "bce", "0"),
    ]
    found = with_ensembles(dict.fromkeys(names, answers))
    assert list(found) == [*names, Trained("real", "hughes34", "bce", ENSEMBLE)]


def test_labels_are_put_into_the_order_of_the_challenge():
    labels = np.arange(ALL, dtype=np.int8)[None]
    columns = tuple(reversed(range(ALL)))
    assert in_challenge_order(labels, columns)[0].tolist() == list(columns)
    with pytest.raises(ValueError, match="24 columns, found 2"):
        in_challenge_order(labels, (0, 1))


def results(scores):
    """A frame from (model, loss, rule) to the scores of seeds 0, 1 ... and, last, of the ensemble."""
    rows = []
    for (model, loss, rule), values in scores.items():
        for seed, value in zip([*map(str, range(len(values) - 1)), ENSEMBLE], values, strict=True):
            numbers = (value, value - 0.1, value + 0.1, value / 2, value + 0.3)
            rows.append(dict(zip(COLUMNS, ("simulated", model, loss, seed, rule, *numbers), strict=True)))
    return pd.DataFrame(rows)


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


@pytest.fixture
def small():
    return results(
        {
            ("hughes34", "bce", "fixed"): (0.1, 0.2, 0.3, 0.4),
            ("hughes34", "bce", "max_f1"): (0.3, 0.4, 0.5, 0.6),
            ("hughes34", "challenge", "fixed"): (0.2, 0.4, 0.3, 0.5),
            ("hughes34", "challenge", "max_f1"): (0.3, 0.4, 0.5, 0.5),
            ("se_resnet", "bce", "fixed"): (0.1, 0.2, 0.3, 0.4),
            ("se_resnet", "bce", "max_f1"): (0.1, 0.2, 0.3, 0.4),
            ("se_resnet", "challenge", "fixed"): (0.3, 0.2, 0.5, 0.6),
            ("se_resnet", "challenge", "max_f1"): (0.3, 0.4, 0.5, 0.6),
        }
    )


def test_single_networks_show_the_mean_over_seeds_without_the_ensemble(small):
    table = cells(seed_table(small))
    assert table[0] == ["network", "loss", "fixed", "max_f1"]
    assert table[2] == ["hughes34", "bce", "0.20 (-0.05 to 0.45)", "0.40 (0.15 to 0.65)"]
    assert [row[:2] for row in table[2:]] == [
        ["hughes34", "bce"],
        ["hughes34", "challenge"],
        ["se_resnet", "bce"],
        ["se_resnet", "challenge"],
    ]


def test_ensembles_and_one_seed_show_the_interval_over_patients(small):
    assert cells(patient_table(small, ENSEMBLE))[2][2] == "0.40 (0.30 to 0.50)"
    assert cells(patient_table(small, "0"))[2][2] == "0.10 (0.00 to 0.20)"


def test_an_interval_that_is_not_there_is_not_shown(small):
    small["score_low"] = small["score_high"] = None
    assert cells(patient_table(small, ENSEMBLE))[2][2] == "0.40"


def test_averages_stand_beside_those_of_the_ensemble(small):
    table = cells(average_table(small, "fixed"))
    assert table[0] == ["network", "loss", "AUROC", "AUROC, ensemble", "F1", "F1, ensemble"]
    assert table[2] == ["hughes34", "bce", "0.50 (0.25 to 0.75)", "0.70", "0.10 (-0.02 to 0.22)", "0.20"]
    single = small[small["seed"] == "0"]
    assert cells(average_table(single, "fixed"))[2] == ["hughes34", "bce", "0.40", "–", "0.05", "–"]


def test_a_difference_is_taken_seed_by_seed_and_averaged_over_the_rest(small):
    pairs = [("challenge", "bce"), ("weighted_bce", "bce")]
    table = cells(difference_table(small, "loss", pairs, "rule", "loss"))
    assert table[0] == ["loss", "fixed", "max_f1"]
    # Under "fixed", by seed: hughes34 .1 .2 0, se_resnet .2 0 .2: means .15 .1 .1. Their standard error is .0167.
    assert table[2:] == [["challenge − bce", "+0.117 (+0.045 to +0.188)", "+0.100 (+0.100 to +0.100)"]]


def test_with_one_seed_a_difference_has_no_interval(small):
    table = cells(
        difference_table(small[small["seed"] == "0"], "rule", [("max_f1", "fixed")], "loss", "rule")
    )
    assert table[2] == ["max_f1 − fixed", "+0.100", "+0.050"]
