"""Scoring one CSV table of predictions against one of truth: ``rarebeat score``."""

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np

from rarebeat.core.errors import RarebeatError
from rarebeat.core.tables import Cell, Row, markdown_table
from rarebeat.evaluation.challenge import challenge_metrics
from rarebeat.evaluation.challenge_tables import (
    Groups,
    group_columns,
    merge_decisions,
    merge_probabilities,
    merge_truth,
)
from rarebeat.evaluation.csv_tables import (
    ClassTable,
    read_decisions,
    read_probabilities,
    read_truth,
    some,
)
from rarebeat.evaluation.scores import MACRO, METRICS, MICRO, Scores, prepare, score
from rarebeat.metrics.arrays import Truth
from rarebeat.metrics.classification import decide


class ScoreResult(TypedDict):
    """What ``rarebeat score --json`` prints; None where a metric is undefined."""

    classes: dict[str, dict[str, float | int | None]]
    macro: dict[str, float | None]
    micro: dict[str, float | None]
    records: int
    challenge: NotRequired[dict[str, float | None]]


def score_tables(
    truth: Path,
    predictions: Path,
    threshold: float = 0.5,
    note: Callable[[str], None] | None = None,
    binary: Path | None = None,
    vocabulary: str | None = None,
) -> ScoreResult:
    """Score predictions, class by class and on average.

    Both tables are CSV files with a record id in the first column and one column per class. Rows are matched
    by id and columns by name, in any order. Predicted records and classes that the truth does not have are
    left out with a note. The conventions are those of :mod:`rarebeat.metrics.classification`.

    Args:
        truth: cells 0, 1 or empty (unknown, left out).
        predictions: cells between 0 and 1: probabilities or decisions.
        threshold: a prediction of at least this is called positive.
        note: where notes go; default: standard error.
        binary: table of decisions, 0 or 1, that take the place of the threshold.
        vocabulary: "cinc2020" or "cinc2020_official" adds the metrics of the PhysioNet/CinC Challenge 2020.
            Columns are then matched by SNOMED CT code, abbreviation or class id, and two columns that the
            challenge scores as one class become one, by the name of the first (called where either is,
            probabilities averaged).

    Returns:
        ``{"classes": {NAME: {"f1", "precision", "recall", "auroc", "auprc", "positives"}}, "macro": {...},
        "micro": {...}, "records": N}``, and for a vocabulary of the challenge ``"challenge": {"score",
        "auroc", "auprc", "accuracy", "f", "f_beta", "g_beta"}``; None where a metric is undefined.

    Raises:
        RarebeatError: when a table cannot be read, or lacks a record or class of the truth or of the
            challenge.
        ParamsError: for a vocabulary that is not one of the challenge.
    """
    if not 0 <= threshold <= 1:
        raise RarebeatError(f"the threshold must be a number from 0 to 1, found {threshold}")
    note = note or _to_stderr
    known = read_truth(truth)
    predicted = _same_records(known, read_probabilities(predictions), note)
    groups = _groups(known, predicted, vocabulary, note)
    if binary is None:
        decisions = merge_decisions(decide(predicted.values, threshold), groups)
    else:
        called = _same_records(known, read_decisions(binary), note)
        decisions = merge_decisions(called.values == 1, _groups(known, called, vocabulary, note))
    probability = merge_probabilities(predicted.values, groups)

    own_groups = _groups(known, known, vocabulary, note)
    labels = merge_truth(np.where(np.isnan(known.values), -1, known.values).astype(np.int8), own_groups)
    classes = [known.classes[columns[0]] for columns in own_groups]
    prepared = replace(prepare(labels, probability, threshold), decisions=decisions)
    result = _result(classes, labels, score(prepared))
    if vocabulary is not None:
        metrics = challenge_metrics(labels, decisions, probability)
        result["challenge"] = {name: _defined(value) for name, value in metrics.items()}
    return result


def _same_records(known: ClassTable, table: ClassTable, note: Callable[[str], None]) -> ClassTable:
    """The rows of a table in the order of the truth."""
    rows = _matching("records", known.records, table.records, table.path, note)
    return replace(table, records=known.records, values=table.values[rows])


def _groups(
    known: ClassTable, table: ClassTable, vocabulary: str | None, note: Callable[[str], None]
) -> Groups:
    """For each class that is scored, the columns of the table that say it."""
    if vocabulary is not None:
        return group_columns(table, vocabulary, note)
    return [[column] for column in _matching("classes", known.classes, table.classes, table.path, note)]


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


def _result(classes: list[str], labels: Truth, scores: Scores) -> ScoreResult:
    positives = np.count_nonzero(labels == 1, axis=0).tolist()
    return {
        "classes": {
            name: {**_column(scores, index), "positives": positives[index]}
            for index, name in enumerate(classes)
        },
        "macro": _column(scores, MACRO),
        "micro": _column(scores, MICRO),
        "records": len(labels),
    }


def _column(scores: Scores, index: int) -> dict[str, float | None]:
    return {metric: _defined(float(scores.values[metric][index])) for metric in METRICS}


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value


def format_score(result: ScoreResult) -> str:
    """The result for a person: a table with a line per class, then macro and micro, then the challenge."""

    def row(name: str, values: dict[str, float | None], positives: Cell) -> Row:
        cells = {metric: None if (value := values[metric]) is None else f"{value:.3f}" for metric in METRICS}
        return {"class": name, **cells, "positives": positives}

    rows = [row(name, dict(entry), entry["positives"]) for name, entry in result["classes"].items()]
    total = sum(int(entry["positives"] or 0) for entry in result["classes"].values())
    rows += [row("macro", result["macro"], None), row("micro", result["micro"], total)]
    lines = [markdown_table(rows), f"{result['records']} records"]
    if challenge := result.get("challenge"):
        values = [f"{name} {'–' if value is None else f'{value:.3f}'}" for name, value in challenge.items()]
        lines.append(f"challenge: {', '.join(values)}")
    return "\n".join(lines)
