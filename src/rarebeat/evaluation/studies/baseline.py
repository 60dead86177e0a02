"""Cells compared with those of one value of a factor: trained from scratch, say, or from the same source.

Cells of one series differ in the seed and in the factor of the curve (``compare.across``: the share of records that is
learnt from, say). Each is compared with the baseline that has everything else in common, on the same patients and with
the same seeds.

A model that has learnt from a handful of records does not know all classes. Left out, they would leave nothing to
compare; counted as never called, they cost what they cost a user: an AUROC of 0.5, the prevalence as AUPRC, and an F1
of 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rarebeat.core.errors import RarebeatError
from rarebeat.core.tables import Row, tidy
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.cells import SEED, Cell, CompareSettings
from rarebeat.evaluation.studies.compare import (
    AVERAGE,
    Columns,
    Value,
    class_rows,
    comparable,
    difference_over_patients,
    mean_over_seeds,
)
from rarebeat.metrics.offsets import calibration_error

NEVER = 1.5
"""A threshold that no probability reaches."""

CALIBRATION = "calibration_error"
BASELINE_METRICS = ("auroc", "auprc", "f1", CALIBRATION)

Key = tuple[str, ...]


@dataclass(frozen=True)
class Series:
    """One curve of a comparison, or one row of it where nothing makes curves.

    Attributes:
        panel: values of the factors that are neither compared nor make curves, such as the network.
        name: value of the factor that is compared, such as the protocol.
        points: value of the factor that makes the curve to the cells, which differ in the seed; a single point named ""
            where nothing makes curves.
    """

    panel: Key
    name: str
    points: Mapping[str, Sequence[Cell]]


def arrange_series(cells: Sequence[Cell], settings: CompareSettings, needed: bool = True) -> list[Series]:
    """Put cells into series.

    Args:
        cells: tested on the same records.
        settings: what is compared with what, and what makes curves.
        needed: whether one of the cells must be the baseline: of ensembles it may be none, where it has a single seed.

    Returns:
        The series, those of a panel together and in it the baseline first.

    Raises:
        RarebeatError: when a cell lacks one of the factors, or no cell is the baseline that is needed.
    """
    (factor, value), across = next(iter(settings.against.items())), settings.across
    if missing := [name for name in (factor, across) if name and name not in cells[0].factors]:
        raise RarebeatError(f"compare.against: there is no factor {missing[0]} in cells")
    found: dict[tuple[Key, str], dict[str, list[Cell]]] = {}
    for cell in cells:
        panel = tuple(own for name, own in cell.factors.items() if name not in (SEED, factor, across))
        points = found.setdefault((panel, cell.factors[factor]), {})
        points.setdefault(cell.factors[across] if across else "", []).append(cell)
    if needed and str(value) not in {name for _, name in found}:
        raise RarebeatError(f"compare.against: no cell has {factor} {value}")
    panels = list(dict.fromkeys(panel for panel, _ in found))
    ordered = sorted(found, key=lambda key: (panels.index(key[0]), key[1] != str(value)))
    return [Series(panel, name, found[panel, name]) for panel, name in ordered]


def compared_columns(cells: Sequence[Cell], at_least: int) -> Columns:
    """The classes that a cell knows and that have so many positive test records, and a negative one; maybe none."""
    known = np.any([cell.known for cell in cells], axis=0)
    return np.flatnonzero(known & comparable(cells[0], at_least))


def never_called(cell: Cell) -> Cell:
    """Let the classes that a cell does not know be classes that it never calls."""
    own = cell.predictions
    unknown = np.isnan(own.thresholds)
    return replace(
        cell,
        predictions=replace(
            own,
            probability=np.where(unknown, np.float32(0), own.probability),
            thresholds=np.where(unknown, NEVER, own.thresholds),
        ),
    )


def baseline_rows(cell: Cell, columns: Columns, settings: EvaluateSettings) -> list[Row]:
    """One row per class and one for their mean.

    Columns are those of :func:`rarebeat.evaluation.studies.compare.class_rows`, ``calibration_error`` (see
    :func:`rarebeat.metrics.offsets.calibration_error`) and ``known``: whether the cell knows the class, for the mean
    how many it knows.

    Args:
        cell: its predictions.
        columns: the classes.
        settings: of the intervals.
    """
    filled = never_called(cell)
    test = filled.predictions.only("test")
    errors = calibration_error(test.truth[:, columns], test.probability[:, columns])
    errors[~cell.known[columns]] = np.nan  # it has not said a probability
    mean = float(np.nanmean(errors)) if np.isfinite(errors).any() else np.nan
    known = [*map(int, cell.known[columns]), int(np.count_nonzero(cell.known[columns]))]
    rows = class_rows(filled, columns, settings)
    for row, error, knows in zip(rows, [*errors.tolist(), mean], known, strict=True):
        row |= {CALIBRATION: tidy(error), "known": knows}
    return rows


@dataclass(frozen=True)
class Difference:
    """How much more a series scores than the baseline, at one point of its curve.

    Attributes:
        point: of the series.
        baseline: the point of the baseline that it is compared with: the same, or each where the baseline has no such
            point.
        over_patients: metric to the difference of the macro averages, with its bootstrap interval.
        over_seeds: metric to the same difference, with its t-interval.
    """

    point: str
    baseline: str
    over_patients: Mapping[str, Value]
    over_seeds: Mapping[str, Value]


def differences(
    one: Series,
    baseline: Series,
    rows: Mapping[str, Sequence[Row]],
    columns: Columns,
    settings: EvaluateSettings,
) -> list[Difference]:
    """Compare a series with the baseline of its panel.

    Args:
        one: the series.
        baseline: of the same panel.
        rows: name of each cell to its :func:`baseline_rows`.
        columns: the classes.
        settings: of the intervals.

    Returns:
        A difference for each pair of points that have a seed in common.
    """
    found = []
    for point, cells in one.points.items():
        for other in [point] if point in baseline.points else baseline.points:
            pairs = _same_seed(cells, baseline.points[other])
            if not pairs:
                continue
            mine, theirs = ([never_called(cell) for cell in side] for side in zip(*pairs, strict=True))
            over_patients = difference_over_patients(mine, theirs, columns, settings)
            over_seeds = {
                metric: mean_over_seeds([_mean(rows, a, metric) - _mean(rows, b, metric) for a, b in pairs])
                for metric in over_patients
            }
            found.append(Difference(point, other, over_patients, over_seeds))
    return found


def _same_seed(cells: Sequence[Cell], others: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    by_seed = {cell.factors.get(SEED): cell for cell in others}
    return [(cell, by_seed[seed]) for cell in cells if (seed := cell.factors.get(SEED)) in by_seed]


def _mean(rows: Mapping[str, Sequence[Row]], cell: Cell, metric: str) -> float:
    (row,) = (row for row in rows[cell.name] if row["class"] == AVERAGE)
    value = row[metric]
    return float(value) if isinstance(value, float | int) else np.nan
