"""Reading CSV files that people may have edited: columns by name, and the line of each row for messages."""

import csv
from collections.abc import Sequence
from pathlib import Path

from rarebeat.core.errors import RarebeatError


def read_rows(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Read a CSV file in UTF-8 (a byte order mark is fine).

    Args:
        path: the file.
        columns: the columns that it must have; others are left out.

    Returns:
        For each row the line on which it starts, and its cells by column.

    Raises:
        RarebeatError: when it is missing, not such a file, or lacks a column; the message names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            if missing := [name for name in columns if name not in header]:
                raise RarebeatError(
                    f"{path} has no column {missing[0]!r}: expected {', '.join(columns)}, parted by commas"
                )
            rows, line = [], reader.line_num + 1
            for cells in reader:
                if cells and len(cells) != len(header):
                    raise RarebeatError(f"{path}, line {line}: {len(cells)} cells in {len(header)} columns")
                if cells:
                    named = dict(zip(header, cells, strict=True))
                    rows.append((line, {name: named[name] for name in columns}))
                line = reader.line_num + 1
            return rows
    except OSError as error:
        raise RarebeatError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RarebeatError(f"{path} is not UTF-8 text: save it as a CSV file in UTF-8") from error
    except csv.Error as error:
        raise RarebeatError(f"{path} is not a CSV file, line {reader.line_num}: {error}") from error
