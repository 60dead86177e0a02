"""What the plots show of one class after the other: precision-recall curves and calibration."""

import numpy as np

from rarebeat.core.tables import Row
from rarebeat.metrics.arrays import Probability, Truth, check
from rarebeat.metrics.ranking import cumulate, rank_classes

CURVE_COLUMNS = ("class", "recall", "precision", "threshold")
CALIBRATION_COLUMNS = ("class", "probability", "observed", "records")


def precision_recall_rows(
    truth: Truth, probability: Probability, classes: tuple[str, ...], points: int = 200
) -> dict[str, list[Row]]:
    """The precision-recall curve of each class, as rows with :data:`CURVE_COLUMNS`.

    Every row is a real cut (records with ``probability >= threshold`` are called positive), from the highest
    score down to all records. A curve with more than ``points`` cuts is thinned to steps of equal recall; its
    two ends stay.

    Returns:
        Class name to rows, none for a class without known positive records.
    """
    check(truth, probability)
    curves: dict[str, list[Row]] = {}
    for name, ranking in zip(classes, rank_classes(truth, probability), strict=True):
        true, false = cumulate(ranking)
        curves[name] = []
        if not true.size or true[-1] == 0:
            continue
        recall, precision = true / true[-1], true / (true + false)
        kept = np.arange(true.size)
        if true.size > points:
            steps = np.searchsorted(recall, np.linspace(recall[0], 1, points - 1))
            kept = np.unique(np.append(steps, true.size - 1))
        columns = (recall[kept], precision[kept], ranking.bottom[kept].astype(np.float64))
        for cells in np.round(np.stack(columns, axis=1), 6).tolist():
            curves[name].append({"class": name, **dict(zip(CURVE_COLUMNS[1:], cells, strict=True))})
    return curves


def calibration_rows(
    truth: Truth, probability: Probability, classes: tuple[str, ...], bins: int = 10
) -> list[Row]:
    """Observed share of positives against predicted probability, as rows with :data:`CALIBRATION_COLUMNS`.

    The known records of a class are put into ``bins`` equal intervals of probability; a row gives the mean
    probability, the share that is positive and the number of records of one interval. Empty intervals have no
    row.
    """
    check(truth, probability)
    rows: list[Row] = []
    for column, name in enumerate(classes):
        known = truth[:, column] >= 0
        predicted, positive = probability[known, column].astype(np.float64), truth[known, column] == 1
        place = np.clip((predicted * bins).astype(np.intp), 0, bins - 1)
        records = np.bincount(place, minlength=bins)
        sums = np.bincount(place, predicted, bins), np.bincount(place, positive, bins)
        for index in np.flatnonzero(records).tolist():
            size = int(records[index])
            mean, share = (round(float(total[index]) / size, 6) for total in sums)
            rows.append({"class": name, "probability": mean, "observed": share, "records": size})
    return rows
