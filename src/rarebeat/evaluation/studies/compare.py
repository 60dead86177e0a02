"""The cells of a study compared: what each scores, and what the difference of two is worth.

There are two kinds of intervals, and they say different things: the t-interval over seeds (first
weights, order of examples, dropout; the records are the same), and the bootstrap interval over patients (the records;
the weights are the same).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from rarebeat.core.errors import RarebeatError
from rarebeat.core.tables import Row, tidy
from rarebeat.evaluation.bootstrap import bootstrap, percentiles, replicate_scores
from rarebeat.evaluation.challenge import judge, score_decisions, score_intervals
from rarebeat.evaluation.evaluate import EvaluateSettings, count_positive_patients
from rarebeat.evaluation.scores import MACRO, Prepared, prepare, score
from rarebeat.evaluation.studies.cells import Cell
from rarebeat.inference.predictions import Predictions
from rarebeat.metrics.arrays import BoolArray, FloatArray
from rarebeat.metrics.bagged_thresholds import MIN_POSITIVES
from rarebeat.metrics.challenge_classes import CLASSES, challenge_columns, challenge_places, rewards
from rarebeat.metrics.classification import count, decide, macro
from rarebeat.metrics.ranking import areas
from rarebeat.metrics.thresholds import FOR_CHALLENGE, choose_thresholds

AVERAGE = "macro"
RULE_NUMBERS = ("score", "score_low", "score_high", "f1", "auroc")
CLASS_METRICS = ("auroc", "auprc", "f1")

Columns = npt.NDArray[np.intp]
Value = tuple[float, float, float]
"""A number and the ends of its interval, NaN where there is none."""


def rule_rows(
    cell: Cell, rules: Sequence[str], settings: EvaluateSettings, min_positives: float = MIN_POSITIVES
) -> list[Row]:
    """One row per threshold rule: chosen on the validation split, scored on the test split.

    Columns are the factors, ``rule`` and :data:`RULE_NUMBERS`: ``score`` is that of the CinC Challenge 2020 with its
    bootstrap interval over patients (None for another vocabulary, whose rows leave the challenge's rules out). A class
    that the model does not know is never called; where it is true, it counts. ``f1`` and ``auroc`` are macro averages
    over the classes that the model knows and that have ``settings.at_least`` positive patients; AUROC is the same under
    every rule.

    Args:
        cell: its predictions.
        rules: names in :data:`rarebeat.metrics.thresholds.RULES`.
        settings: of the intervals.
        min_positives: for the rule ``bagged_f1``, as the cell's training had it (``train.min_positives``).
    """
    validation, test = (cell.predictions.only(split) for split in ("validation", "test"))
    columns = challenge_columns(test.classes, challenge_places(test.vocabulary, test.codes))
    known = np.flatnonzero(cell.known) if columns is None else np.array([c for c in columns if cell.known[c]])
    places = None if columns is None else [columns.index(column) for column in known]
    table = None if places is None else rewards(places)
    truth, probability = test.truth[:, known], test.probability[:, known]
    enough = count_positive_patients(test)[known] >= settings.at_least
    auroc = float(macro(areas(truth, probability)[0][enough]))
    rows: list[Row] = []
    for rule in rules:
        if table is None and rule in FOR_CHALLENGE:
            continue
        chosen = choose_thresholds(
            validation.truth[:, known],
            validation.probability[:, known],
            rule,
            table,
            validation.patients,
            min_positives,
        )
        called = decide(probability, chosen)
        values = {"f1": float(macro(count(truth, called).f1[enough])), "auroc": auroc}
        if columns is not None and places is not None:
            values |= _challenge_score(test, columns, places, called, settings)
        numbers = {name: tidy(values.get(name, np.nan)) for name in RULE_NUMBERS}
        rows.append({**cell.factors, "rule": rule, **numbers})
    return rows


def _challenge_score(
    test: Predictions,
    columns: Sequence[int],
    places: Sequence[int],
    called: BoolArray,
    settings: EvaluateSettings,
) -> dict[str, float]:
    truth = test.truth[:, list(columns)]
    decisions: BoolArray = np.zeros((len(truth), len(CLASSES)), dtype=np.bool_)
    decisions[:, places] = called
    low, high = score_intervals(
        truth, decisions, test.patients, settings.replicates, settings.confidence, settings.seed
    )
    value = float(score_decisions(judge(truth, decisions))["score"])
    return {"score": value, "score_low": low["score"], "score_high": high["score"]}


def common_columns(cells: Sequence[Cell], at_least: int) -> Columns:
    """The classes that all cells know and that have enough test records, see :func:`comparable`.

    Raises:
        RarebeatError: when there is none.
    """
    known = np.all([cell.known for cell in cells], axis=0)
    found = np.flatnonzero(known & comparable(cells[0], at_least))
    if not found.size:
        raise RarebeatError(
            f"no class that all cells know has {at_least} positive test records and a negative one: use more data, or "
            "lower compare.at_least"
        )
    return found


def comparable(cell: Cell, at_least: int) -> BoolArray:
    """Which classes have so many positive test records, and a negative one, without which no metric is defined.

    A class without a metric would take the interval from the macro average.

    Returns:
        Shape (classes,).
    """
    truth = cell.predictions.only("test").truth
    return np.asarray((np.count_nonzero(truth == 1, axis=0) >= at_least) & (truth == 0).any(axis=0))


def prepared(cell: Cell, columns: Columns) -> Prepared:
    """Some classes of a cell's test split with the cell's own decisions, for scores and intervals."""
    test = cell.predictions.only("test")
    ready = prepare(test.truth[:, columns], test.probability[:, columns], test.thresholds[columns])
    return replace(ready, decisions=test.decisions[:, columns])


def class_rows(cell: Cell, columns: Columns, settings: EvaluateSettings) -> list[Row]:
    """One row per class and one for their mean, with bootstrap intervals over patients.

    Columns are the factors, ``class``, ``positives``, and each of :data:`CLASS_METRICS` with the ends of its interval
    (``auroc``, ``auroc_low``, ``auroc_high``).

    Args:
        cell: its predictions.
        columns: the classes.
        settings: of the intervals.
    """
    test, ready = cell.predictions.only("test"), prepared(cell, columns)
    values = score(ready).values
    ends = bootstrap(ready, test.patients, settings.replicates, settings.confidence, settings.seed)
    positives = np.count_nonzero(ready.truth == 1, axis=0)
    rows: list[Row] = []
    for index in (*range(len(columns)), MACRO):
        name = AVERAGE if index == MACRO else test.classes[columns[index]]
        row: Row = {**cell.factors, "class": name}
        row["positives"] = int(positives.sum() if index == MACRO else positives[index])
        for metric in CLASS_METRICS:
            row[metric] = tidy(values[metric][index])
            row[f"{metric}_low"] = tidy(ends.low.values[metric][index])
            row[f"{metric}_high"] = tidy(ends.high.values[metric][index])
        rows.append(row)
    return rows


def difference_over_patients(
    one: Sequence[Cell], other: Sequence[Cell], columns: Columns, settings: EvaluateSettings
) -> dict[str, Value]:
    """How much higher the macro averages of one group are than those of another, with bootstrap intervals.

    Both are scored on the same drawn patients, and each is the mean over its seeds.

    Args:
        one: cells of a group.
        other: cells of another group, tested on the same records.
        columns: the classes.
        settings: of the intervals.
    """
    sides = [[prepared(cell, columns) for cell in cells] for cells in (one, other)]

    test = one[0].predictions.only("test")

    def drawn(ready: Sequence[Prepared]) -> dict[str, FloatArray]:
        found = [replicate_scores(side, test.patients, settings.replicates, settings.seed) for side in ready]
        return {name: np.mean([values[name][:, MACRO] for values in found], axis=0) for name in CLASS_METRICS}

    plain = [[score(side).values for side in ready] for ready in sides]
    means = [
        {name: float(np.mean([values[name][MACRO] for values in found])) for name in CLASS_METRICS}
        for found in plain
    ]
    ends = dict.fromkeys(CLASS_METRICS, (np.nan, np.nan))
    if settings.replicates and np.unique(test.patients).size > 1:
        replicates = [drawn(ready) for ready in sides]
        for name in CLASS_METRICS:
            low, high = percentiles(replicates[0][name] - replicates[1][name], settings.confidence)
            ends[name] = (float(low), float(high))
    return {name: (means[0][name] - means[1][name], *ends[name]) for name in CLASS_METRICS}


def mean_over_seeds(values: npt.ArrayLike, confidence: float = 0.95) -> Value:
    """The mean of a few numbers, with its t-interval: NaN for fewer than two.

    The interval is mean ± t s / √n, with the standard deviation s of the n numbers and the quantile t of Student's
    distribution with n - 1 degrees of freedom: with three seeds it is ± 2.5 s. Give it differences of pairs to compare
    two ways with the same seeds.

    Args:
        values: shape (seeds,).
        confidence: 0.95 for a 95 % interval.

    Source:
        Student 1908, The probable error of a mean, Biometrika 6:1.

    Example:
        >>> mean, low, high = mean_over_seeds([1, 2, 3])
        >>> f"{mean:.2f} ({low:.2f} to {high:.2f})"
        '2.00 (-0.48 to 4.48)'
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not numbers.size:
        return np.nan, np.nan, np.nan
    mean = float(numbers.mean())
    if numbers.size < 2:
        return mean, np.nan, np.nan
    error = numbers.std(ddof=1) / np.sqrt(numbers.size)
    half = float(t.ppf((1 + confidence) / 2, numbers.size - 1) * error)
    return mean, mean - half, mean + half
