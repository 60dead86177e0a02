"""The rows of joined tables, by the name of the recording: what they tell, in the words of the tables."""

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rarebeat.core.errors import BadRecordError, ParamsError, RarebeatError
from rarebeat.readers.discovery import matching_columns, read_table
from rarebeat.readers.fields import whole_number
from rarebeat.readers.registry import Entry
from rarebeat.readers.tables.settings import Table, TableOptions

_LABELS = {"1": 1, "1.0": 1, "true": 1, "0": 0, "0.0": 0, "false": 0}
_NO_LABEL = ("", "nan", "na")


@dataclass(frozen=True, slots=True)
class Cells:
    """What the rows of one table tell of one recording; picklable, as it travels to the workers.

    Attributes:
        texts: parts of the report, in the order of rows and columns.
        codes: cells of codes.
        single: cells by their column, of which there is one.
        labels: ready-made labels, as codes; None for a table that holds none.
        fault: why the recording is to be refused; None where all is well.
    """

    texts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    single: Mapping[str, str] | None = None
    labels: tuple[str, ...] | None = None
    fault: str | None = None


Rows = dict[str, Cells]


def read_rows(root: Path, table: Table) -> Rows:
    """Read a table.

    Args:
        root: folder of the archive.
        table: which, and what its columns hold.

    Returns:
        What it tells, by the cell that names the recording.

    Raises:
        MissingSourceError: when there is no such file.
        RarebeatError: when it lacks a column or is no CSV.
    """
    plain = [name for name in table.text_columns if not name.endswith("*")]
    named = [table.key, *plain, *table.single_columns, *filter(None, [table.codes_column])]
    rows: Rows = {}
    told = read_table(root / table.csv, named, "The option tables names it.")
    texts = matching_columns(table.text_columns, told, root / table.csv)
    for row in told:
        name = recording_name(row[table.key])
        if not name:
            continue
        cells = _cells_of(row, table, texts)
        rows[name] = _joined(rows[name], cells, table) if name in rows else cells
    return rows


def _cells_of(row: Mapping[str, str], table: Table, columns: Sequence[str]) -> Cells:
    codes = (row[table.codes_column],) if table.codes_column and row[table.codes_column].strip() else ()
    texts = tuple(text for name in columns if (text := row[name].strip()))
    return Cells(texts, codes, {name: row[name].strip() for name in table.single_columns})


def _joined(one: Cells, other: Cells, table: Table) -> Cells:
    """Two rows of one recording: statements add up where the table has many, all else must be the same."""
    if table.rows == "one" and one != other:
        return replace(one, fault=f"{table.csv} has two rows of it, and nobody knows which is right")
    if table.rows == "one":
        return one
    single, others = dict(one.single or {}), other.single or {}
    told = {name: single.get(name) or cell for name, cell in others.items()}
    if any(cell and told[name] != cell for name, cell in others.items()):
        return replace(one, fault=f"rows of {table.csv} tell two patients, ages, sexes or folds of it")
    return Cells(one.texts + other.texts, one.codes + other.codes, told, fault=one.fault)


def read_labels(root: Path, options: TableOptions) -> tuple[str, Rows]:
    """Read a table of ready-made labels.

    Args:
        root: folder of the archive.
        options: which, and which of its columns are classes.

    Returns:
        The column that names the recordings, and labels by its cells: ``label:CLASS=1`` or ``label:CLASS=0``.

    Raises:
        MissingSourceError: when there is no such file.
        RarebeatError: when it lacks a column, is no CSV, or holds anything but 0, 1 and nothing.
    """
    path = root / str(options.labels_csv)
    rows = read_table(
        path,
        [*filter(None, [options.labels_key]), *(options.labels_columns or ())],
        "The option labels_csv names it.",
    )
    if not rows:
        raise RarebeatError(
            f"{path} has no rows: expected a row for each recording and a column for each class"
        )
    key = options.labels_key or next(iter(rows[0]))
    classes = options.labels_columns or tuple(name for name in rows[0] if name != key)
    if not classes or key in classes:
        raise ParamsError(
            f"{path}: expected a column {key!r} that names a recording, and columns of classes beside"
        )
    found: Rows = {}
    for number, row in enumerate(rows, 2):
        labels = tuple(filter(None, (_label(path, number, name, row[name]) for name in classes)))
        name = recording_name(row[key])
        cells = Cells(labels=labels)
        if found.setdefault(name, cells) != cells:
            found[name] = Cells(
                labels=(), fault=f"{path.name} has two rows of it, and nobody knows which is right"
            )
    found.pop("", None)
    return key, found


def _label(path: Path, number: int, name: str, cell: str) -> str | None:
    text = cell.strip().lower()
    if text in _NO_LABEL:
        return None
    if text not in _LABELS:
        raise RarebeatError(
            f"{path}, row {number}: {name} is {cell[:20]!r}, expected 0, 1 or nothing (not known, or not certain). "
            f"If {name} is no class, name those that are with the option labels_columns"
        )
    return f"label:{name}={_LABELS[text]}"


def recording_name(cell: str) -> str:
    """Write a name of a recording in one way.

    Args:
        cell: of a table: an id, or a path.

    Returns:
        The name without blanks, ``./`` before it, and the ``.0`` that tables with missing values grow; letters with
        accents as one character each, where some systems name files with two.

    Example:
        >>> recording_name(" ./ecgs/17.npy "), recording_name("17.0"), recording_name("")
        ('ecgs/17.npy', '17', '')
        >>> recording_name("Mu\u0308ller") == recording_name("M\u00fcller")
        True
    """
    text = unicodedata.normalize("NFC", whole_number(cell))
    return os.path.normpath(text.replace("\\", "/")) if "/" in text or "\\" in text else text


def names_of(entry: Entry, root: Path) -> Sequence[str]:
    """List the names by which a table may call a recording, from the most to the least exact.

    Args:
        entry: the recording.
        root: folder of the archive.

    Returns:
        Id, path and name of the file, each with and without its ending; of a member of an archive those that it has
        when it is unpacked, and those of the archive, which may hold it alone; of an ECG in a stack its number alone.

    Example:
        >>> list(names_of(Entry("a/b.npy#3", Path("/data/a/b.npy")), Path("/data")))
        ['a/b.npy#3', '3']
        >>> list(names_of(Entry("17.xml", Path("/data/17.xml")), Path("/data")))
        ['17.xml', '17']
        >>> list(names_of(Entry("a.zip/b/17.xml", Path("/data/a.zip"), member="b/17.xml"), Path("/data")))
        ['a.zip/b/17.xml', 'a.zip/b/17', 'b/17.xml', 'b/17', '17.xml', '17', 'a.zip', 'a']
    """
    record_id, path = entry.record_id, entry.path
    names = [record_id]
    if "#" in record_id:
        names.append(record_id.rpartition("#")[2])
    elif path is not None:
        names.append(_without_ending(record_id))
        inside = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        for name in filter(None, (entry.member, inside)):
            names += [name, _without_ending(name), Path(name).name, Path(name).stem]
    return tuple(dict.fromkeys(map(recording_name, names)))


def _without_ending(name: str) -> str:
    return str(Path(name).with_suffix("")) if name else name


def refuse_faults(cells: Sequence[Cells]) -> None:
    """Refuse a recording of which tables tell two different things.

    Args:
        cells: what each table tells.

    Raises:
        BadRecordError: ``header_mismatch``.
    """
    for fault in (entry.fault for entry in cells if entry.fault):
        raise BadRecordError("header_mismatch", fault)
