"""Shards: what prepare writes and training reads.

A split on disk is a folder of Parquet files with ``shard_size`` records each, the last one with the rest; an
empty split is one file without rows::

    data/shards/
      train/shard-00000.parquet ...  shards.json      validation/...      test/...
      warnings.parquet               what ingest found doubtful, by cohort and record

Columns: record_id, cohort, patient (the group that was split), age, sex, length (samples before the padding),
one int8 column per class (1 present, 0 absent, -1 masked; 2 and -2 uncertain, where training takes it for present or
absent), and ``signal``: little-endian int16, lead after
lead, as one fixed-size binary. The schema's metadata holds a :class:`ShardMeta` as JSON.

Damage never passes unseen: Parquet keeps a checksum of every page, and ``shards.json`` lists the shards with
a checksum of the part that Parquet leaves unprotected, the footer.

Compression is LZ4: beside Zstandard (level 1) files are a third larger, and reading is 1.7 times faster.
"""

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import write_json
from rarebeat.core.parquet import read_table, write_table
from rarebeat.core.records import LEADS
from rarebeat.dataset.manifest import (
    MANIFEST,
    META,
    footer_checksum,
    read_footer,
    read_manifest,
    read_meta,
    unusable,
)
from rarebeat.dataset.remote import Folder
from rarebeat.dataset.split import Int16, ShardMeta, Split, Strings
from rarebeat.dataset.stored import Shard, StoredSignals

DOUBTS = "warnings.parquet"
IDENTITY = (
    pa.field("record_id", pa.string(), nullable=False),
    pa.field("cohort", pa.string(), nullable=False),
    pa.field("patient", pa.string(), nullable=False),
    pa.field("age", pa.float32()),
    pa.field("sex", pa.string()),
    pa.field("length", pa.int32(), nullable=False),
)
READERS = 8  # threads at most: more wait for memory
_PARQUET: dict[str, Any] = {
    "compression": "lz4",
    "use_dictionary": ["cohort", "sex", "patient"],
    "write_statistics": False,
}


def row_schema(classes: Sequence[str]) -> pa.Schema:
    """Define the columns of a shard but its signals.

    Args:
        classes: ids, in the order of the label columns.

    Returns:
        The schema.
    """
    return pa.schema([*IDENTITY, *(pa.field(name, pa.int8(), nullable=False) for name in classes)])


def shard_files(folder: Path, split: str) -> list[Path]:
    """List the shards of a split.

    Args:
        folder: written by prepare.
        split: "train", "validation" or "test".

    Returns:
        Their paths, in order.

    Raises:
        RarebeatError: when there are none, or not those that were written.
    """
    return [folder / split / name for name in read_manifest(folder / split)]


class SplitWriter:
    """Writes one split, shard by shard; only the signals of one shard are in memory."""

    def __init__(self, folder: Path, meta: ShardMeta, rows: pa.Table, shard_size: int) -> None:
        """Announce a split.

        Args:
            folder: of the split.
            meta: of its shards.
            rows: its records without their signals, columns as in :func:`row_schema`.
            shard_size: records per file.
        """
        columns = [*row_schema(meta.classes), pa.field("signal", _signal_type(meta), nullable=False)]
        self._schema = pa.schema(columns, metadata={META: json.dumps(asdict(meta), sort_keys=True)})
        self._folder = folder
        self._rows = rows.cast(row_schema(meta.classes))
        self._shard_size = shard_size
        shape = (min(shard_size, len(rows)), len(LEADS), meta.preprocessing.samples)
        self._signals = np.empty(shape, dtype="<i2")
        self._added = 0
        self._footers: dict[str, str] = {}

    def add(self, signal: Int16) -> None:
        """Add the signal of the next row.

        Args:
            signal: int16, shape (12, samples).
        """
        self._signals[self._added % self._shard_size] = signal
        self._added += 1
        if self._added % self._shard_size == 0:
            self._write(self._added - self._shard_size)

    def finish(self) -> None:
        """Write what is left (for an empty split, a shard without rows) and the list of shards.

        Raises:
            ValueError: when more or fewer signals were added than there are rows.
        """
        if self._added != len(self._rows):
            raise ValueError(f"{len(self._rows)} records were announced and {self._added} added")
        rest = self._added % self._shard_size
        if rest or not self._added:
            self._write(self._added - rest)
        write_json(self._folder / MANIFEST, self._footers)

    def _write(self, start: int) -> None:
        """Write the shard whose first row is ``start``."""
        rows = self._rows.slice(start, self._added - start)
        kind = self._schema.field("signal").type
        signals = pa.FixedSizeBinaryArray.from_buffers(kind, len(rows), [None, pa.py_buffer(self._signals)])
        table = pa.Table.from_arrays([*rows.columns, signals], schema=self._schema)
        path = self._folder / f"shard-{start // self._shard_size:05d}.parquet"
        write_table(path, table, **_PARQUET)
        self._footers[path.name] = footer_checksum(path)


def load_split(folder: Folder, split: str) -> Split:
    """Read a split into memory; shards are read side by side and their checksums verified.

    Args:
        folder: written by prepare.
        split: "train", "validation" or "test".

    Returns:
        The records, shard after shard.

    Raises:
        RarebeatError: naming the shard that is missing, damaged or different from the others; when memory is short.
    """
    footers = read_manifest(folder / split)
    paths = [folder / split / name for name in footers]
    schemas, counts = zip(*map(read_footer, paths, footers.values()), strict=True)
    meta = read_meta(paths[0], schemas[0])
    bounds = np.cumsum([0, *counts]).tolist()
    shape = bounds[-1], len(LEADS), meta.preprocessing.samples
    try:
        signals = np.empty(shape, dtype="<i2")
    except MemoryError as error:
        raise RarebeatError(
            f"the signals of {folder / split} take {2 * np.prod(shape) / 1e9:.1f} GB, more memory than this process "
            "may use: train.memory stream leaves them in their shards"
        ) from error
    parts = [signals[start:end] for start, end in pairwise(bounds)]
    with ThreadPoolExecutor(min(READERS, os.cpu_count() or 1)) as pool:
        rows = pa.concat_tables(pool.map(_read_shard, paths, parts))
    return _split_of(rows, signals, meta)


