"""What the plots show: precision-recall curves, calibration, and which classes are taken for which."""

from collections.abc import Iterator

import numpy as np

from rarebeat.core.tables import Row
from rarebeat.metrics.arrays import BoolArray, Probability, Truth, check
from rarebeat.metrics.ranking import cumulate, rank_classes

CURVE_COLUMNS = ("class", "recall", "precision", "threshold")
CALIBRATION_COLUMNS = ("class", "probability", "observed", "records")
CONFUSION_COLUMNS = ("actual", "predicted")
NONE = "none"


def precision_recall_rows(
    truth: Truth, probability: Probability, classes: tuple[str, ...], points: int = 200
) -> dict[str, list[Row]]:
    """The precision-recall curve of each class, as rows with :data:`CURVE_COLUMNS`.

    Every row is a threshold that occurs (records with ``probability >= threshold`` are called positive), from the
    highest probability down to all records. A longer curve is thinned to steps of equal recall; its two ends stay.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        classes: their names.
        points: rows of a curve, at most.

    Returns:
        Class name to rows, none for a class without known positive records.

    Raises:
        RarebeatError: when a probability is not a number.
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

    The known records of a class are put into equal intervals of probability; a row gives the mean probability, the
    share that is positive and the number of records of one interval.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        classes: their names.
        bins: how many intervals.

    Returns:
        The rows, class by class; none for an empty interval.

    Raises:
        RarebeatError: when a probability is not a number.
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


def confusion_rows(truth: Truth, decisions: BoolArray, classes: tuple[str, ...]) -> list[Row]:
    """Which classes are taken for which: one row per pair, with :data:`CONFUSION_COLUMNS`, in the order of the records.

    A confusion matrix knows one class per record, an ECG has several. The convention here, for each record:

    - a class that is both true and called gives the pair (class, class);
    - each missed class is paired with each wrongly called class of the same record: (missed, wrong);
    - without a wrongly called class, a missed one gives (missed, "none");
    - without a missed class, a wrongly called one gives ("none", wrong).

    Classes whose truth is unknown in a record play no part in it; a record without any true or called class adds
    nothing. A record that misses two classes and calls two wrong ones gives four pairs, so the off-diagonal cells
    count pairs, not records.

    Args:
        truth: shape (n, classes).
        decisions: shape (n, classes), see :func:`rarebeat.metrics.classification.decide`.
        classes: their names.

    Returns:
        The rows.
    """
    called = decisions & (truth >= 0)
    notable = np.flatnonzero(((truth == 1) | called).any(axis=1))
    return [
        {"actual": actual, "predicted": predicted}
        for record in notable
        for actual, predicted in _pairs(truth[record] == 1, called[record], classes)
    ]


def _pairs(true: BoolArray, called: BoolArray, classes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    def names(chosen: BoolArray) -> list[str]:
        return [classes[index] for index in np.flatnonzero(chosen)]

    yield from ((name, name) for name in names(true & called))
    missed, wrong = names(true & ~called), names(called & ~true)
    if missed or wrong:
        yield from ((actual, predicted) for actual in missed or [NONE] for predicted in wrong or [NONE])
