"""Which map calibrates best: fitted on the validation split of tables of predictions, judged on the test split.

``python benchmarks/calibration.py reports/predictions.parquet ...`` prints one table. The mean is over classes with
five positive test records or more, by how many patients had the class in the validation split. It measures no speed.
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
from rarebeat.metrics.offsets import fit_offsets, log_odds

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Calibrate = Callable[[Floats, Bools, Floats], Floats]

FEWEST = 5
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


def main(paths: list[str]) -> None:
    """Print the table."""
    found: dict[tuple[str, str], list[Floats]] = defaultdict(list)
    for path in paths:
        judge(read_predictions(Path(path)).known_classes(), found)
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
    print(markdown_table(sorted(rows, key=lambda row: order.index(str(row["Patients with the class"])))))


if __name__ == "__main__":
    main(sys.argv[1:])
