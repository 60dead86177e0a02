"""The numbers of a comparison against a plain re-computation of each."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from sklearn.metrics import roc_auc_score

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.params import parse
from rarebeat.evaluation.challenge import challenge_metrics
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.cells import (
    ENSEMBLE,
    SEED,
    Cell,
    CompareSettings,
    read_cells,
    sections,
    with_ensembles,
)
from rarebeat.evaluation.studies.compare import (
    AVERAGE,
    RULE_NUMBERS,
    class_rows,
    common_columns,
    difference_over_patients,
    mean_over_seeds,
    rule_rows,
)
from rarebeat.inference.predictions import Predictions, write_predictions
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.metrics.challenge_classes import challenge_columns, challenge_places, rewards
from rarebeat.metrics.classification import auroc, macro
from rarebeat.metrics.thresholds import RULES, choose_thresholds

QUICK = EvaluateSettings(replicates=50)
CODES = {entry.id: entry.code for entry in load_vocabulary("cinc2020").classes}
CHALLENGE = tuple(CODES)


def predictions(seed=0, classes=("a", "b", "c"), lacks=(), test_of=0, records=150, skill=0.3):
    """A model's validation and test split, whose truth depends on ``test_of`` alone; two records to a patient."""
    truth = np.random.default_rng(test_of).random((2 * records, len(classes))) < np.linspace(
        0.1, 0.4, len(classes)
    )
    noise = np.random.default_rng([seed, 7]).normal(0, 0.2, truth.shape)
    probability = np.clip(0.3 + skill * truth + noise, 0, 1).astype(np.float32)
    thresholds = np.full(len(classes), 0.45 + 0.01 * seed)
    unknown = [classes.index(name) for name in lacks]
    probability[:, unknown], thresholds[unknown] = np.nan, np.nan
    return Predictions(
        record_ids=np.array([f"{test_of}-{index}" for index in range(2 * records)], dtype=object),
        cohorts=np.full(2 * records, "ward"),
        patients=np.array([f"p{index // 2}" for index in range(2 * records)], dtype=object),
        splits=np.repeat(["validation", "test"], records),
        classes=classes,
        thresholds=thresholds,
        probability=probability,
        truth=truth.astype(np.int8),
        vocabulary="cinc2020" if classes == CHALLENGE else "hughes24",
        codes=CODES if classes == CHALLENGE else {},
    )


def cell(model="small", seed=0, **more):
    skill = 0.4 if model == "large" else 0.3
    return Cell({"model": model, "seed": str(seed)}, predictions(seed, skill=skill, **more))


# ------------------------------------------------------------------ which cells belong together


def test_every_combination_of_the_factors_is_a_cell(tmp_path):
    factors = {"model": ["small", "large"], "seed": [0, 1]}
    for model, seed in product(*factors.values()):
        write_predictions(tmp_path / f"{model}-{seed}.parquet", predictions(seed))
    cells = read_cells(tmp_path, factors)
    assert [entry.name for entry in cells] == ["small-0", "small-1", "large-0", "large-1"]
    assert cells[1].factors == {"model": "small", "seed": "1"}
    assert cells[1].group == ("small",)


def test_cells_may_come_in_parts_with_factors_of_the_same_names(tmp_path):
    parts = {"two": {"model": ["small"], "seed": [0, 1]}, "one": {"model": ["large"], "seed": [0]}}
    for name in ("small-0", "small-1", "large-0"):
        write_predictions(tmp_path / f"{name}.parquet", predictions())
    assert [entry.name for entry in read_cells(tmp_path, parts)] == ["small-0", "small-1", "large-0"]


@pytest.mark.parametrize(
    "factors",
    [
        {},
        {"seed": [0, 1]},
        {"model": "small"},
        {"model": []},
        {"a": {"model": ["small"]}, "b": {"network": ["large"]}},
        {"a": {"model": ["small"]}, "seed": [0]},
    ],
)
def test_factors_that_make_no_study_are_refused(tmp_path, factors):
    with pytest.raises(ParamsError, match="cells"):
        read_cells(tmp_path, factors)


