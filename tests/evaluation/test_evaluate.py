import json
import math

import numpy as np
import pytest
from tests.predicted import predicted

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.params import parse
from rarebeat.evaluation.challenge import challenge_metrics
from rarebeat.evaluation.evaluate import EvaluateSettings, evaluate
from rarebeat.evaluation.metrics_file import metrics_content
from rarebeat.metrics.challenge_classes import CLASSES
from rarebeat.reporting.results import results_table

FAST = EvaluateSettings(replicates=100)
NAMES = ("af", "avnrt", "pac", "pvc")


@pytest.fixture(scope="module")
def evaluation(make_case):
    truth, probability = make_case(0)
    truth[:, 1] = np.where(truth[:, 1] == 1, 0, truth[:, 1])  # no positives
    cohorts = np.array(["georgia"] * 120 + ["ptb-xl"] * 80, dtype=object)
    patients = np.array([f"p{index // 2}" for index in range(200)], dtype=object)
    return evaluate(
        predicted(truth, probability, [0.4, 0.5, 0.6, 0.7], patients, NAMES, cohorts=cohorts), FAST
    )


def leaves(tree, path=()):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def test_the_metrics_are_nested_mappings_of_finite_numbers_or_null(evaluation):
    content = metrics_content(evaluation)
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    for path, value in leaves(content):
        assert all(isinstance(key, str) for key in path)
        assert value is None or (type(value) in (int, float) and math.isfinite(value)), path


def test_the_metrics_have_the_keys_that_people_compare(evaluation):
    content = metrics_content(evaluation)
    assert list(content) == [
        *("records", "patients", "classes_with_positives", "macro_classes"),
        *("macro", "micro", "at_0.5", "classes", "cohorts"),
    ]
    assert (content["records"], content["patients"], content["classes_with_positives"]) == (200, 100, 3)
    assert list(content["macro"]) == [
        *("f1", "f1_low", "f1_high", "precision", "recall"),
        *("auroc", "auroc_low", "auroc_high", "auprc", "auprc_low", "auprc_high"),
    ]
    assert list(content["at_0.5"]["macro"]) == ["f1", "f1_low", "f1_high", "precision", "recall"]
    assert tuple(content["classes"]) == NAMES
    assert list(content["classes"]["af"]) == [
        *("f1", "precision", "recall", "auroc", "auprc", "f1_at_0.5", "threshold"),
        *("positives", "positive_patients"),
    ]
    assert content["classes"]["pac"]["threshold"] == 0.6


def test_a_class_without_positives_is_null_and_left_out_of_the_macro_average(evaluation):
    content = metrics_content(evaluation)
    assert content["classes"]["avnrt"]["f1"] is None
    assert content["classes"]["avnrt"]["positives"] == 0
    others = [content["classes"][name]["f1"] for name in NAMES if name != "avnrt"]
    assert content["macro"]["f1"] == pytest.approx(sum(others) / 3, abs=1e-5)


def test_a_class_with_few_positive_patients_is_scored_but_not_averaged(make_case):
    truth, probability = make_case(0)
    patients = np.array([f"p{index // 2}" for index in range(200)], dtype=object)
    few = np.flatnonzero(truth[:, 1] == 1)[6:]
    truth[few, 1] = 0
    counted = np.array([np.unique(patients[column == 1]).size for column in truth.T])
    assert counted[1] <= 6 < counted[[0, 2, 3]].min()
    settings = EvaluateSettings(replicates=100, at_least=int(counted[1]) + 1)
    found = evaluate(predicted(truth, probability, 0.5, patients, NAMES), settings)
    np.testing.assert_array_equal(found.positive_patients, counted)
    content = metrics_content(found)
    assert content["macro_classes"] == 3
    others = [content["classes"][name]["auprc"] for name in NAMES if name != "avnrt"]
    assert content["macro"]["auprc"] == pytest.approx(sum(others) / 3, abs=1e-5)
    assert content["classes"]["avnrt"]["auprc"] is not None
    assert "over the 3 of 4 classes with at least" in results_table(found)
    assert "left out: avnrt." in results_table(found)


def test_without_a_class_of_enough_patients_there_is_no_macro_average(make_case):
    truth, probability = make_case(0)
    found = evaluate(
        predicted(truth, probability, 0.5, np.arange(200).astype(str), NAMES),
        EvaluateSettings(replicates=50, at_least=201),
    )
    content = metrics_content(found)
    assert content["macro_classes"] == 0
    assert set(content["macro"].values()) == {None}
    assert content["micro"]["f1_low"] < content["micro"]["f1"] < content["micro"]["f1_high"]
    assert "there is no macro average" in results_table(found)


def test_the_tuned_thresholds_do_not_touch_the_scores_at_one_half(evaluation, make_case):
    truth, probability = make_case(0)
    positive = truth[:, 0] == 1
    called = (probability[:, 0] >= 0.5) & (truth[:, 0] >= 0)
    recall = (positive & called).sum() / positive.sum()
    assert evaluation.at_half.scores.values["recall"][0] == pytest.approx(recall)
    assert evaluation.at_half.scores.values["recall"][0] < evaluation.tuned.scores.values["recall"][0]


def test_each_cohort_is_scored_as_if_it_were_alone(evaluation, make_case):
    truth, probability = make_case(0)
    truth[:, 1] = np.where(truth[:, 1] == 1, 0, truth[:, 1])
    patients = np.array([f"p{index // 2}" for index in range(200)], dtype=object)[:120]
    thresholds = np.array([0.4, 0.5, 0.6, 0.7])
    alone = evaluate(predicted(truth[:120], probability[:120], thresholds, patients, NAMES), FAST)
    part = metrics_content(evaluation)["cohorts"]["georgia"]
    assert part["records"] == 120
    assert part["macro"] == metrics_content(alone)["macro"]
    assert "classes" not in part
    assert list(evaluation.cohorts) == ["georgia", "ptb-xl"]