def open_split(folder: Folder, split: str) -> Split:
    """Read all of a split but its signals, which stay in the shards until they are needed.

    Args:
        folder: written by prepare.
        split: "train", "validation" or "test".

    Returns:
        The records, shard after shard; their signals are :class:`rarebeat.dataset.stored.StoredSignals`.

    Raises:
        RarebeatError: as :func:`load_split`; damage of the signals is found when they are read.
    """
    footers = read_manifest(folder / split)
    paths = [folder / split / name for name in footers]
    schemas, counts = zip(*map(read_footer, paths, footers.values()), strict=True)
    meta = read_meta(paths[0], schemas[0])
    names = [name for name in schemas[0].names if name != "signal"]
    rows = pa.concat_tables(read_table(path, names) for path in paths)
    if len(rows) != sum(counts):
        raise RarebeatError(unusable(folder / split, f"{len(rows)} rows where {sum(counts)} were promised"))
    shards = tuple(Shard(path, count) for path, count in zip(paths, counts, strict=True))
    return _split_of(rows, StoredSignals(shards, np.arange(len(rows)), meta.preprocessing.samples), meta)


def signal_bytes(folder: Folder, splits: Sequence[str]) -> int:
    """Tell how much memory the signals of some splits would take; only the ends of their shards are read.

    Args:
        folder: written by prepare.
        splits: their names.

    Returns:
        Bytes.

    Raises:
        RarebeatError: naming the shard that is missing or damaged.
    """
    total = 0
    for split in splits:
        for name, checksum in read_manifest(folder / split).items():
            schema, records = read_footer(folder / split / name, checksum)
            total += records * schema.field("signal").type.byte_width
    return total


def _split_of(rows: pa.Table, signals: Int16 | StoredSignals, meta: ShardMeta) -> Split:
    labels = np.empty((len(rows), len(meta.classes)), dtype=np.int8)
    for column, name in enumerate(meta.classes):
        labels[:, column] = rows.column(name).to_numpy()
    return Split(
        signals=signals,
        labels=labels,
        record_ids=_strings(rows, "record_id"),
        cohorts=_strings(rows, "cohort"),
        patients=_strings(rows, "patient"),
        meta=meta,
        lengths=rows.column("length").to_numpy().astype(np.int64),
        ages=rows.column("age").to_numpy(),
        sexes=_strings(rows, "sex"),
    )


def write_doubts(folder: Path, warnings: Mapping[str, Mapping[str, str]]) -> None:
    """Write what ingest found doubtful, beside the splits (also when it is nothing).

    Args:
        folder: of the shards.
        warnings: cohort to record id to what is doubtful.
    """
    rows = [(cohort, name, text) for cohort, found in warnings.items() for name, text in found.items()]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    names = ("cohort", "record_id", "warning")
    write_table(folder / DOUBTS, pa.table([pa.array(column, pa.string()) for column in columns], names=names))


def read_doubts(folder: Folder) -> Mapping[tuple[str, str], str]:
    """Read what ingest found doubtful.

    Args:
        folder: written by prepare; one of an earlier version has nothing of the kind.

    Returns:
        Cohort and record id to what is doubtful.

    Raises:
        RarebeatError: when the table is damaged.
    """
    if not (folder / DOUBTS).is_file():
        return {}
    rows = read_table(folder / DOUBTS).to_pylist()
    return {(row["cohort"], row["record_id"]): row["warning"] for row in rows}


def split_cohorts(folder: Folder, split: str) -> tuple[str, ...]:
    """Name the cohorts that a split has records of, without reading its signals.

    Args:
        folder: written by prepare.
        split: "train", "validation" or "test".

    Returns:
        Their names, in the order of the records.

    Raises:
        RarebeatError: naming the shard that is missing or damaged.
    """
    paths = [folder / split / name for name in read_manifest(folder / split)]
    cohorts = pa.concat_tables(read_table(path, ["cohort"]) for path in paths).column("cohort")
    return tuple(dict.fromkeys(cohorts.to_pylist()))


def _signal_type(meta: ShardMeta) -> pa.DataType:
    return pa.binary(len(LEADS) * meta.preprocessing.samples * 2)


def _strings(rows: pa.Table, name: str) -> Strings:
    return np.asarray(rows.column(name).to_numpy(), dtype=object)


def _read_shard(path: Folder, signals: Int16) -> pa.Table:
    """Read one shard: its signals into the array given, the rest is returned."""
    table = read_table(path, memory_map=True)
    if len(table) != len(signals):
        raise RarebeatError(unusable(path, f"{len(table)} rows where {len(signals)} were promised"))
    size = signals.shape[1] * signals.shape[2]
    start = 0
    for chunk in table.column("signal").chunks:
        part = signals[start : start + len(chunk)]
        values = np.frombuffer(chunk.buffers()[1], dtype="<i2")[chunk.offset * size :]
        part[:] = values[: part.size].reshape(part.shape)
        start += len(chunk)
    return table.drop_columns(["signal"])
