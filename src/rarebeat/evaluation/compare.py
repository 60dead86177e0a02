"""The cells of a study compared: what each scores, and what the difference of two is worth.

A cell is one trained model, known by its factors: what it was trained with, and the seed. Cells that differ in the seed
alone are one group. There are two kinds of intervals, and they say different things: the t-interval over seeds (first
weights, order of examples, dropout; the records are the same), and the bootstrap interval over patients (the records;
the weights are the same).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import field, replace
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy.stats import t

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.params import STRICT
from rarebeat.core.tables import Row, tidy
from rarebeat.evaluation.bootstrap import bootstrap, percentiles, replicate_scores
from rarebeat.evaluation.challenge import judge, score_decisions, score_intervals
from rarebeat.evaluation.evaluate import EvaluateSettings, count_positive_patients
from rarebeat.evaluation.scores import MACRO, Prepared, prepare, score
from rarebeat.inference.predictions import Predictions, read_predictions
from rarebeat.metrics.arrays import BoolArray, FloatArray
from rarebeat.metrics.bagged_thresholds import MIN_POSITIVES
from rarebeat.metrics.challenge_classes import CLASSES, challenge_columns, challenge_places, rewards
from rarebeat.metrics.classification import count, decide, macro
from rarebeat.metrics.ranking import areas
from rarebeat.metrics.thresholds import FOR_CHALLENGE, RULES, choose_thresholds

SEED, ENSEMBLE, AVERAGE = "seed", "ensemble", "macro"
RULE_NUMBERS = ("score", "score_low", "score_high", "f1", "auroc")
CLASS_METRICS = ("auroc", "auprc", "f1")

Columns = npt.NDArray[np.intp]
Value = tuple[float, float, float]
"""A number and the ends of its interval, NaN where there is none."""


@dataclass(frozen=True, config=STRICT)
class CompareSettings:
    """The group ``compare`` of the params file.

    Attributes:
        at_least: classes with fewer positive test records have no row, and are not part of the mean.
        rules: threshold rules, names in :data:`rarebeat.metrics.thresholds.RULES`: each is tried on every cell, and the
            cells are compared by the challenge's score. None: they are compared class by class.
        classes: compared one by one among the cells that know them, because the label sets of the cells differ
            (:mod:`rarebeat.evaluation.label_sets`); needs ``columns``.
        columns: title to factor to values: which cells stand in which column of that comparison.
        published: class to title to F1, of the paper that is repeated.
        against: factor to value: the cells that all others are compared with (:mod:`rarebeat.evaluation.baseline`). A
            class that a cell does not know counts as never called there.
        across: with ``against``, the factor along which the scores make curves, such as the share of records.
    """

    at_least: Annotated[int, Field(ge=1)] = 10
    rules: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    columns: dict[str, dict[str, tuple[str | int | float, ...]]] = field(default_factory=dict)
    published: dict[str, dict[str, float]] = field(default_factory=dict)
    against: dict[str, str | int | float] = field(default_factory=dict)
    across: str | None = None

    def __post_init__(self) -> None:
        if unknown := [rule for rule in self.rules if rule not in RULES]:
            raise ValueError(f"rules: no rule {', '.join(unknown)}; there are: {', '.join(RULES)}")
        if self.classes and (self.rules or not self.columns):
            raise ValueError("classes: needs columns, and goes without rules")
        if self.against and (self.rules or self.classes or len(self.against) > 1):
            raise ValueError("against: names one factor, and goes without rules and classes")
        if self.across is not None and (not self.against or self.across in self.against):
            raise ValueError("across: goes with against, and names another factor")


@plain_dataclass(frozen=True)
class Cell:
    """One trained model, and what it predicts.

    Attributes:
        factors: what it was trained with, by name; among them the seed where there are several.
        predictions: of the splits "validation" and "test", with the columns of all classes; probability and threshold
            are NaN where the model does not know the class.
    """

    factors: Mapping[str, str]
    predictions: Predictions

    @property
    def name(self) -> str:
        """Of its files: the factors in order."""
        return "-".join(self.factors.values())

    @property
    def group(self) -> tuple[str, ...]:
        """What cells have in common that differ in the seed alone."""
        return tuple(value for name, value in self.factors.items() if name != SEED)

    @property
    def known(self) -> BoolArray:
        """Which classes the model knows, shape (classes,)."""
        return np.asarray(~np.isnan(self.predictions.thresholds))


def read_cells(
    folder: Path,
    factors: Mapping[str, Sequence[object] | Mapping[str, Sequence[object]]],
    test_on: Sequence[str] | None = None,
) -> list[Cell]:
    """Read the predictions of all cells: ``<folder>/<values of the factors, joined by ->.parquet``.

    Args:
        folder: of the tables.
        factors: the group ``cells`` of the params: factor to values, and every combination of values is a cell. Or
            several such mappings by names of their own, with the same factors in the same order.
        test_on: cohorts whose test records are read; None: all.

    Raises:
        ParamsError: when the factors cannot be used, or a cohort has no test record.
        RarebeatError: when a table is missing or damaged.
    """
    parts = [part for part in factors.values() if isinstance(part, Mapping)]
    if parts:
        if len(parts) < len(factors) or len({tuple(part) for part in parts}) > 1:
            raise ParamsError("cells: its parts must have the same factors in the same order")
        return [cell for part in parts for cell in read_cells(folder, part, test_on)]
    if not factors or not all(isinstance(values, list | tuple) and values for values in factors.values()):
        raise ParamsError(f"cells must be a mapping from factors to lists of values, found {factors!r}")
    if set(factors) == {SEED}:
        raise ParamsError("cells: the cells of a study differ in more than the seed; name another factor")
    named = [dict(zip(factors, map(str, values), strict=True)) for values in product(*factors.values())]
    tables = [read_predictions(folder / f"{'-'.join(entry.values())}.parquet") for entry in named]
    return [
        Cell(entry, table.of_cohorts("test", test_on, "evaluate.test_on"))
        for entry, table in zip(named, tables, strict=True)
    ]


def sections(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells that were tested on equal records with equal truth, which alone can be compared."""
    found: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        test = cell.predictions.only("test")
        found.setdefault((test.classes, tuple(test.record_ids), test.truth.tobytes()), []).append(cell)
    return list(found.values())


def groups(cells: Sequence[Cell]) -> dict[tuple[str, ...], list[Cell]]:
    """Cells that differ in their seed alone."""
    found: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.group, []).append(cell)
    return found


def with_ensembles(cells: Sequence[Cell]) -> list[Cell]:
    """All cells, and for each group of several seeds their ensemble: the mean of probabilities and thresholds.

    Its seed is :data:`ENSEMBLE`.
    """
    ensembles = []
    for members in groups(cells).values():
        if len(members) > 1:
            parts = [member.predictions for member in members]
            mean = replace(
                parts[0],
                probability=np.mean([part.probability for part in parts], axis=0),
                thresholds=np.mean([part.thresholds for part in parts], axis=0),
                voted=None,
            )
            ensembles.append(Cell({**members[0].factors, SEED: ENSEMBLE}, mean))
    return [*cells, *ensembles]


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
    """The classes that all cells know and that have so many positive test records.

    Raises:
        RarebeatError: when there is none.
    """
    known = np.all([cell.known for cell in cells], axis=0)
    truth = cells[0].predictions.only("test").truth
    found = np.flatnonzero(known & (np.count_nonzero(truth == 1, axis=0) >= at_least))
    if not found.size:
        raise RarebeatError(
            f"no class that all cells know has {at_least} positive test records: use more data, or lower "
            "compare.at_least"
        )
    return found


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
