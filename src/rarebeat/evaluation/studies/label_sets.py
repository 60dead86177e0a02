"""Models of different label sets compared class by class: what a class gains from the heads beside its own.

The cells of a study stand in columns (``compare.columns``: one head, two heads, all heads, say). For every class, a
column holds the cells that know it. Differences are taken between cells of the same seed, on the same patients.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rarebeat.core.errors import RarebeatError
from rarebeat.core.tables import Row, tidy
from rarebeat.evaluation.bootstrap import resample
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.scores import Prepared, prepare, score
from rarebeat.evaluation.studies.cells import SEED, Cell, groups
from rarebeat.evaluation.studies.compare import Value, mean_over_seeds
from rarebeat.inference.predictions import Predictions
from rarebeat.metrics.arrays import FloatArray
from rarebeat.metrics.ranking import DEFAULT_THRESHOLD, areas

CLASS = "class"
CLASS_METRICS = ("auprc", "auroc", "f1_fixed", "f1")
"""Area under the precision-recall curve and under the ROC curve, F1 at 0.5, F1 at the threshold of the model."""

HARDLY = 0.6
"""A model with a lower AUROC on the validation split has learnt hardly anything of a class."""

Metrics = Callable[[FloatArray], dict[str, FloatArray]]

Place = tuple[str, ...]
"""A row of the comparison: the class, then the values of the factors that are no column (positive records, say)."""


@dataclass(frozen=True)
class Column:
    """The cells that one column holds for one class.

    Attributes:
        cells: of one group, that is of one way to train; they differ in the seed.
        of: how many groups there were to choose from; the one with the highest AUPRC on the validation split (mean over
            its seeds) was taken.
        failed: how many of the cells have learnt hardly anything: their AUROC on the validation split is below
            :data:`HARDLY`.
        judged: whether the validation split of a group holds both positives and negatives of the class. Otherwise the
            first group was taken, and it is not known whether any cell has failed.
    """

    cells: Sequence[Cell]
    of: int
    failed: int
    judged: bool = True


def join_classes(tables: Sequence[Predictions]) -> Predictions:
    """Put models that know different classes into one table, as if one model knew them all.

    Args:
        tables: of the same records in the same order, with the columns of all classes; a class is known to one model
            at most.

    Returns:
        For each class the probabilities, the decisions and the threshold of the model that knows it, NaN and "no" where
        none does. Warnings are those of the first table.

    Raises:
        ValueError: when two models know a class, or the records differ.
    """
    known = ~np.isnan([one.thresholds for one in tables])
    if np.count_nonzero(known, axis=0).max() > 1:
        raise ValueError("two models know the same class: whose predictions count?")
    first = tables[0]
    for one in tables[1:]:
        if not (
            np.array_equal(one.record_ids, first.record_ids) and np.array_equal(one.cohorts, first.cohorts)
        ):
            raise ValueError("the tables are of different records, or of another order")
    owner = known.argmax(axis=0)  # of an unknown class the first model, which has NaN there, too
    columns = range(len(first.classes))
    return replace(
        first,
        thresholds=np.array([tables[owner[column]].thresholds[column] for column in columns]),
        probability=np.column_stack([tables[owner[column]].probability[:, column] for column in columns]),
        voted=np.column_stack([tables[owner[column]].decisions[:, column] for column in columns]),
    )


def arrange(
    cells: Sequence[Cell], classes: Sequence[str], columns: Mapping[str, Mapping[str, Sequence[object]]]
) -> dict[Place, dict[str, Column]]:
    """Put the cells of a study into rows and columns.

    Args:
        cells: of the study, tested on the same records.
        classes: those to compare. A cell with a factor ``class`` is compared by that class alone.
        columns: title to factor to values: a cell stands in every column whose factors have one of these values.
            Factors that no column names make rows, but for the seed.

    Returns:
        Rows in the order of the classes and of the cells, each with those of the columns that hold a cell.

    Raises:
        RarebeatError: when no cell of a column knows a class.
    """
    factors = {name for wanted in columns.values() for name in wanted} | {SEED, CLASS}
    found: dict[Place, dict[str, Column]] = {}
    for name in classes:
        index = _index(cells[0], name)
        own = [cell for cell in cells if cell.known[index] and cell.factors.get(CLASS, name) == name]
        for place in dict.fromkeys(_place(cell, name, factors) for cell in own):
            row = [cell for cell in own if _place(cell, name, factors) == place]
            held = {
                title: [cell for cell in row if _stands_in(cell, wanted)] for title, wanted in columns.items()
            }
            if any(held.values()):
                found[place] = {title: _best(held[title], index) for title in held if held[title]}
    if missing := [name for name in classes if name not in {place[0] for place in found}]:
        raise RarebeatError(f"compare.classes: no cell of compare.columns knows {', '.join(missing)}")
    return found


def _index(cell: Cell, name: str) -> int:
    classes = cell.predictions.classes
    if name not in classes:
        raise RarebeatError(
            f"compare.classes: no class {name!r} in the predictions; there are {', '.join(classes)}"
        )
    return classes.index(name)


def _place(cell: Cell, name: str, factors: set[str]) -> Place:
    return (name, *(value for factor, value in cell.factors.items() if factor not in factors))


def _stands_in(cell: Cell, wanted: Mapping[str, Sequence[object]]) -> bool:
    return all(
        cell.factors.get(factor) in {str(value) for value in values} for factor, values in wanted.items()
    )


def _best(cells: Sequence[Cell], index: int) -> Column:
    """Of several groups that with the highest area under the validation split's precision-recall curve."""
    several = list(groups(cells).values())
    ranked = [[_areas_on_validation(cell, index) for cell in members] for members in several]
    means = np.array([np.mean([auprc for _, auprc in members]) for members in ranked])
    best = int(np.argmax(np.where(np.isnan(means), -np.inf, means)))  # NaN where validation has no positives
    failed = sum(auroc < HARDLY for auroc, _ in ranked[best])
    return Column(several[best], len(several), failed, judged=not np.isnan(means[best]))