def test_true_and_false_stand_in_names_as_dvc_writes_them(tmp_path):
    for name in ("true-0", "false-0"):
        write_predictions(tmp_path / f"{name}.parquet", predictions())
    assert [entry.name for entry in read_cells(tmp_path, {"hidden": [True, False], "seed": [0]})] == [
        "true-0",
        "false-0",
    ]


@pytest.mark.parametrize(
    "factors",
    [
        {"model": ["small"], "seed": [0, 1, 0]},
        {"model": ["small"], "seed": [0, "0"]},
        {"model": ["a-b", "a"], "size": ["c", "b-c"], "seed": [0]},
        {"one": {"model": ["small"], "seed": [0, 1]}, "two": {"model": ["small"], "seed": [1]}},
    ],
)
def test_one_model_does_not_count_as_two_cells(tmp_path, factors):
    for name in ("small-0", "small-1", "a-b-c-0", "a-b-b-c-0", "a-c-0"):
        write_predictions(tmp_path / f"{name}.parquet", predictions())
    with pytest.raises(ParamsError, match=r"several cells have the name (small-[01]|a-b-c-0)"):
        read_cells(tmp_path, factors)


@pytest.mark.parametrize(
    "factors",
    [
        {"positives": [10, 50], "seed": [0]},
        {"one": {"f1": ["a"], "seed": [0]}, "two": {"f1": ["b"], "seed": [0]}},
    ],
)
def test_a_factor_that_a_column_would_replace_is_refused(tmp_path, factors):
    """As happened to `positives`, of which each row of the table tells the number of test records."""
    with pytest.raises(ParamsError, match=r"(positives|f1) is a column of the comparison"):
        read_cells(tmp_path, factors)


def test_a_missing_cell_is_named(tmp_path):
    with pytest.raises(RarebeatError, match=r"small-0\.parquet"):
        read_cells(tmp_path, {"model": ["small"], "seed": [0]})


def test_cells_of_the_same_test_records_make_a_section():
    cells = [cell("small"), cell("other", test_of=1), cell("large")]
    assert [[entry.name for entry in part] for part in sections(cells)] == [
        ["small-0", "large-0"],
        ["other-0"],
    ]


def test_records_of_two_cohorts_are_not_the_same_though_their_ids_and_labels_are():
    one, other = cell("small"), cell("large")
    elsewhere = replace(other.predictions, cohorts=np.full(len(other.predictions), "clinic"))
    assert len(sections([one, other])) == 1
    assert len(sections([one, replace(other, predictions=elsewhere)])) == 2


def test_seeds_of_one_group_make_an_ensemble_and_a_single_one_does_not():
    cells = [cell("small", 0), cell("small", 1), cell("large", 0)]
    found = with_ensembles(cells)
    assert found[:3] == cells
    (ensemble,) = found[3:]
    assert ensemble.factors == {"model": "small", SEED: ENSEMBLE}
    expected = (cells[0].predictions.probability + cells[1].predictions.probability) / 2
    np.testing.assert_allclose(ensemble.predictions.probability, expected, rtol=1e-6)
    np.testing.assert_allclose(ensemble.predictions.thresholds, 0.455)


def test_a_class_that_one_member_does_not_know_is_that_of_the_others_in_an_ensemble():
    first, second = cell("small", 0), cell("small", 1)
    unknown = np.array([False, True, *[False] * (len(second.predictions.classes) - 2)])
    fewer = replace(
        second.predictions,
        thresholds=np.where(unknown, np.nan, second.predictions.thresholds),
        probability=np.where(unknown, np.float32(np.nan), second.predictions.probability),
    )
    *_, ensemble = with_ensembles([first, replace(second, predictions=fewer)])
    np.testing.assert_allclose(ensemble.predictions.probability[:, 1], first.predictions.probability[:, 1])
    assert ensemble.predictions.thresholds[1] == first.predictions.thresholds[1]
    *_, nobody = with_ensembles([replace(one, predictions=fewer) for one in (first, second)])
    assert np.isnan(nobody.predictions.thresholds[1])
    assert np.isnan(nobody.predictions.probability[:, 1]).all()


