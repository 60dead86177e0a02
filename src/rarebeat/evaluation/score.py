"""Scoring one CSV table of predictions against one of truth: ``rarebeat score``."""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import numpy as np

from rarebeat.errors import RarebeatError
from rarebeat.evaluation.arrays import Truth
from rarebeat.evaluation.csv_tables import ClassTable, read_probabilities, read_truth, some
from rarebeat.evaluation.scores import MACRO, METRICS, MICRO, Scores, prepare, score
from rarebeat.evaluation.tables import Cell, Row, markdown_table


class ScoreResult(TypedDict):
    """What ``rarebeat score --json`` prints; None where a metric is undefined."""

    classes: dict[str, dict[str, float | int | None]]
    macro: dict[str, float | None]
    micro: dict[str, float | None]
    records: int


def score_tables(
    truth: Path, predictions: Path, threshold: float = 0.5, note: Callable[[str], None] | None = None
) -> ScoreResult:
    """Score predictions, class by class and on average.

    Both tables are CSV files with a record id in the first column and one column per class. Rows are matched
    by id and columns by name, in any order. Predicted records and classes that the truth does not have are
    left out with a note. The conventions are those of :mod:`rarebeat.evaluation.metrics`.

    Args:
        truth: cells 0, 1 or empty (unknown, left out).
        predictions: cells between 0 and 1: probabilities or decisions.
        threshold: a prediction of at least this is called positive.
        note: where notes go; default: standard error.

    Returns:
        ``{"classes": {NAME: {"f1", "precision", "recall", "auroc", "auprc", "positives"}}, "macro": {...},
        "micro": {...}, "records": N}``; None where a metric is undefined.

    Raises:
        RarebeatError: when a table cannot be read, or lacks a record or class of the truth.
    """
    if not 0 <= threshold <= 1:
        raise RarebeatError(f"the threshold must be a number from 0 to 1, found {threshold}")
    known, predicted = read_truth(truth), read_probabilities(predictions)
    note = note or _to_stderr
    rows = _matching("records", known.records, predicted.records, predictions, note)
    columns = _matching("classes", known.classes, predicted.classes, predictions, note)
    labels = np.where(np.isnan(known.values), -1, known.values).astype(np.int8)
    scores = score(prepare(labels, predicted.values[np.ix_(rows, columns)], threshold))
    return _result(known, labels, scores)


def _matching(
    what: str, wanted: tuple[str, ...], found: tuple[str, ...], path: Path, note: Callable[[str], None]
) -> list[int]:
    """Where each wanted name stands among those found."""
    places = {name: index for index, name in enumerate(found)}
    if missing := [name for name in wanted if name not in places]:
        raise RarebeatError(
            f"{path} lacks {len(missing)} of the {len(wanted)} {what} in the truth: {some(missing)}"
        )
    if extra := sorted(set(found) - set(wanted)):
        note(f"{path}: left out {len(extra)} of {len(found)} {what}, which the truth lacks: {some(extra)}")
    return [places[name] for name in wanted]


def _to_stderr(message: str) -> None:
    print(f"note: {message}", file=sys.stderr)


def _result(table: ClassTable, labels: Truth, scores: Scores) -> ScoreResult:
    positives = np.count_nonzero(labels == 1, axis=0).tolist()
    return {
        "classes": {
            name: {**_column(scores, index), "positives": positives[index]}
            for index, name in enumerate(table.classes)
        },
        "macro": _column(scores, MACRO),
        "micro": _column(scores, MICRO),
        "records": len(table.records),
    }


def _column(scores: Scores, index: int) -> dict[str, float | None]:
    values = {metric: float(scores.values[metric][index]) for metric in METRICS}
    return {metric: None if math.isnan(value) else value for metric, value in values.items()}


def format_score(result: ScoreResult) -> str:
    """The result for a person: a table with a line per class, then macro and micro."""

    def row(name: str, values: dict[str, float | None], positives: Cell) -> Row:
        cells = {metric: None if (value := values[metric]) is None else f"{value:.3f}" for metric in METRICS}
        return {"class": name, **cells, "positives": positives}

    rows = [row(name, dict(entry), entry["positives"]) for name, entry in result["classes"].items()]
    total = sum(int(entry["positives"] or 0) for entry in result["classes"].values())
    rows += [row("macro", result["macro"], None), row("micro", result["micro"], total)]
    return f"{markdown_table(rows)}\n{result['records']} records"
