"""Which map calibrates best, and whether "certain" keeps its promise: fitted on the validation split of tables of
predictions, judged on the test split.

``python benchmarks/calibration.py reports/predictions.parquet ...`` prints two tables. Means are over classes with five
positive test records or more: of the maps by how many patients had the class in the validation split; of the promise
over those with 9 patients there or more, of whom alone "no" is ever said. It measures no speed.
"""

import sys
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression
from scipy.special import expit

from rarebeat.core.tables import Row, markdown_table
from rarebeat.inference.predictions import Predictions, read_predictions
from rarebeat.metrics.calibration import fit_map, mapped
from rarebeat.metrics.certainty import fit_certainty, tell
from rarebeat.metrics.offsets import fit_offsets, log_odds

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Calibrate = Callable[[Floats, Bools, Floats], Floats]

FEWEST = 5
PROMISED_FROM = 9
"""Patients with a class in the validation split from which "present" can be excluded at a coverage of 0.9."""
STRATA = {"below 10": (0, 10), "10 to 29": (10, 30), "30 and more": (30, np.inf)}


def offset_alone(odds: Floats, positive: Bools, asked: Floats) -> Floats:
    """One number is added, as `rarebeat adapt` does."""
    truth = positive.astype(np.int8)[:, None]
    return np.asarray(expit(asked + fit_offsets(truth, expit(odds)[:, None])[0]))


def platt(odds: Floats, positive: Bools, asked: Floats) -> Floats:
    """Slope and offset by likelihood, with hardly any prior."""
    return shrunk(odds, positive, asked, (100.0, 100.0))


def shrunk(odds: Floats, positive: Bools, asked: Floats, spreads: tuple[float, float]) -> Floats:
    """Slope and offset with priors of these spreads."""
    return mapped(asked, *fit_map(odds, positive, spreads=spreads))


def isotonic(odds: Floats, positive: Bools, asked: Floats) -> Floats:
    """Any map that does not fall."""
    order = np.argsort(odds, kind="stable")
    fitted = isotonic_regression(positive[order].astype(np.float64)).x
    return np.asarray(np.interp(asked, odds[order], fitted))


def stored(odds: Floats, positive: Bools, asked: Floats) -> Floats:
    """What a model folder holds: the slope stays 1 with fewer than ten positives."""
    return mapped(asked, *fit_map(odds, positive, with_slope=positive.sum() >= 10))


WAYS: dict[str, Calibrate] = {
    "none": lambda odds, positive, asked: np.asarray(expit(asked)),
    "offset alone": offset_alone,
    "slope and offset": platt,
    "shrunk, 0.25 and 1": partial(shrunk, spreads=(0.25, 1.0)),
    "shrunk, 0.5 and 1": partial(shrunk, spreads=(0.5, 1.0)),
    "shrunk, 0.5 and 3": partial(shrunk, spreads=(0.5, 3.0)),
    "stored": stored,
    "isotonic": isotonic,
}


def scores(probability: Floats, positive: Bools) -> Floats:
    """Log loss, Brier score and calibration error in ten steps."""
    sure = np.clip(probability, 1e-6, 1 - 1e-6)
    loss = -np.mean(np.where(positive, np.log(sure), np.log1p(-sure)))
    step = np.clip((probability * 10).astype(np.intp), 0, 9)
    error = np.abs(np.bincount(step, probability - positive, 10)).sum() / positive.size
    return np.array([loss, np.mean((probability - positive) ** 2), error])


def judge(predictions: Predictions, found: dict[tuple[str, str], list[Floats]]) -> None:
    """Fit and judge every way on every class of one table."""
    validation, test = predictions.only("validation"), predictions.only("test")
    for k in range(len(predictions.classes)):
        fitted, asked = validation.truth[:, k] >= 0, test.truth[:, k] >= 0
        positive, true = validation.truth[fitted, k] == 1, test.truth[asked, k] == 1
        if true.sum() < FEWEST:
            continue
        people = np.unique(validation.patients[validation.truth[:, k] == 1].astype(str)).size
        (stratum,) = [name for name, (low, high) in STRATA.items() if low <= people < high]
        odds, new = log_odds(validation.probability[fitted, k]), log_odds(test.probability[asked, k])
        for name, way in WAYS.items():
            found[stratum, name].append(scores(way(odds, positive, new), true))


def promises(predictions: Predictions) -> list[Floats]:
    """How each class of one table keeps what "certain" promises.

    Returns:
        For each class of which "no" may be said, shares of its test records with it and of those without it, (3, 2):
        not given the other answer; whose label the conformal set holds (before it is joined to the decision); unsure.
    """
    validation, test = predictions.only("validation"), predictions.only("test")
    names = list(predictions.classes)
    certainty = fit_certainty(validation.truth, validation.probability, validation.patients, names)
    told = tell(certainty, names, test.probability)
    answers, kept = told.answers(test.decisions), []
    for k, name in enumerate(names):
        positive, negative = test.truth[:, k] == 1, test.truth[:, k] == 0
        if positive.sum() < FEWEST or certainty.classes[name].positives < PROMISED_FROM:
            continue
        own = [
            [np.mean(answers[positive, k] != "no"), np.mean(answers[negative, k] != "yes")],
            [1 - told.present_excluded[positive, k].mean(), 1 - told.absent_excluded[negative, k].mean()],
            [np.mean(answers[rows, k] == "unsure") for rows in (positive, negative)],
        ]
        kept.append(np.array(own))
    return kept


def main(paths: list[str]) -> None:
    """Print the tables."""
    found: dict[tuple[str, str], list[Floats]] = defaultdict(list)
    kept: list[Floats] = []
    for path in paths:
        predictions = read_predictions(Path(path)).known_classes()
        judge(predictions, found)
        kept += promises(predictions)
    print(markdown_table(maps(found)))
    print()
    print(markdown_table(promised(kept)))


def promised(kept: list[Floats]) -> list[Row]:
    """A row for the test records with a class, and one for those without it."""
    means = np.mean(kept, axis=0) if kept else np.full((3, 2), np.nan)
    titles = ("Not given the other answer", "Label in the conformal set", "Unsure")
    rows: list[Row] = []
    for which, column in zip(("with", "without"), means.T, strict=True):
        shares = {title: f"{mean:.3f}" for title, mean in zip(titles, column, strict=True)}
        rows.append({"Test records": f"{which} the class", "Classes": len(kept), **shares})
    return rows


def maps(found: dict[tuple[str, str], list[Floats]]) -> list[Row]:
    """A row for each map and stratum."""
    rows: list[Row] = []
    for (stratum, name), values in found.items():
        loss, brier, error = np.mean(values, axis=0)
        rows.append(
            {
                "Patients with the class": stratum,
                "Map": name,
                "Classes": len(values),
                "Log loss": f"{loss:.4f}",
                "Brier score": f"{brier:.4f}",
                "Calibration error": f"{error:.4f}",
            }
        )
    order = list(STRATA)
    return sorted(rows, key=lambda row: order.index(str(row["Patients with the class"])))


if __name__ == "__main__":
    main(sys.argv[1:])