def test_a_rule_that_there_is_not_is_named():
    with pytest.raises(ParamsError, match="no rule youden"):
        parse(CompareSettings, {"rules": ["youden"]}, "compare")


# ------------------------------------------------------------------ threshold rules


def in_challenge_order(cell, split):
    own = cell.predictions.only(split)
    columns = list(challenge_columns(CHALLENGE, challenge_places("cinc2020", CODES)))
    return own.truth[:, columns], own.probability[:, columns]


def test_each_rule_is_chosen_on_the_validation_split_and_scored_on_the_test_split():
    one = cell(classes=CHALLENGE)
    rows = rule_rows(one, tuple(RULES), QUICK)
    assert [row["rule"] for row in rows] == list(RULES)
    (validation, answers), (test, tested) = (in_challenge_order(one, part) for part in ("validation", "test"))
    patients = one.predictions.only("validation").patients
    for row in rows:
        assert tuple(row) == ("model", "seed", "rule", *RULE_NUMBERS)
        thresholds = choose_thresholds(validation, answers, row["rule"], rewards(), patients)
        expected = challenge_metrics(test, tested >= thresholds, tested)
        assert row["score"] == pytest.approx(expected["score"], rel=1e-4)
        assert row["auroc"] == pytest.approx(expected["auroc"], rel=1e-4)
        assert row["score_low"] < row["score"] < row["score_high"]


def test_a_class_that_is_not_known_is_never_called_and_still_counts():
    lacking = "sinus_bradycardia"
    one = cell(classes=CHALLENGE, lacks=(lacking,))
    (row,) = rule_rows(one, ["fixed"], EvaluateSettings(replicates=0))
    test, tested = in_challenge_order(one, "test")
    known = ~np.isnan(tested).any(axis=0)
    decisions = np.zeros(test.shape, dtype=bool)
    decisions[:, known] = tested[:, known] >= 0.5
    expected = challenge_metrics(test, decisions, decisions.astype(float))["score"]
    assert known.sum() == 23
    assert (test[:, ~known] == 1).any()
    assert row["score"] == pytest.approx(expected, rel=1e-4)
    assert row["auroc"] == pytest.approx(macro(auroc(test[:, known], tested[:, known])), rel=1e-4)
    assert row["score_low"] is None


def test_without_the_classes_of_the_challenge_its_rules_and_its_score_are_left_out():
    rows = rule_rows(cell(), tuple(RULES), QUICK)
    assert [row["rule"] for row in rows] == ["bagged_f1", "max_f1", "fixed", "constrained_grid"]
    assert {row["score"] for row in rows} == {None}
    best = max(rows, key=lambda row: row["f1"])
    assert best["f1"] > 0.5


# ------------------------------------------------------------------ class by class


def test_classes_are_compared_that_all_cells_know_and_that_are_not_too_rare():
    cells = [cell(), cell("large", lacks=("b",))]
    assert common_columns(cells, 1).tolist() == [0, 2]
    positives = (cells[0].predictions.only("test").truth == 1).sum(axis=0)
    assert common_columns(cells[:1], int(positives[0]) + 1).tolist() == [1, 2]
    with pytest.raises(RarebeatError, match="500 positive test records"):
        common_columns(cells, 500)


def test_a_class_without_a_known_negative_is_not_compared_and_takes_no_interval_from_the_mean():
    """Of incomplete codes a class may have positive records alone: its negatives are unknown."""
    groups = []
    for model in ("small", "large"):
        group = []
        for own in (cell(model, seed) for seed in (0, 1)):
            truth = own.predictions.truth.copy()
            truth[truth[:, 2] == 0, 2] = -1
            group.append(replace(own, predictions=replace(own.predictions, truth=truth)))
        groups.append(group)
    small, large = groups
    columns = common_columns([*small, *large], 5)
    assert columns.tolist() == [0, 1]
    mean = class_rows(small[0], columns, QUICK)[-1]
    assert mean["auroc_low"] < mean["auroc"] < mean["auroc_high"]
    value, low, high = difference_over_patients(large, small, columns, QUICK)["auroc"]
    assert low < value < high


