"""Tables as Parquet files whose pages carry checksums."""

from collections.abc import Iterable, Iterator
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


def read_table(path: Path, columns: list[str] | None = None, memory_map: bool = False) -> pa.Table:
    """Read a Parquet file and verify its page checksums.

    Raises:
        RarebeatError: when the file is missing, truncated or damaged.
    """
    try:
        with pq.ParquetFile(path, memory_map=memory_map, page_checksum_verification=True) as file:
            return file.read(columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise RarebeatError(
            f"cannot read {path}: {error}. Delete it and run `dvc repro` to write it again."
        ) from error


def row_groups(path: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Read a Parquet file one row group at a time and verify its page checksums.

    Raises:
        RarebeatError: when the file is missing, truncated or damaged.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for index in range(file.num_row_groups):
                yield file.read_row_group(index, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise RarebeatError(
            f"cannot read {path}: {error}. Delete it and run `dvc repro` to write it again."
        ) from error
