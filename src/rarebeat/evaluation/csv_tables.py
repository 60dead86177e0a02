"""CSV tables with one row per record and one column per class, as other programs write them."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_csv_lines
from rarebeat.metrics.arrays import FloatArray


@dataclass(frozen=True)
class ClassTable:
    """A table of numbers.

    Attributes:
        path: where it came from, for messages.
        records: record ids, text as it stands in the file ("00123" keeps its zeros).
        classes: column names.
        values: shape (records, classes).
    """

    path: Path
    records: tuple[str, ...]
    classes: tuple[str, ...]
    values: FloatArray


def read_truth(path: Path) -> ClassTable:
    """Read a table of 0 and 1 ("1.0" is as good); an empty cell is unknown and becomes NaN.

    Args:
        path: a CSV file.

    Returns:
        The table.

    Raises:
        RarebeatError: when it is missing or anything but such a table; the message names the cell.
    """
    return _read(path, _truth, "0, 1 or empty (unknown)")


def read_probabilities(path: Path) -> ClassTable:
    """Read a table of probabilities between 0 and 1; no cell may be empty.

    Args:
        path: a CSV file.

    Returns:
        The table.

    Raises:
        RarebeatError: when it is missing or anything but such a table; the message names the cell.
    """
    return _read(path, _probability, "a number from 0 to 1")


def read_decisions(path: Path) -> ClassTable:
    """Read a table of 0 and 1 in which no cell is empty.

    Args:
        path: a CSV file.

    Returns:
        The table.

    Raises:
        RarebeatError: when it is missing or anything but such a table; the message names the cell.
    """
    return _read(path, _decision, "0 or 1")


def _truth(cell: str) -> float:
    return _decision(cell) if cell else math.nan


def _decision(cell: str) -> float:
    value = _number(cell)
    if value not in (0.0, 1.0):
        raise ValueError
    return value


def _probability(cell: str) -> float:
    value = _number(cell)
    if not 0 <= value <= 1:  # not-a-number fails here too
        raise ValueError
    return value


def _number(cell: str) -> float:
    if "_" in cell:  # Python would read "0_1" as a number
        raise ValueError
    return float(cell)


def _read(path: Path, parse: Callable[[str], float], expected: str) -> ClassTable:
    lines = _lines(path)
    _, header = lines[0]
    classes = _classes(path, header)
    rows = lines[1:]
    if not rows:
        raise RarebeatError(f"{path} has a header but no records")
    values = np.empty((len(rows), len(classes)))
    for index, (line, cells) in enumerate(rows):
        if len(cells) != len(header):
            raise RarebeatError(
                f"{path}, line {line}: {len(cells)} cells, but the header has {len(header)} columns"
            )
        for column, cell in enumerate(cells[1:]):
            try:
                values[index, column] = parse(cell)
            except ValueError:
                raise RarebeatError(
                    f"{path}, line {line}, column {classes[column]!r}: expected {expected}, found {cell!r}"
                ) from None
    records = tuple(cells[0] for _, cells in rows)
    if not all(records):
        line = rows[records.index("")][0]
        raise RarebeatError(f"{path}, line {line}: the first column must hold a record id, it is empty")
    if repeated := _duplicates(records):
        raise RarebeatError(f"{path}: record ids must be unique; repeated: {some(repeated)}")
    return ClassTable(path, records, classes, values)


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and cells (surrounding blanks cut off) of each line that is not empty; the header first."""
    lines = [(line, [cell.strip() for cell in cells]) for line, cells in read_csv_lines(path)]
    lines = [(line, cells) for line, cells in lines if any(cells)]
    if not lines:
        raise RarebeatError(f"{path} is empty: expected a header with a record id and one column per class")
    if any("\0" in cell for cell in lines[0][1]):
        raise RarebeatError(f"{path} is not a CSV file: it holds binary data")
    return lines


def _classes(path: Path, header: list[str]) -> tuple[str, ...]:
    classes = tuple(header[1:])
    if not classes:
        hint = " (its columns must be parted by commas)" if set(";\t") & set(header[0]) else ""
        raise RarebeatError(
            f"{path} has no class columns: expected a record id, then one column per class{hint}"
        )
    if not all(classes):
        raise RarebeatError(f"{path}: column {classes.index('') + 2} has no name")
    if repeated := _duplicates(classes):
        raise RarebeatError(f"{path}: class columns must be unique; repeated: {some(repeated)}")
    return classes


def _duplicates(names: Iterable[str]) -> list[str]:
    """The names that occur more than once, in order."""
    return [name for name, times in Counter(names).items() if times > 1]


def some(names: list[str], limit: int = 5) -> str:
    """List the first few names, for a message.

    Args:
        names: one or more.
        limit: how many are written out, at most.

    Returns:
        The names, and the number of the others.

    Example:
        >>> some(["a", "b", "c"], limit=2)
        'a, b and 1 more'
    """
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