def test_a_single_cohort_has_no_breakdown(make_case):
    truth, probability = make_case(0)
    one = np.full(200, "ptb-xl", dtype=object)
    people = np.arange(200).astype(str)
    evaluation = evaluate(
        predicted(truth, probability, 0.5, people, NAMES, cohorts=one), EvaluateSettings(replicates=0)
    )
    assert evaluation.cohorts == {}
    assert "cohorts" not in metrics_content(evaluation)
    assert metrics_content(evaluation)["macro"]["f1_low"] is None  # no replicates, no interval


def test_an_empty_split_is_refused():
    with pytest.raises(RarebeatError, match="no records to evaluate"):
        evaluate(
            predicted(np.zeros((0, 1), np.int8), np.zeros((0, 1)), 0.5, np.zeros(0, dtype=object), ("af",))
        )


def challenge_case(seed: int):
    rng = np.random.default_rng(seed)
    truth = (rng.random((120, 25)) < 0.15).astype(np.int8)
    probability = np.clip(0.3 * truth + 0.7 * rng.random(truth.shape), 0, 1)
    names = tuple(f"class {index}" for index in range(25))
    return truth, probability, names


def test_the_challenge_is_scored_on_its_columns_with_an_interval_of_the_score():
    truth, probability, names = challenge_case(0)
    columns = tuple(range(24, 0, -1))  # the first class is none of the challenge's
    codes = {names[column]: entry.names[0] for column, entry in zip(columns, CLASSES, strict=True)}
    patients = np.array([f"p{index // 2}" for index in range(120)], dtype=object)
    cohorts = np.repeat(np.array(["georgia", "ptb-xl"], dtype=object), 60)
    thresholds = np.linspace(0.3, 0.7, 25)
    known = {"vocabulary": "cinc2020", "codes": codes | {names[0]: "STD"}}
    evaluation = evaluate(
        predicted(truth, probability, thresholds, patients, names, cohorts=cohorts, **known), FAST
    )
    content = metrics_content(evaluation)["challenge"]
    decisions = probability >= thresholds
    wanted = challenge_metrics(truth[:, columns], decisions[:, columns], probability[:, columns])
    assert {name: content[name] for name in wanted} == pytest.approx(wanted, rel=1e-4)
    assert content["score_low"] < content["score"] < content["score_high"]
    assert "PhysioNet/CinC Challenge 2020: score" in results_table(evaluation).splitlines()[-1]
    parts = metrics_content(evaluation)["cohorts"]
    assert parts["georgia"]["challenge"]["score"] != parts["ptb-xl"]["challenge"]["score"]


def test_without_the_classes_of_the_challenge_nothing_is_said_of_it(evaluation):
    assert "challenge" not in metrics_content(evaluation)
    assert "Challenge" not in results_table(evaluation)


def test_the_defaults_are_a_thousand_replicates_and_95_percent():
    assert parse(EvaluateSettings, {}, "evaluate") == EvaluateSettings(1000, 0.95, 0, 10)


@pytest.mark.parametrize(
    "wrong",
    [
        {"thresholds": "youden"},
        {"replicates": -1},
        {"confidence": 1.0},
        {"seed": -1},
        {"replicate": 10},
        {"at_least": 0},
    ],
)
def test_a_wrong_value_is_refused_by_name(wrong):
    with pytest.raises(ParamsError, match=next(iter(wrong))):
        parse(EvaluateSettings, wrong, "evaluate")


def unlike(warnings, patients=None):
    """The share of records with such warnings, each of a patient of its own unless told otherwise."""
    count = len(warnings)
    truth = np.arange(2 * count).reshape(count, 2) % 2
    people = np.arange(count).astype(str) if patients is None else patients
    told = {} if warnings[0] is None else {"warnings": np.array(warnings, dtype=object)}
    return evaluate(predicted(truth, truth * 0.5, 0.4, people, ("af", "pac"), **told), FAST)


def test_the_share_of_records_unlike_the_training_data_has_an_interval():
    evaluation = unlike(["unlike the training data: x", "the gain is probably wrong", *[""] * 98])
    content = metrics_content(evaluation)["unlike_training"]
    # Wilson's interval of 1 in 100, as tables give it.
    assert content == {
        "share": 0.01,
        "low": pytest.approx(0.0018, abs=1e-4),
        "high": pytest.approx(0.0545, abs=1e-4),
    }
    assert (
        "Warned of as unlike the training data: 1.0 % of the records (95 % interval 0.2 to 5.4 %)."
        in results_table(evaluation)
    )


def test_the_interval_counts_patients_and_not_records():
    warnings = ["unlike the training data: x", *[""] * 99]
    one, half = (
        unlike(warnings, np.array([f"p{index // records}" for index in range(100)])).unlike
        for records in (1, 2)
    )
    assert half.value == one.value
    assert half.high > one.high
    assert unlike([""] * 100).unlike.high == pytest.approx(0.037, abs=1e-3)  # no alarm is not proof of none


def test_where_nobody_looked_no_share_is_stated():
    evaluation = unlike([None] * 10)
    assert "unlike_training" not in metrics_content(evaluation)
    assert "unlike" not in results_table(evaluation)
