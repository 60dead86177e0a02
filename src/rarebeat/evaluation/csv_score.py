"""Scoring one CSV table of predictions against one of truth: ``rarebeat score``.

For a vocabulary of the CinC Challenge 2020 the columns are first brought into the order and number of its 24 classes.
"""

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.tables import Cell, Row, markdown_table
from rarebeat.evaluation.challenge import challenge_metrics
from rarebeat.evaluation.csv_tables import (
    ClassTable,
    read_decisions,
    read_probabilities,
    read_truth,
    some,
)
from rarebeat.evaluation.scores import MACRO, METRICS, MICRO, Scores, prepare, score
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.metrics.arrays import BoolArray, FloatArray, Truth
from rarebeat.metrics.challenge_classes import CLASSES, VOCABULARIES, challenge_places, place_of
from rarebeat.metrics.classification import decide

Groups = list[list[int]]
"""For each class that is scored, the columns that say it: one, or two for a pair of the challenge."""


class ScoreResult(TypedDict):
    """What ``rarebeat score --json`` prints; None where a metric is undefined.

    Attributes:
        classes: class name to its metrics and its number of positive records.
        macro: the means over the classes in which each metric is defined.
        micro: the metrics of all class-record pairs pooled.
        records: how many there are.
        challenge: the metrics of the CinC Challenge 2020, for its vocabularies.
    """

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
        decisions = _merge_decisions(decide(predicted.values, threshold), groups)
    else:
        called = _same_records(known, read_decisions(binary), note)
        decisions = _merge_decisions(called.values == 1, _groups(known, called, vocabulary, note))
    probability = _merge_probabilities(predicted.values, groups)

    own_groups = _groups(known, known, vocabulary, note)
    labels = _merge_truth(np.where(np.isnan(known.values), -1, known.values).astype(np.int8), own_groups)
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
        return _challenge_groups(table, vocabulary, note)
    return [[column] for column in _matching("classes", known.classes, table.classes, table.path, note)]


def _challenge_groups(table: ClassTable, vocabulary: str, note: Callable[[str], None]) -> Groups:
    """The columns of each of the challenge's classes.

    A column is named by a SNOMED CT code, an abbreviation of the challenge, or a class id of the vocabulary.
    A pair of codes that count as one class may have one column or two. Columns that are not scored are left
    out with a note.
    """
    ids = _scored_ids(vocabulary)
    groups: Groups = [[] for _ in CLASSES]
    unscored = []
    for column, name in enumerate(table.classes):
        place = ids.get(name, place_of(name))
        if place is None:
            unscored.append(name)
        else:
            groups[place].append(column)
    if unscored:
        note(f"{table.path}: left out {len(unscored)} columns, which are not scored: {some(unscored)}")
    for entry, columns in zip(CLASSES, groups, strict=True):
        if len(columns) > len(entry.codes):
            names = ", ".join(table.classes[column] for column in columns)
            raise RarebeatError(f"{table.path}: the columns {names} are one class: give it once")
    if missing := [entry.names[0] for entry, found in zip(CLASSES, groups, strict=True) if not found]:
        raise RarebeatError(
            f"{table.path} lacks {len(missing)} of the {len(CLASSES)} scored classes: {some(missing)}; add a "
            "column of zeros for a class that no record has"
        )
    return groups


def _scored_ids(vocabulary: str) -> dict[str, int]:
    """Class id to its place in :data:`~rarebeat.metrics.challenge_classes.CLASSES`."""
    if vocabulary not in VOCABULARIES:
        raise ParamsError(
            f"vocabulary {vocabulary!r} does not have the classes of the challenge; there are: "
            f"{', '.join(VOCABULARIES)}"
        )
    return challenge_places(
        vocabulary, {entry.id: entry.code for entry in load_vocabulary(vocabulary).classes}
    )


def _merge_truth(truth: Truth, groups: Groups) -> Truth:
    """Shape (n, groups): 1 where a column of the group says so, -1 where none does but one is unknown, else 0."""
    columns = []
    for group in groups:
        states = truth[:, group]
        rest = np.where((states < 0).any(axis=1), -1, 0)
        columns.append(np.where((states == 1).any(axis=1), 1, rest))
    return np.stack(columns, axis=1).astype(np.int8)


def _merge_decisions(decisions: BoolArray, groups: Groups) -> BoolArray:
    """Shape (n, groups): called where a column of the group is."""
    return np.stack([decisions[:, group].any(axis=1) for group in groups], axis=1)


def _merge_probabilities(probability: FloatArray, groups: Groups) -> FloatArray:
    """Shape (n, groups): the mean over the columns of the group."""
    return np.stack([probability[:, group].mean(axis=1) for group in groups], axis=1)


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
    """Write a result for a person.

    Args:
        result: from :func:`score_tables`.

    Returns:
        A table with a line per class, then macro and micro; below it the challenge.
    """

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
