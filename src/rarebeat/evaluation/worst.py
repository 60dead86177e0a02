"""The worst errors: records on which a model is most certain of what the label denies."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.inference.predictions import Predictions

Indices = npt.NDArray[np.intp]

MOST = 6
"""How many are worth looking at on a page."""


@dataclass(frozen=True)
class WorstError:
    """A record and a class on which decision and label differ.

    Attributes:
        row: of the record in the predictions.
        column: of the class.
        missed: True where the label calls the class present and the model does not; False for a false alarm.
        probability: of the class, by the model.
        threshold: from which the model calls it present.
    """

    row: int
    column: int
    missed: bool
    probability: float
    threshold: float


def worst_errors(predictions: Predictions, most: int = MOST) -> list[WorstError]:
    """Choose the errors of which the model is most certain, so that they show different things.

    Errors are ranked by the probability that the model gives to its wrong answer. As far as there are enough, half
    of them are missed and half are false alarms. Of a class each kind comes once, and a patient comes once.

    Args:
        predictions: of records that the model has not seen.
        most: how many, at most.

    Returns:
        The errors, the most certain first.
    """
    known = predictions.truth >= 0
    decisions = predictions.decisions
    wrong = known & (decisions != (predictions.truth == 1)) & ~np.isnan(predictions.probability)
    rows, columns = np.nonzero(wrong)
    sure = np.where(
        decisions[rows, columns],
        predictions.probability[rows, columns],
        1 - predictions.probability[rows, columns].astype(np.float64),
    )
    chosen = _varied(predictions, rows, columns, np.argsort(-sure, kind="stable"), most)
    thresholds = predictions.record_thresholds
    return [
        WorstError(
            row=int(rows[index]),
            column=int(columns[index]),
            missed=not decisions[rows[index], columns[index]],
            probability=float(predictions.probability[rows[index], columns[index]]),
            threshold=float(thresholds[rows[index], columns[index]]),
        )
        for index in chosen
    ]


def _varied(
    predictions: Predictions,
    rows: Indices,
    columns: Indices,
    order: Indices,
    most: int,
) -> list[int]:
    """Take errors in order: first at most half of each kind, then what is left."""
    decisions = predictions.decisions
    patients: set[str] = set()
    seen: set[tuple[int, bool]] = set()
    chosen: list[int] = []
    for limit in (-(-most // 2), most):
        for index in order.tolist():
            missed = not decisions[rows[index], columns[index]]
            patient, kind = predictions.patients[rows[index]], (int(columns[index]), missed)
            full = len(chosen) >= most or sum(one is missed for _, one in seen) >= limit
            if full or patient in patients or kind in seen:
                continue
            patients.add(patient)
            seen.add(kind)
            chosen.append(index)
    places = {index: place for place, index in enumerate(order.tolist())}
    return sorted(chosen, key=places.__getitem__)
