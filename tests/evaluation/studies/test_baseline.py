"""Series beside a baseline: who is compared with whom, and what a class costs that a model does not know."""

from dataclasses import replace

import numpy as np
import pytest
from tests.evaluation.studies.test_compare import predictions

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.params import parse
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.baseline import (
    Series,
    arrange_series,
    baseline_rows,
    compared_columns,
    differences,
    never_called,
)
from rarebeat.evaluation.studies.cells import Cell, CompareSettings
from rarebeat.metrics.classification import auroc, macro
from rarebeat.reporting.studies.baseline_tables import difference_table

QUICK = EvaluateSettings(replicates=50)
SETTINGS = CompareSettings(against={"protocol": "scratch"}, across="fraction")


def cell(protocol: str, fraction: str, seed: int = 0, network: str = "small", **more: object) -> Cell:
    skill = 0.4 if protocol == "tuned" else 0.2
    factors = {"protocol": protocol, "network": network, "fraction": fraction, "seed": str(seed)}
    return Cell(factors, predictions(seed, skill=skill, **more))  # type: ignore[no-untyped-call]


def study() -> list[Cell]:
    cells = [
        cell(protocol, fraction, seed)
        for protocol in ("tuned", "scratch")
        for fraction in ("0.01", "1.0")
        for seed in (0, 1)
    ]
    return [*cells, *(cell("zero_shot", "0", seed) for seed in (0, 1))]


def test_cells_make_series_of_points_and_the_baseline_is_the_first() -> None:
    series = arrange_series([*study(), cell("scratch", "1.0", network="large")], SETTINGS)
    assert [(one.panel, one.name, list(one.points)) for one in series] == [
        (("small",), "scratch", ["0.01", "1.0"]),
        (("small",), "tuned", ["0.01", "1.0"]),
        (("small",), "zero_shot", ["0"]),
        (("large",), "scratch", ["1.0"]),
    ]
    assert [own.factors["seed"] for own in series[0].points["1.0"]] == ["0", "1"]
    flat = arrange_series(study(), CompareSettings(against={"protocol": "scratch"}))
    assert {one.panel for one in flat} >= {("small", "0.01"), ("small", "1.0")}
    assert {tuple(one.points) for one in flat} == {("",)}


def test_a_baseline_or_a_factor_that_is_not_there_is_named() -> None:
    with pytest.raises(RarebeatError, match="no cell has protocol nobody"):
        arrange_series(study(), CompareSettings(against={"protocol": "nobody"}))
    with pytest.raises(RarebeatError, match="no factor records"):
        arrange_series(study(), CompareSettings(against={"protocol": "scratch"}, across="records"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"across": "fraction"},
        {"against": {"protocol": "scratch"}, "across": "protocol"},
        {"against": {"protocol": "scratch", "network": "small"}},
        {"against": {"protocol": "scratch"}, "rules": ["fixed"]},
    ],
)
def test_settings_that_exclude_each_other_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParamsError, match="against"):
        parse(CompareSettings, wrong, "compare")


def test_a_class_that_a_model_does_not_know_costs_what_chance_scores() -> None:
    knows, lacks = cell("scratch", "1.0"), cell("scratch", "0.01", lacks=("b",))
    columns = compared_columns([knows, lacks], at_least=5)
    assert columns.tolist() == [0, 1, 2]
    rows = {row["class"]: row for row in baseline_rows(lacks, columns, QUICK)}
    truth = lacks.predictions.only("test").truth[:, 1]
    assert rows["b"]["auroc"] == 0.5
    assert rows["b"]["f1"] == 0
    assert rows["b"]["auprc"] == pytest.approx((truth == 1).mean(), abs=1e-4)
    assert (rows["b"]["known"], rows["b"]["calibration_error"]) == (0, None)
    assert rows["macro"]["known"] == 2
    for name in "ac":  # what it knows scores as it does
        plain = {row["class"]: row for row in baseline_rows(knows, columns, QUICK)}
        assert rows[name]["auroc"] == plain[name]["auroc"]
    assert not never_called(lacks).predictions.decisions[:, 1].any()
    assert compared_columns([lacks], at_least=5).tolist() == [0, 2]
    assert compared_columns([lacks], at_least=1000).size == 0


def test_a_class_without_a_known_negative_is_not_compared() -> None:
    one = cell("scratch", "1.0")
    truth = one.predictions.truth.copy()
    truth[truth[:, 2] == 0, 2] = -1
    alone = replace(one, predictions=replace(one.predictions, truth=truth))
    assert compared_columns([alone], at_least=5).tolist() == [0, 1]
    mean = baseline_rows(alone, compared_columns([alone], at_least=5), QUICK)[-1]
    assert mean["auprc_low"] is not None


def test_differences_are_taken_at_the_same_point_between_the_same_seeds() -> None:
    cells = study()
    columns = compared_columns(cells, at_least=5)
    rows = {own.name: baseline_rows(own, columns, QUICK) for own in cells}
    baseline, tuned, zero_shot = arrange_series(cells, SETTINGS)
    found = differences(tuned, baseline, rows, columns, QUICK)
    assert [(one.point, one.baseline) for one in found] == [("0.01", "0.01"), ("1.0", "1.0")]

    def score(own: Cell) -> float:
        test = own.predictions.only("test")
        return float(macro(auroc(test.truth, test.probability)))

    expected = np.mean(
        [score(cell("tuned", "1.0", seed)) - score(cell("scratch", "1.0", seed)) for seed in (0, 1)]
    )
    mean, low, high = found[1].over_patients["auroc"]
    assert mean == pytest.approx(expected)
    assert low < mean < high
    assert found[1].over_seeds["auroc"][0] == pytest.approx(expected, abs=1e-4)
    # Where the baseline has no such point, each of its points stands beside it.
    found = differences(zero_shot, baseline, rows, columns, QUICK)
    assert [(one.point, one.baseline) for one in found] == [("0", "0.01"), ("0", "1.0")]


def test_a_difference_to_another_point_of_the_curve_says_its_own_where_there_are_several() -> None:
    cells = [cell("scratch", "1.0"), *(cell("zero_shot", point) for point in ("0", "0.05"))]
    columns = compared_columns(cells, at_least=5)
    rows = {own.name: baseline_rows(own, columns, QUICK) for own in cells}

    def names(series: list[Series]) -> list[str]:
        table = difference_table(series, rows, columns, SETTINGS, QUICK)
        return [line.split("|")[1].strip() for line in table.splitlines()[2:]]

    assert names(arrange_series(cells, SETTINGS)) == [
        "zero_shot at 0 − scratch",
        "zero_shot at 0.05 − scratch",
    ]
    assert names(arrange_series(cells[:2], SETTINGS)) == ["zero_shot − scratch"]


def test_seeds_that_only_one_side_has_are_left_out() -> None:
    cells = [
        cell("scratch", "1.0", 0),
        cell("tuned", "1.0", 0),
        cell("tuned", "1.0", 1),
        cell("other", "1.0", 2),
    ]
    columns = compared_columns(cells, at_least=5)
    rows = {own.name: baseline_rows(own, columns, QUICK) for own in cells}
    baseline, tuned, other = arrange_series(cells, SETTINGS)
    (found,) = differences(tuned, baseline, rows, columns, QUICK)
    assert np.isnan(found.over_seeds["auprc"][1])  # one pair
    assert differences(other, baseline, rows, columns, QUICK) == []
