"""The cells of a study: one trained model each, known by its factors: what it was trained with, and the seed.

Cells that differ in the seed alone are one group.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import field, replace
from itertools import chain, product
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import STRICT
from rarebeat.inference.predictions import Predictions, read_predictions
from rarebeat.metrics.arrays import BoolArray
from rarebeat.metrics.thresholds import RULES

SEED, ENSEMBLE = "seed", "ensemble"
COLUMNS = frozenset(
    ("positives", "known", "rule", "group", "score", "auroc", "auprc", "f1", "f1_fixed", "calibration_error")
)
"""What a row of a comparison tells beside its factors: a factor of such a name would be lost."""


@dataclass(frozen=True, config=STRICT)
class CompareSettings:
    """The group ``compare`` of the params file.

    Attributes:
        at_least: classes with fewer positive test records have no row, and are not part of the mean.
        rules: threshold rules, names in :data:`rarebeat.metrics.thresholds.RULES`: each is tried on every cell, and the
            cells are compared by the challenge's score. None: they are compared class by class.
        classes: compared one by one among the cells that know them, because the label sets of the cells differ
            (:mod:`rarebeat.evaluation.studies.label_sets`); needs ``columns``.
        columns: title to factor to values: which cells stand in which column of that comparison.
        published: class to title to F1, of the paper that is repeated.
        against: factor to value: the cells that all others are compared with
            (:mod:`rarebeat.evaluation.studies.baseline`). A class that a cell does not know counts as never called
            there.
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
        ParamsError: when the factors cannot be used, two cells have one name, or a cohort has no test record.
        RarebeatError: when a table is missing or damaged.
    """
    parts = [part for part in factors.values() if isinstance(part, Mapping)]
    if parts:
        if len(parts) < len(factors) or len({tuple(part) for part in parts}) > 1:
            raise ParamsError("cells: its parts must have the same factors in the same order")
        check_names(factors)
        return [cell for part in parts for cell in read_cells(folder, part, test_on)]
    if not factors or not all(isinstance(values, list | tuple) and values for values in factors.values()):
        raise ParamsError(f"cells must be a mapping from factors to lists of values, found {factors!r}")
    if set(factors) == {SEED}:
        raise ParamsError("cells: the cells of a study differ in more than the seed; name another factor")
    check_names(factors)
    named = [
        dict(zip(factors, map(value_text, values), strict=True)) for values in product(*factors.values())
    ]
    tables = [read_predictions(folder / f"{'-'.join(entry.values())}.parquet") for entry in named]
    return [
        Cell(entry, table.of_cohorts("test", test_on, "evaluate.test_on"))
        for entry, table in zip(named, tables, strict=True)
    ]


def value_text(value: object) -> str:
    """The value of a factor as DVC writes it into commands and names of files.

    Example:
        >>> value_text(0.01), value_text(True)
        ('0.01', 'true')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_names(factors: Mapping[str, Sequence[object] | Mapping[str, Sequence[object]]]) -> None:
    """Check that each cell has a name of its own: two of one name would be one model that counts twice.

    Args:
        factors: as for :func:`read_cells`.

    Raises:
        ParamsError: when a value, or a cell of two parts, stands there twice, values with a hyphen make equal names, or
            a factor is called like one of :data:`COLUMNS`.
    """
    parts = [part for part in factors.values() if isinstance(part, Mapping)]
    names_told = {name for part in parts for name in part} if parts else set(factors)
    if taken := sorted(COLUMNS & names_told):
        raise ParamsError(
            f"cells: {', '.join(taken)} is a column of the comparison: give the factor another name"
        )
    flat = {name: values for name, values in factors.items() if not isinstance(values, Mapping)}
    kinds = [product(*part.values()) for part in parts or [flat]]
    names = Counter("-".join(map(value_text, values)) for values in chain(*kinds))
    if twice := [name for name, number in names.items() if number > 1]:
        raise ParamsError(
            f"cells: several cells have the name {', '.join(twice)} (the values of their factors)"
        )


def sections(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells that were tested on equal records with equal truth, which alone can be compared."""
    found: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        test = cell.predictions.only("test")
        records = tuple(zip(test.cohorts.tolist(), test.record_ids.tolist(), strict=True))
        found.setdefault((test.classes, records, test.truth.tobytes()), []).append(cell)
    return list(found.values())


def groups(cells: Sequence[Cell]) -> dict[tuple[str, ...], list[Cell]]:
    """Cells that differ in their seed alone."""
    found: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.group, []).append(cell)
    return found


def with_ensembles(cells: Sequence[Cell]) -> list[Cell]:
    """All cells, and for each group of several seeds their ensemble: the mean of probabilities and thresholds.

    Its seed is :data:`ENSEMBLE`. Each class is that of the members that know it.
    """
    ensembles = [
        Cell({**members[0].factors, SEED: ENSEMBLE}, _mean([member.predictions for member in members]))
        for members in groups(cells).values()
        if len(members) > 1
    ]
    return [*cells, *ensembles]


def _mean(parts: Sequence[Predictions]) -> Predictions:
    thresholds = np.array([part.thresholds for part in parts])
    knowing = ~np.isnan(thresholds)
    total = np.sum([part.probability for part in parts], axis=0, dtype=np.float64, where=knowing[:, None])
    members = np.where(knowing.any(axis=0), knowing.sum(axis=0), np.nan)  # NaN where none knows the class
    return replace(
        parts[0],
        probability=np.asarray(total / members, dtype=np.float32),
        thresholds=np.sum(thresholds, axis=0, where=knowing) / members,
        voted=None,
    )
