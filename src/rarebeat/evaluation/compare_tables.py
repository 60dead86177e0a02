"""The rows of an ablation as Markdown tables: single networks, ensembles, and differences over seeds.

All take rows with :data:`rarebeat.evaluation.compare.COLUMNS` of one data set, as a frame. Networks, losses and
rules stand in the order of their first row.
"""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from rarebeat.core.tables import Row, markdown_table
from rarebeat.evaluation.compare import ENSEMBLE
from rarebeat.evaluation.seeds import mean_over_seeds


def seed_table(results: pd.DataFrame) -> str:
    """Challenge score of single networks, one column per rule: mean over seeds, with t-interval."""
    return _by_network(_single(results), lambda rows: _seed_cell(rows["score"]))


def patient_table(results: pd.DataFrame, seed: str) -> str:
    """Challenge score of one seed, or of the ensembles: with the bootstrap interval over patients."""
    return _by_network(results[results["seed"] == seed], _patient_cell)


def _patient_cell(rows: pd.DataFrame) -> str:
    value, low, high = rows[["score", "score_low", "score_high"]].astype(np.float64).iloc[0]
    return _cell(value, low, high)


def _by_network(results: pd.DataFrame, cell: Callable[[pd.DataFrame], str]) -> str:
    rules = list(dict.fromkeys(results["rule"]))
    rows: list[Row] = []
    for (model, loss), group in results.groupby(["model", "loss"], sort=False):
        cells = {rule: cell(group[group["rule"] == rule]) for rule in rules}
        rows.append({"network": str(model), "loss": str(loss), **cells})
    return markdown_table(rows)


def average_table(results: pd.DataFrame, rule: str) -> str:
    """Macro AUROC, and macro F1 under one rule: mean over seeds with t-interval, and the ensemble's."""
    rows: list[Row] = []
    chosen = results[results["rule"] == rule]
    for (model, loss), group in chosen.groupby(["model", "loss"], sort=False):
        row: Row = {"network": str(model), "loss": str(loss)}
        for metric, title in (("auroc", "AUROC"), ("f1", "F1")):
            row[title] = _seed_cell(_single(group)[metric])
            ensemble = group.loc[group["seed"] == ENSEMBLE, metric].astype(np.float64)
            row[f"{title}, ensemble"] = f"{ensemble.iloc[0]:.2f}" if len(ensemble) else None
        rows.append(row)
    return markdown_table(rows)


def difference_table(
    results: pd.DataFrame, what: str, pairs: Iterable[tuple[str, str]], across: str, title: str
) -> str:
    """How much more one way scores than another: mean over seeds, with t-interval.

    The difference is taken between networks that have everything else in common, the seed too, and averaged
    over all that is neither compared nor a column. What remains is one number per seed.

    Args:
        results: of one data set.
        what: column that is compared: "model", "loss" or "rule".
        pairs: values of that column, the first less the second; pairs that are not there are left out.
        across: the column whose values become columns of the table.
        title: of the first column.
    """
    single = _single(results)
    names = list(dict.fromkeys(single[across]))
    scores = single.pivot_table("score", index="seed", columns=[what, across], aggfunc="mean")
    rows: list[Row] = []
    for one, other in pairs:
        if {one, other} <= set(single[what]):
            differences = scores[one] - scores[other]
            cells = {name: _seed_cell(differences[name], "+.3f") for name in names}
            rows.append({title: f"{one} − {other}", **cells})
    return markdown_table(rows)


def _seed_cell(values: "pd.Series[float]", form: str = ".2f") -> str:
    found = mean_over_seeds(values)
    return _cell(found.mean, found.low, found.high, form)


def _cell(value: float, low: float, high: float, form: str = ".2f") -> str:
    if np.isnan(value):
        return "–"
    return f"{value:{form}}" + ("" if np.isnan(low) else f" ({low:{form}} to {high:{form}})")


def _single(results: pd.DataFrame) -> pd.DataFrame:
    return results[results["seed"] != ENSEMBLE]
