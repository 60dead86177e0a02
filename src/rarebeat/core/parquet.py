"""Tables as Parquet files whose pages carry checksums."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic


def write_table(path: Path, table: pa.Table, **options: Any) -> None:
    """Write an Arrow table as Parquet with page checksums (zstd unless told otherwise)."""
    settings: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True} | options
    with atomic(path) as temporary:
        pq.write_table(table, temporary, **settings)


def read_table(path: Path, columns: list[str] | None = None, memory_map: bool = False) -> pa.Table:
    """Read a Parquet file and verify its page checksums and its footer.

    Args:
        path: the file.
        columns: those to read; None reads all.
        memory_map: read from the page cache, without a copy.

    Raises:
        RarebeatError: when the file is missing, truncated or damaged, or lacks a column.
    """
    with _opened(path, columns, memory_map) as file:
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


@contextmanager
def _opened(path: Path, columns: list[str] | None, memory_map: bool = False) -> Iterator[pq.ParquetFile]:
    """A Parquet file that is what was written, as far as its footer tells; errors in the block are told of it."""
    try:
        with pq.ParquetFile(path, memory_map=memory_map, page_checksum_verification=True) as file:
            _check_footer(file, columns)
            yield file
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