def test_a_class_row_holds_what_a_plain_computation_gives():
    one = cell()
    columns = common_columns([one], 1)
    rows = {row["class"]: row for row in class_rows(one, columns, QUICK)}
    test = one.predictions.only("test")
    areas = [roc_auc_score(test.truth[:, column], test.probability[:, column]) for column in columns]
    for name, area, column in zip("abc", areas, columns, strict=True):
        assert rows[name]["auroc"] == pytest.approx(area, abs=1e-4)
        assert rows[name]["positives"] == (test.truth[:, column] == 1).sum()
        assert rows[name]["auroc_low"] < rows[name]["auroc"] < rows[name]["auroc_high"]
    assert rows[AVERAGE]["auroc"] == pytest.approx(np.mean(areas), abs=1e-4)
    assert rows[AVERAGE]["positives"] == (test.truth == 1).sum()


def test_a_difference_over_patients_is_that_of_the_means_over_seeds_on_the_same_patients():
    small, large = [cell("small", seed) for seed in (0, 1)], [cell("large", seed) for seed in (0, 1)]
    columns = common_columns([*small, *large], 1)
    value, low, high = difference_over_patients(large, small, columns, EvaluateSettings(replicates=200))[
        "auroc"
    ]

    def macro_auroc(entry, weights):
        test = entry.predictions.only("test")
        return np.mean(
            [roc_auc_score(test.truth[:, c], test.probability[:, c], sample_weight=weights) for c in columns]
        )

    def difference(weights):
        means = [np.mean([macro_auroc(entry, weights) for entry in side]) for side in (large, small)]
        return means[0] - means[1]

    patients = small[0].predictions.only("test").patients
    names, owner = np.unique(patients, return_inverse=True)
    rng = np.random.default_rng(5)
    drawn = [
        difference(np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))[owner])
        for _ in range(200)
    ]
    assert value == pytest.approx(difference(np.ones(len(patients))), abs=1e-9)
    assert value > 0
    assert (low, high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.012)


def test_no_cell_differs_from_itself():
    one = cell()
    found = difference_over_patients([one], [one], common_columns([one], 1), QUICK)
    assert set(found.values()) == {(0.0, 0.0, 0.0)}


# ------------------------------------------------------------------ over seeds


@pytest.mark.parametrize("seeds", [2, 3, 10])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_is_that_of_students_test(seeds, confidence):
    values = np.random.default_rng(seeds).normal(0.4, 0.05, seeds)
    expected = ttest_1samp(values, 0).confidence_interval(confidence)
    assert mean_over_seeds(values, confidence) == pytest.approx((values.mean(), expected.low, expected.high))


def test_three_seeds_by_hand():
    # Mean 2, standard deviation 1; Student's quantile for two degrees of freedom is 4.303.
    mean, _, high = mean_over_seeds([1, 2, 3])
    assert high - mean == pytest.approx(4.303 / np.sqrt(3), abs=1e-3)


def test_one_seed_has_no_interval_and_none_has_no_mean():
    mean, low, high = mean_over_seeds([0.5])
    assert mean == 0.5
    assert np.isnan([low, high, *mean_over_seeds([])]).all()


def test_five_intervals_of_a_hundred_miss_the_truth():
    rng = np.random.default_rng(0)
    found = [mean_over_seeds(rng.normal(0, 1, 3)) for _ in range(2000)]
    missed = sum(not (low < 0 < high) for _, low, high in found)
    assert missed / 2000 == pytest.approx(0.05, abs=0.015)


def test_the_f1_of_an_ensemble_is_that_of_its_votes():
    voting = cell()
    votes = voting.predictions.truth == 1
    voted = Cell(voting.factors, replace(voting.predictions, voted=votes))
    columns = common_columns([voting], 10)
    own, mean = (class_rows(one, columns, QUICK)[-1] for one in (voting, voted))
    assert own["f1"] < mean["f1"] == 1
    assert own["auroc"] == mean["auroc"]
