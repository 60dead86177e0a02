"""What the trials of a search have found: each is judged by the validation split alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_json
from rarebeat.core.params import STRICT, parse
from rarebeat.inference.predictions import Predictions
from rarebeat.metrics.classification import count, decide
from rarebeat.metrics.ranking import areas
from rarebeat.training.search.settings import SearchSettings, Value


@dataclass(frozen=True, config=STRICT)
class TrialResult:
    """What one trial found.

    Attributes:
        search: the name of its search.
        cell: its number in the study.
        values: what it tried, by the dotted names of the params.
        auprc: macro AUPRC of the validation split.
        sensitivity: macro sensitivity there.
        classes: how many classes both are means over.
        feasible: whether the sensitivity reaches the floor.
    """

    search: str
    cell: int
    values: dict[str, Value]
    auprc: float
    sensitivity: float
    classes: int
    feasible: bool


def judge(
    predictions: Predictions, search: str, cell: int, values: Mapping[str, Value], settings: SearchSettings
) -> TrialResult:
    """Score a trial by the validation split.

    Args:
        predictions: of the validation split; other records are not looked at.
        search: the name of its search.
        cell: number of the trial.
        values: what it tried.
        settings: of the search.

    Returns:
        The result.

    Raises:
        RarebeatError: when no class has enough positive patients.
    """
    seen = predictions.only("validation")
    positive_patients = [
        len(set(seen.patients[seen.truth[:, k] == 1].tolist())) for k in range(len(seen.classes))
    ]
    counted = np.array(positive_patients) >= settings.at_least
    counted &= ~np.isnan(seen.thresholds)
    if not counted.any():
        raise RarebeatError(
            f"no class has {settings.at_least} positive patients in the validation split (search.at_least)"
        )
    truth, probability = seen.truth[:, counted], seen.probability[:, counted]
    recall = count(truth, decide(probability, seen.thresholds[counted])).recall
    sensitivity = float(np.mean(recall))
    return TrialResult(
        search=search,
        cell=cell,
        values=dict(values),
        auprc=float(np.nanmean(areas(truth, probability)[1])),
        sensitivity=sensitivity,
        classes=int(counted.sum()),
        feasible=sensitivity >= settings.least_sensitivity,
    )


def read_results(folder: Path, name: str | None = None) -> list[TrialResult]:
    """Read the results of finished trials.

    Args:
        folder: with a JSON file for each.
        name: of the search that they must be of; None takes all.

    Returns:
        The results, in the order of their cells.

    Raises:
        RarebeatError: for a file that is no result.
    """
    found = [parse(TrialResult, read_json(path), str(path)) for path in folder.glob("*.json")]
    return sorted((one for one in found if name in (None, one.search)), key=lambda one: one.cell)


def best_trial(results: Sequence[TrialResult]) -> TrialResult | None:
    """The feasible trial with the highest macro AUPRC, the first of equals; None where none is feasible."""
    return max((one for one in results if one.feasible), key=lambda one: (one.auprc, -one.cell), default=None)
