"""Classes compared among models of different label sets, against plain re-computations."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from tests.evaluation.studies.test_compare import predictions

from rarebeat.core.errors import RarebeatError
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.cells import Cell, CompareSettings
from rarebeat.evaluation.studies.label_sets import arrange, cell_row, difference, join_classes
from rarebeat.reporting.studies.label_sets_tables import label_set_section

CLASSES = ("a", "b", "c")
QUICK = EvaluateSettings(replicates=100)
COLUMNS = {"single": {"heads": ("a", "b")}, "all": {"heads": ("all",)}}


def cell(heads, seed=0, skill=0.3, **factors):
    lacks = [name for name in CLASSES if heads not in ("all", name)]
    return Cell({"heads": heads, **factors, "seed": str(seed)}, predictions(seed, lacks=lacks, skill=skill))


@pytest.fixture
def study():
    return [
        cell(heads, seed, 0.5 if heads == "all" else 0.3) for heads in ("a", "b", "all") for seed in (0, 1, 2)
    ]


def test_each_class_stands_beside_the_models_that_know_it(study):
    rows = arrange(study, ("a", "b", "c"), COLUMNS)
    assert list(rows) == [("a",), ("b",), ("c",)]
    assert [entry.factors["heads"] for entry in rows["b",]["single"].cells] == ["b", "b", "b"]
    assert len(rows["b",]["all"].cells) == 3
    assert list(rows["c",]) == ["all"]


def test_other_factors_make_rows_and_a_factor_named_class_picks_its_own():
    cells = [
        cell(heads, kept=count, **{"class": name})
        for name in ("a", "b")
        for count in ("10", "50")
        for heads in (name, "all")
    ]
    rows = arrange(cells, ("a", "b"), COLUMNS)
    assert list(rows) == [("a", "10"), ("a", "50"), ("b", "10"), ("b", "50")]
    assert all(len(columns["all"].cells) == 1 for columns in rows.values())


def test_cells_that_stand_in_no_column_make_no_row():
    cells = [cell("a", rate=rate) for rate in ("low", "high")] + [cell("b", rate="high")]
    titles = {"single": {"heads": ("a", "b"), "rate": ("low",)}}
    assert list(arrange(cells, ("a",), titles)) == [("a",)]
    with pytest.raises(RarebeatError, match=r"no cell of compare\.columns knows b"):
        arrange(cells, ("a", "b"), titles)


def test_of_several_ways_the_best_on_validation_is_taken():
    cells = [
        cell("a", seed, skill, rate=rate) for rate, skill in (("low", 0.1), ("high", 0.5)) for seed in (0, 1)
    ]
    titles = {"single": {"heads": ("a",), "rate": ("low",)}, "best": {"heads": ("a",)}}
    (columns,) = arrange(cells, ("a",), titles).values()
    assert columns["single"].of == 1
    assert [entry.factors["rate"] for entry in columns["single"].cells] == ["low", "low"]
    assert columns["best"].of == 2
    assert [entry.factors["rate"] for entry in columns["best"].cells] == ["high", "high"]


def test_a_way_that_validation_does_not_judge_is_not_the_best():
    """It was validated on other records, none of which has the class."""
    judged, unjudged = cell("a", rate="low"), cell("a", rate="high")
    truth = unjudged.predictions.truth.copy()
    truth[unjudged.predictions.splits == "validation", 0] = 0
    unjudged = replace(unjudged, predictions=replace(unjudged.predictions, truth=truth))
    titles = {"single": {"heads": ("a",), "rate": ("low", "high")}}
    (row,) = arrange([unjudged, judged], ("a",), titles).values()
    assert row["single"].cells[0].factors["rate"] == "low"


def test_where_validation_judges_no_way_nothing_is_said_to_be_chosen_or_learnt():
    cells = []
    for rate in ("low", "high"):
        own = cell("a", rate=rate)
        truth = own.predictions.truth.copy()
        truth[own.predictions.splits == "validation", 0] = 0
        cells.append(replace(own, predictions=replace(own.predictions, truth=truth)))
    columns = {"single": {"heads": ("a",), "rate": ("low",)}, "best": {"heads": ("a",)}}
    (row,) = arrange(cells, ("a",), columns).values()
    assert not row["best"].judged
    settings = CompareSettings(classes=("a",), columns=columns)
    text, _, _ = label_set_section(cells, settings, EvaluateSettings(replicates=0))
    assert "Chosen by AUPRC" not in text
    assert "negative records of the class: a, single; a, best (the first of 2 ways was taken)." in text


def test_models_that_have_learnt_hardly_anything_are_counted():
    good, bad = cell("a", 0, skill=0.5), cell("a", 1)
    constant = np.where(bad.known, 0.1, np.nan).astype(np.float32) + 0 * good.predictions.probability
    dull = Cell(bad.factors, replace(bad.predictions, probability=constant))
    (columns,) = arrange([good, dull], ("a",), {"single": {"heads": ("a",)}}).values()
    assert columns["single"].failed == 1


def test_the_scores_of_a_class_are_those_of_scikit_learn_and_lie_in_their_intervals(study):
    row = cell_row(study[-1], "b", QUICK)
    test = study[-1].predictions.only("test")
    truth, probability = test.truth[:, 1], test.probability[:, 1]
    expected = {
        "auprc": average_precision_score(truth, probability),
        "auroc": roc_auc_score(truth, probability),
        "f1": f1_score(truth, probability >= test.thresholds[1]),
        "f1_fixed": f1_score(truth, probability >= 0.5),
    }
    assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-4)
    assert all(row[f"{name}_low"] < row[name] < row[f"{name}_high"] for name in expected)
    assert row["positives"] == np.count_nonzero(truth)


def test_differences_are_those_of_pairs_with_the_same_seed(study):
    single, together = study[3:6], study[6:9]
    found = difference(together, [*single[::-1]], "b", QUICK)
    rows = [[cell_row(entry, "b", QUICK)["auprc"] for entry in side] for side in (single, together)]
    over_seeds, over_patients = found["auprc"]
    assert over_seeds[0] == pytest.approx(np.mean(np.subtract(rows[1], rows[0])), abs=1e-4)
    assert over_patients[0] == pytest.approx(over_seeds[0])
    assert 0 < over_patients[1] < over_patients[0] < over_patients[2]
    same, _ = difference(single, single, "b", QUICK)["f1"]
    assert same == (0, 0, 0)
    assert np.isnan(difference(single[:1], together[1:], "b", QUICK)["f1"][0][0])


def test_a_class_that_nobody_knows_is_refused(study):
    with pytest.raises(RarebeatError, match=r"no cell of compare\.columns knows c"):
        arrange(study[:6], ("a", "c"), COLUMNS)
    with pytest.raises(RarebeatError, match="no class 'd'"):
        arrange(study, ("d",), COLUMNS)


def test_models_of_one_class_each_are_one_table_and_what_none_knows_stays_unknown():
    alone = (predictions(seed, lacks=set(CLASSES) - {name}) for seed, name in enumerate("ab"))
    first, second = (one.known_classes().spread(CLASSES, one.truth) for one in alone)  # as a model predicts
    joined = join_classes([first, second])
    for column, own in enumerate((first, second)):
        assert joined.probability[:, column].tolist() == own.probability[:, column].tolist()
        assert joined.thresholds[column] == own.thresholds[column]
        assert joined.decisions[:, column].tolist() == own.decisions[:, column].tolist()
        assert joined.decisions[:, column].any()
    assert not joined.decisions[:, 2].any()
    assert np.isnan(joined.probability[:, 2]).all()
    assert np.isnan(joined.thresholds[2])
    assert np.array_equal(joined.truth, first.truth)


def test_tables_that_do_not_belong_together_are_not_joined():
    first, other = predictions(0, lacks="bc"), predictions(0, lacks="ac")
    with pytest.raises(ValueError, match="two models know the same class"):
        join_classes([first, first])
    with pytest.raises(ValueError, match="different records"):
        join_classes([first, replace(other, record_ids=other.record_ids[::-1])])


def test_of_a_class_that_no_test_record_has_nothing_is_the_best(study):
    absent = [replace(one, predictions=without_positives(one.predictions, "a")) for one in study]
    text, _, _ = label_set_section(absent, CompareSettings(classes=("a", "b"), columns=COLUMNS), QUICK)
    rows = [line for line in text.splitlines() if line.startswith(("| a ", "| b ")) and "−" not in line]
    assert len(rows) == 8
    assert all(("**" in line) == line.startswith("| b ") for line in rows)


def without_positives(own, name):
    truth = own.truth.copy()
    truth[own.splits == "test", own.classes.index(name)] = 0
    return replace(own, truth=truth)
