"""The same predictions scored under three readings of codes that are not complete.

Where an archive says that a list of codes is not complete, it tells nothing of the classes that it does not name. They
can be left out of the scores (masked, as everywhere else), the records with such classes can be left out, or the
classes can be counted as absent. Nothing is trained or predicted anew: only the truth differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rarebeat.core.errors import RarebeatError
from rarebeat.core.tables import Row, tidy
from rarebeat.dataset.catalogue import MASKED, Origin, read_labels, resolve_uncertain
from rarebeat.evaluation.evaluate import EvaluateSettings, count_positive_patients
from rarebeat.evaluation.studies.cells import Cell
from rarebeat.evaluation.studies.compare import Columns, class_rows, rule_rows
from rarebeat.inference.predictions import Predictions
from rarebeat.metrics.arrays import BoolArray, Truth
from rarebeat.metrics.bagged_thresholds import MIN_POSITIVES
from rarebeat.metrics.classification import count, decide, macro
from rarebeat.metrics.ranking import DEFAULT_THRESHOLD

LEFT_OUT, COMPLETE, ABSENT = "left out", "complete", "absent"
"""Readings: unknown classes are left out; records with complete codes alone; unknown classes count as absent."""

READING = "unknown classes"
"""The factor of a cell that says which reading its truth is of."""


def truth_as_complete(test: Predictions, labels: Path, origins: Mapping[str, Origin]) -> Truth:
    """What the truth of predictions would be if every list of codes were complete.

    Args:
        test: of records with a stored truth, in which unknown classes are masked.
        labels: folder with a folder per cohort, written by label with ``incomplete_codes: negative``.
        origins: cohort to the labels it takes, as the shards of the predictions were made.

    Returns:
        Shape (n, classes): 1, 0 or -1 (left out).

    Raises:
        RarebeatError: when labels are missing, or are not those of the predictions.
    """
    classes, states = read_labels(labels, list(dict.fromkeys(test.cohorts.tolist())), origins)
    keys = list(zip(test.cohorts.tolist(), test.record_ids.tolist(), strict=True))
    if missing := [key for key in keys if key not in states]:
        cohort, record = missing[0]
        raise RarebeatError(f"{labels}: no labels of record {record} of cohort {cohort}, which was predicted")
    if unknown := [name for name in test.classes if name not in classes.ids]:
        raise RarebeatError(
            f"{labels}: no class {', '.join(unknown)}; label with the vocabulary of the model"
        )
    columns = [classes.ids.index(name) for name in test.classes]
    truth = resolve_uncertain(np.array([states[key][columns] for key in keys], dtype=np.int8), "mask")
    if (wrong := (truth != test.truth) & ~((test.truth == MASKED) & (truth == 0))).any():
        row, column = np.argwhere(wrong)[0]
        cohort, record = keys[row]
        raise RarebeatError(
            f"{labels}: record {record} of cohort {cohort}: {test.classes[column]} is {truth[row, column]}, and was "
            f"{test.truth[row, column]} when it was predicted; label the same records in the same way, but for "
            "label.incomplete_codes"
        )
    return truth


def readings(cell: Cell, as_complete: Truth) -> dict[str, Cell]:
    """A cell under each reading, with :data:`READING` among its factors.

    Args:
        cell: its predictions.
        as_complete: of :func:`truth_as_complete` for its test split.
    """
    rows = np.flatnonzero(cell.predictions.splits == "test")
    complete = (as_complete == cell.predictions.truth[rows]).all(axis=1)
    kept: BoolArray = np.ones(len(cell.predictions), dtype=np.bool_)
    kept[rows[~complete]] = False
    truth = cell.predictions.truth.copy()
    truth[rows] = as_complete
    found = {
        LEFT_OUT: cell.predictions,
        COMPLETE: cell.predictions.rows(kept),
        ABSENT: replace(cell.predictions, truth=truth),
    }
    return {name: Cell({**cell.factors, READING: name}, read) for name, read in found.items()}


def shared_columns(cells: Sequence[Mapping[str, Cell]], at_least: int) -> tuple[Columns, Columns]:
    """Which classes are shown, and which of them are averaged: macro averages under two readings are of equal classes.

    Args:
        cells: each under every reading, tested on the same records.
        at_least: positive patients that a class must have.

    Returns:
        Classes that all cells know and that have so many patients where all records count; those of them that have as
        many in the complete records alone, and a negative record under every reading.

    Raises:
        RarebeatError: when none can be averaged.
    """
    known = np.all([cell[LEFT_OUT].known for cell in cells], axis=0)
    enough = {
        name: known & (count_positive_patients(cell.predictions.only("test")) >= at_least)
        for name, cell in cells[0].items()
    }
    negative = [(cell.predictions.only("test").truth == 0).any(axis=0) for cell in cells[0].values()]
    averaged = np.flatnonzero(enough[LEFT_OUT] & enough[COMPLETE] & np.all(negative, axis=0))
    if not averaged.size:
        raise RarebeatError(
            f"no class that all models know has {at_least} positive patients with complete codes: use more data, or "
            "lower evaluate.at_least"
        )
    return np.flatnonzero(enough[LEFT_OUT]), averaged


def reading_rows(
    cell: Cell,
    shown: Columns,
    averaged: Columns,
    settings: EvaluateSettings,
    rules: Sequence[str] = (),
    min_positives: float = MIN_POSITIVES,
) -> list[Row]:
    """Rows of one cell under one reading: every class, then the mean with intervals over patients.

    Columns are those of :func:`rarebeat.evaluation.studies.compare.class_rows`, then ``records``, ``negatives``, and in
    the row of the mean ``f1_fixed`` (at a threshold of 0.5) and ``f1_RULE`` for every rule.

    Args:
        cell: of :func:`readings`.
        shown: the classes.
        averaged: those that the mean is over.
        settings: of the intervals.
        rules: thresholds chosen by each on the validation split, whose truth is the same under every reading.
        min_positives: for the rule ``bagged_f1``, as the cell's training had it.
    """
    test = cell.predictions.only("test")
    *classes, _ = class_rows(cell, shown, replace(settings, replicates=0))
    *_, mean = class_rows(cell, averaged, settings)
    for row, column in zip(classes, shown, strict=True):
        row["negatives"] = int(np.count_nonzero(test.truth[:, column] == 0))
    mean["negatives"] = int(np.count_nonzero(test.truth[:, averaged] == 0))
    at_half = count(test.truth[:, averaged], decide(test.probability[:, averaged], DEFAULT_THRESHOLD))
    mean["f1_fixed"] = tidy(float(macro(at_half.f1)))
    few = Cell(cell.factors, cell.predictions.of_classes(averaged))
    for row in rule_rows(few, rules, replace(settings, replicates=0), min_positives):
        mean[f"f1_{row['rule']}"] = row["f1"]
    return [row | {"records": len(test)} for row in (*classes, mean)]
