"""Tables as Parquet files whose pages carry checksums."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic

STREAM_BUFFER = 2**20
"""Bytes that are read from a file at a time where it is not read whole."""

_NUMBERS = {pa.float32(): np.float32, pa.int16(): np.int16, pa.int32(): np.int32}


class Opens(Protocol):
    """A file that is not on a disk of this machine."""

    def open(self, mode: str) -> Any:
        """Open it for reading."""


def write_table(path: Path, table: pa.Table, **options: Any) -> None:
    """Write an Arrow table as Parquet with page checksums (zstd unless told otherwise)."""
    settings: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True} | options
    with atomic(path) as temporary:
        pq.write_table(table, temporary, **settings)


def write_tables(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Write a Parquet file with page checksums piece by piece, whole or not at all.

    Args:
        path: the file.
        schema: of the tables.
        tables: each becomes a row group, and may be forgotten then.

    Raises:
        RarebeatError: when it cannot be written.
    """
    with (
        atomic(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True) as writer,
    ):
        for table in tables:
            writer.write_table(table)


def table_of(columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """Make an Arrow table of Python values; ``pa.array`` would import pandas for it, which takes a third of a second.

    Args:
        columns: by name; None stands for what is missing.
        schema: of the table: strings, lists of strings, bool, float32, int16 and int32.
    """
    arrays = [_array(columns[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        builder = pa.lib.StringBuilder()
        builder.append_values(values)
        return builder.finish()
    present = np.array([value is not None for value in values], bool)
    missing = None if present.all() else _bits(present)
    count = len(values)
    if pa.types.is_list(kind):
        lists = [value or [] for value in values]
        parts = _array([part for one in lists for part in one], kind.value_type)
        offsets = np.cumsum([0, *map(len, lists)], dtype=np.int32)
        return pa.Array.from_buffers(kind, count, [missing, pa.py_buffer(offsets)], children=[parts])
    filled = [0 if value is None else value for value in values]
    if pa.types.is_boolean(kind):
        return pa.Array.from_buffers(kind, count, [missing, _bits(np.array(filled, bool))])
    return pa.Array.from_buffers(kind, count, [missing, pa.py_buffer(np.array(filled, _NUMBERS[kind]))])


def _bits(values: npt.NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(values, bitorder="little"))


def read_table(path: Path | Opens, columns: list[str] | None = None, memory_map: bool = False) -> pa.Table:
    """Read a Parquet file and verify its page checksums and its footer.

    Args:
        path: the file.
        columns: those to read; None reads all.
        memory_map: read from the page cache, without a copy; a file that is not on a disk is copied.

    Raises:
        RarebeatError: when the file is missing, truncated or damaged, or lacks a column.
    """
    with _opened(path, columns, memory_map=memory_map) as file:
        return file.read(columns=columns)


def row_groups(path: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Read a Parquet file one row group at a time and verify its page checksums and its footer.

    Args:
        path: the file.
        columns: those to read; None reads all.

    Raises:
        RarebeatError: when the file is missing, truncated or damaged, or lacks a column.
    """
    with _opened(path, columns) as file:
        for index in range(file.num_row_groups):
            yield file.read_row_group(index, columns=columns)


def row_group_sizes(path: Path) -> list[int]:
    """Count the rows of each row group of a Parquet file, without reading them.

    Args:
        path: the file.

    Raises:
        RarebeatError: when the file is missing, truncated or damaged.
    """
    with _opened(path, None) as file:
        return [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]


def read_row_group(path: Path, index: int, columns: list[str] | None = None) -> pa.Table:
    """Read one row group of a Parquet file and verify its page checksums and the footer.

    Args:
        path: the file.
        index: of the row group.
        columns: those to read; None reads all.

    Raises:
        RarebeatError: when the file is missing, truncated or damaged, or lacks a column.
    """
    with _opened(path, columns) as file:
        return file.read_row_group(index, columns=columns)


def read_batches(path: Path | Opens, columns: list[str], size: int) -> Iterator[pa.RecordBatch]:
    """Read a Parquet file with one page of each column in memory, and verify page checksums and footer.

    Args:
        path: the file.
        columns: those to read.
        size: rows at a time.

    Yields:
        As many rows, or fewer; in the order of the file.

    Raises:
        RarebeatError: when the file is missing, truncated or damaged, or lacks a column.
    """
    with _opened(path, columns, buffer_size=STREAM_BUFFER) as file:
        yield from file.iter_batches(batch_size=size, columns=columns, use_threads=False)


@contextmanager
def _opened(path: Path | Opens, columns: list[str] | None, **options: Any) -> Iterator[pq.ParquetFile]:
    """A Parquet file that is what was written, as far as its footer tells; errors in the block are told of it."""
    try:
        with (
            nullcontext(path) if isinstance(path, Path) else path.open("rb") as source,
            pq.ParquetFile(source, page_checksum_verification=True, **options) as file,
        ):
            _check_footer(file, columns)
            yield file
    except FileNotFoundError as error:
        raise RarebeatError(
            f"cannot read {path}: there is no such file (`dvc repro` makes again what the pipeline writes)"
        ) from error
    except MemoryError as error:
        raise RarebeatError(f"there is not enough memory to read {path}: {error}") from error
    except (OSError, pa.ArrowException, ValueError) as error:
        raise RarebeatError(
            f"cannot read {path}: {error}. Delete it and run `dvc repro` to write it again; if it comes back damaged, "
            "it is damaged in DVC's cache: delete it, run `make verify`, then `dvc repro`."
        ) from error


def _check_footer(file: pq.ParquetFile, columns: list[str] | None) -> None:
    """Compare what the footer says twice, for no checksum covers it.

    Raises:
        pyarrow.ArrowInvalid: when it does not agree with itself, or lacks a column.
    """
    schema, facts = file.schema_arrow, file.metadata
    stored = (facts.metadata or {}).get(b"ARROW:schema")
    if stored is not None:
        written = pa.ipc.read_schema(pa.BufferReader(base64.b64decode(stored)))
        if not written.equals(schema):
            raise pa.ArrowInvalid("its footer tells its columns twice, and differently")
    rows = sum(facts.row_group(index).num_rows for index in range(facts.num_row_groups))
    if rows != facts.num_rows:
        raise pa.ArrowInvalid(f"its footer tells of {facts.num_rows} rows in all and {rows} in its parts")
    if missing := [name for name in columns or [] if name not in schema.names]:
        raise pa.ArrowInvalid(f"it has no column {', '.join(missing)}")
