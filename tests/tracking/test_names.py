"""Names that MLflow takes, and by which its charts are sorted."""

from pathlib import Path

from mlflow.utils.validation import _validate_metric_name, _validate_param_name

from rarebeat.tracking.names import flatten, grouped, run_tags


def test_every_name_is_one_that_mlflow_takes() -> None:
    nested = {"cells": {"one head, best of 3 (µ)": {"f1": 0.5}}, "a/b.c-d": 1, 7: {"x": 2}}
    params, metrics = flatten(nested), grouped(nested)
    assert len(params) == len(metrics) == 3
    for name in params:
        _validate_param_name(name)
    for name in metrics:
        _validate_metric_name(name)


def test_seeds_that_differ_have_tags_that_differ() -> None:
    settings = {"seed": 20260101, "optimiser": "muon", "learning_rate": 0.0003}
    tags = run_tags(Path("params.yaml"), "trained", "all", "hughes34", settings)
    assert (tags["seed"], tags["optimiser"], tags["learning_rate"]) == ("20260101", "muon", "0.0003")


def test_averages_counts_and_groups_are_told_apart() -> None:
    metrics = {
        "records": 40,
        "macro": {"f1": 0.5},
        "at_0.5": {"f1": 0.25},
        "cohorts": {"own": {"auroc": 0.75}},
    }
    assert grouped(metrics) == {
        "test_counts/records": 40,
        "test/macro.f1": 0.5,
        "test_at_0.5/f1": 0.25,
        "test_cohorts/own.auroc": 0.75,
    }
