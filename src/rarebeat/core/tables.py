"""Tables for people and for files: numbers with intervals, Markdown, CSV."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rarebeat.core.files import atomic

Cell = str | int | float | None
Row = dict[str, Cell]

_UNDEFINED = "–"
_DIGITS = 5
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def tidy(value: float) -> float | None:
    """Round a number for a file.

    Args:
        value: any number.

    Returns:
        Five significant digits; None for not-a-number.

    Example:
        >>> tidy(0.123456789), tidy(float("nan"))
        (0.12346, None)
    """
    return None if np.isnan(value) else float(f"{value:.{_DIGITS}g}")


def interval_text(value: float, low: float, high: float) -> str:
    """Write a number with its interval.

    Args:
        value: the number; a dash stands for not-a-number.
        low: lower end of the interval; not-a-number where there is none.
        high: upper end.

    Returns:
        Two decimals each.

    Example:
        >>> interval_text(0.834, 0.779, 0.871), interval_text(0.5, float("nan"), float("nan"))
        ('0.83 (0.78–0.87)', '0.50')
    """
    if np.isnan(value):
        return _UNDEFINED
    return f"{value:.2f}" if np.isnan(low) else f"{value:.2f} ({low:.2f}–{high:.2f})"


def markdown_table(rows: Sequence[Mapping[str, Cell]]) -> str:
    """Write rows as a Markdown table, padded so that it also reads well in a terminal.

    Args:
        rows: cells by column. The columns are those of the first row; all but the first are aligned to the right.

    Returns:
        The lines of the table; "" for no rows.

    Example:
        >>> print(markdown_table([{"Class": "AF", "F1": 0.83}]))
        | Class |   F1 |
        | ----- | ---: |
        | AF    | 0.83 |
    """
    if not rows:
        return ""
    names = list(rows[0])
    table = [names, *([_text(row[name]) for name in names] for row in rows)]
    widths = [max(3, *map(len, column)) for column in zip(*table, strict=True)]
    rule = ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    lines = []
    for line in [table[0], rule, *table[1:]]:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _text(cell: Cell) -> str:
    return _UNDEFINED if cell is None else str(cell).replace("|", "\\|")


def write_rows(path: Path, rows: Sequence[Mapping[str, Cell]], columns: Sequence[str]) -> None:
    """Write rows as a CSV file with a header, whole or not at all.

    Args:
        path: file to write.
        rows: cells by column; None becomes an empty cell.
        columns: which columns, in their order.

    Raises:
        RarebeatError: when the file cannot be written.
    """
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def people_text(records: int, groups: int, without_patient: int, separator: str = "") -> str:
    """Say how many records there are, and of how many patients, where that is known.

    Args:
        records: their number.
        groups: the groups that are kept together: patients, and each record whose patient is not known.
        without_patient: records whose patient is not known.
        separator: of thousands: "" or ",".

    Returns:
        Words for a sentence.

    Example:
        >>> people_text(12, 7, 0), people_text(12, 12, 12)
        ('12 records of 7 patients', '12 records of patients who are not told apart')
        >>> people_text(1200, 8, 5, ",")
        '1,200 records (1,195 of 3 patients, 5 of patients who are not told apart)'
    """
    unknown = "of patients who are not told apart"
    if not without_patient:
        return f"{records:{separator}} records of {groups:{separator}} patients"
    if without_patient == records:
        return f"{records:{separator}} records {unknown}"
    known = f"{records - without_patient:{separator}} of {groups - without_patient:{separator}} patients"
    return f"{records:{separator}} records ({known}, {without_patient:{separator}} {unknown})"


def patients_told_apart(groups: int, without_patient: int) -> int | None:
    """Count the patients for a table, where a record whose patient is not known is none.

    Args:
        groups: as for :func:`people_text`.
        without_patient: records whose patient is not known.

    Returns:
        Their number; None where no patient is known.

    Example:
        >>> patients_told_apart(7, 0), patients_told_apart(8, 5), patients_told_apart(12, 12)
        (7, 3, None)
    """
    return groups - without_patient or None


def for_people(cell: object) -> object:
    """Write a cell of a CSV file that people open as a table: what would be a formula gets an apostrophe before it.

    Args:
        cell: text, which may come from a report, or a number.

    Returns:
        The cell; :func:`from_people` takes the apostrophe off.

    Example:
        >>> for_people("=1+1"), for_people("-> AF"), for_people("AF"), for_people(-1.5)
        ("'=1+1", "'-> AF", 'AF', -1.5)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def from_people(cell: str) -> str:
    """Read a cell that :func:`for_people` has written.

    Args:
        cell: as it stands in the file.

    Returns:
        The text as it was.

    Example:
        >>> from_people("'=1+1"), from_people("'quoted'")
        ('=1+1', "'quoted'")
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