def _areas_on_validation(cell: Cell, index: int) -> tuple[float, float]:
    validation = cell.predictions.only("validation")
    auroc, auprc = areas(validation.truth[:, [index]], validation.probability[:, [index]])
    return float(auroc[0]), float(auprc[0])


def cell_row(cell: Cell, name: str, settings: EvaluateSettings) -> Row:
    """The scores of one class of one cell on the test split, with bootstrap intervals over patients.

    Columns are the factors, ``class``, ``positives``, and each of :data:`CLASS_METRICS` with the ends of its interval.

    Args:
        cell: its predictions.
        name: the class.
        settings: of the intervals.
    """
    truth = cell.predictions.only("test").truth[:, _index(cell, name)]
    row: Row = {**cell.factors, CLASS: name, "positives": int(np.count_nonzero(truth == 1))}
    for metric, ends in _over_patients(_mean_of([cell], name), cell, settings).items():
        row |= dict(zip((metric, f"{metric}_low", f"{metric}_high"), map(tidy, ends), strict=True))
    return row


def difference(
    one: Sequence[Cell], other: Sequence[Cell], name: str, settings: EvaluateSettings
) -> dict[str, tuple[Value, Value]]:
    """How much more one way to train scores in a class than another.

    Args:
        one: cells that differ in the seed.
        other: cells of another group; only seeds that both have are compared.
        name: the class.
        settings: of the intervals.

    Returns:
        For each of :data:`CLASS_METRICS` the mean difference with its t-interval over seeds (the records are the same),
        and with its bootstrap interval over patients (the weights are the same); NaN without a common seed.
    """
    seeds = [cell.factors.get(SEED) for cell in other]
    pairs = [
        (cell, other[seeds.index(cell.factors.get(SEED))]) for cell in one if cell.factors.get(SEED) in seeds
    ]
    if not pairs:
        nothing = (np.nan, np.nan, np.nan)
        return dict.fromkeys(CLASS_METRICS, (nothing, nothing))
    single = [
        (_plain(_mean_of([left], name), left), _plain(_mean_of([right], name), right))
        for left, right in pairs
    ]
    sides = [_mean_of([pair[side] for pair in pairs], name) for side in (0, 1)]

    def less(weights: FloatArray) -> dict[str, FloatArray]:
        left, right = (side(weights) for side in sides)
        return {metric: left[metric] - right[metric] for metric in CLASS_METRICS}

    over_patients = _over_patients(less, pairs[0][0], settings)
    return {
        metric: (
            mean_over_seeds([left[metric] - right[metric] for left, right in single]),
            over_patients[metric],
        )
        for metric in CLASS_METRICS
    }


def _mean_of(cells: Sequence[Cell], name: str) -> Metrics:
    """The mean of some cells' scores of a class, as a function of record weights of shape (replicates, n)."""
    ready = [_prepared(cell, name) for cell in cells]

    def metrics(weights: FloatArray) -> dict[str, FloatArray]:
        scores = []
        for own, fixed in ready:
            values = score(own, weights).values
            scores.append({**values, "f1_fixed": score(fixed, weights).values["f1"]})
        return {key: np.mean([one[key][..., 0] for one in scores], axis=0) for key in CLASS_METRICS}

    return metrics


def _prepared(cell: Cell, name: str) -> tuple[Prepared, Prepared]:
    """A class of the test split, with the threshold of the model and with 0.5."""
    test, index = cell.predictions.only("test"), _index(cell, name)
    truth, probability = test.truth[:, [index]], test.probability[:, [index]]
    return (
        prepare(truth, probability, test.thresholds[[index]]),
        prepare(truth, probability, DEFAULT_THRESHOLD, areas=False),
    )


def _plain(metrics: Metrics, cell: Cell) -> dict[str, float]:
    weights = np.ones((1, len(cell.predictions.only("test").patients)))
    return {name: float(values[0]) for name, values in metrics(weights).items()}


def _over_patients(metrics: Metrics, cell: Cell, settings: EvaluateSettings) -> dict[str, Value]:
    """The metrics of all records with bootstrap intervals over the patients of a cell's test split."""
    patients = cell.predictions.only("test").patients
    low, high = resample(metrics, patients, 1, settings.replicates, settings.confidence, settings.seed)
    plain = _plain(metrics, cell)
    return {name: (plain[name], float(low[name]), float(high[name])) for name in plain}
