"""Records on disk: their schema, and the one place that reads and writes them.

A cohort on disk is a folder::

    data/records/<cohort>/
      part-00000.parquet ...   records, RECORD_SCHEMA
      quarantine.parquet       what was not trusted, QUARANTINE_SCHEMA
      warnings.parquet         records of which something is doubtful, WARNING_SCHEMA
      summary.json             counts (a DVC metric)
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parquet import (
    read_row_group,
    read_table,
    row_group_sizes,
    row_groups,
    table_of,
    write_table,
)
from rarebeat.core.records import LEADS, Record, Signal

RECORD_SCHEMA = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("cohort", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),  # database or part of it, such as "georgia"
        pa.field(
            "patient_id", pa.string()
        ),  # keyed hash, or the id of a subject's only record; null where unknown
        pa.field("age", pa.float32()),  # years; 90 stands for 90 and over
        pa.field("sex", pa.string()),  # "female", "male" or null
        pa.field("fold", pa.int16()),  # the database's own fold, where it has one
        pa.field("rate", pa.float32(), nullable=False),  # Hz, native
        pa.field("samples", pa.int32(), nullable=False),
        pa.field("calibrated", pa.bool_(), nullable=False),  # False: amplitude was normalised away
        pa.field("text", pa.string()),  # report
        pa.field("codes", pa.list_(pa.string()), nullable=False),  # "scp:AFIB", "snomed:164889003"
        pa.field("fingerprint", pa.string(), nullable=False),  # of the signal: equal recordings, equal value
        pa.field("signal", pa.binary(), nullable=False),  # see `encode_signal`
    ],
    metadata={
        "leads": ",".join(LEADS),
        "signal": "int16, 12 x samples, lead after lead, microvolt (0.001 NU if not calibrated); the low bytes of all "
        "samples, then their high bytes",
    },
)

_SAMPLE_AFTER_SAMPLE = b"int16 little-endian, 12 x samples, microvolt (0.001 NU if not calibrated)"
"""What cohorts of earlier versions say of their signals."""

WARNINGS = "warnings.parquet"

QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("cohort", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),  # a key of REASONS
        pa.field("detail", pa.string(), nullable=False),
    ]
)

WARNING_SCHEMA = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("warning", pa.string(), nullable=False),  # for a person
    ]
)

_ROW_GROUP_BYTES = 8 << 20
_PARQUET: dict[str, Any] = {
    # Of signals with their bytes in planes, level -3 takes 0.8 of the time of level 1, for 5 % more bytes.
    "compression": "zstd",
    "compression_level": -3,
    "use_dictionary": ["cohort", "source", "sex", "text"],
    "write_statistics": False,
    "write_page_checksum": True,
}


def part_files(folder: Path) -> list[Path]:
    """The record files of a cohort, in order.

    Raises:
        RarebeatError: when the folder holds none.
    """
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        raise RarebeatError(f"no records in {folder}: expected part-*.parquet, written by `rarebeat ingest`")
    return parts


def read_metadata(folder: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a cohort without its signals (all other columns, or those named)."""
    names = list(columns) if columns else [name for name in RECORD_SCHEMA.names if name != "signal"]
    return pa.concat_tables(read_table(part, names) for part in part_files(folder))


def iterate_rows(folder: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Iterate over a cohort's records as dictionaries, one row group (8 MB of signals) in memory at a time.

    ``signal``, where asked for (it is by default), comes as an int16 array of shape (12, samples).

    Raises:
        RarebeatError: when there are no records, or a part is damaged.
    """
    for part in part_files(folder):
        for table in row_groups(part, list(columns) if columns else None):
            yield from _rows(table)


@dataclass(frozen=True)
class Block:
    """Some records of a cohort that are read together: a row group, 8 MB of signals.

    Attributes:
        part: the file.
        index: of the row group.
        records: how many.
    """

    part: Path
    index: int
    records: int


def blocks(folder: Path) -> Iterator[Block]:
    """List the blocks of a cohort, in order: what processes side by side read, a block each.

    Raises:
        RarebeatError: when there are no records, or a part is damaged.
    """
    for part in part_files(folder):
        for index, records in enumerate(row_group_sizes(part)):
            yield Block(part, index, records)


def read_block(block: Block, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Iterate over the records of a block as :func:`iterate_rows` does.

    Raises:
        RarebeatError: when the part is missing or damaged.
    """
    return _rows(read_row_group(block.part, block.index, list(columns)))


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    signals = table.column("signal") if "signal" in table.column_names else None
    rows = table.drop_columns(["signal"]).to_pylist() if signals is not None else table.to_pylist()
    in_planes = (table.schema.metadata or {}).get(b"signal") != _SAMPLE_AFTER_SAMPLE
    for index, row in enumerate(rows):
        if signals is not None:
            content = signals[index].as_buffer()
            row["signal"] = decode_signal(content) if in_planes else _view(content)
        yield row


def encode_signal(signal: Signal, out: npt.NDArray[np.uint8]) -> None:
    """Write a signal as it is stored: the low bytes of all samples, then their high bytes.

    The high bytes of neighbours are mostly equal: they compress to almost nothing, so that files are smaller than with
    sample after sample, and written and read in half to two thirds of the time.

    Args:
        signal: int16, shape (12, samples).
        out: shape (24 x samples,); filled.
    """
    low, high = out.reshape(2, *signal.shape)
    low[:] = signal.astype(np.uint8)  # modulo 256
    high[:] = (signal >> 8).astype(np.uint8)


def decode_signal(buffer: Any) -> Signal:
    """Read the bytes of a stored signal (see :func:`encode_signal`) as int16 of shape (12, samples)."""
    low, high = np.frombuffer(buffer, np.uint8).reshape(2, len(LEADS), -1)
    joined = high.astype(np.uint16)
    joined <<= 8
    joined |= low
    return joined.view(np.int16)


def _view(buffer: Any) -> Signal:
    return np.frombuffer(buffer, dtype="<i2").reshape(len(LEADS), -1)


def fingerprint(signal: Signal) -> str:
    """16 hexadecimal digits of the SHA-256 of a signal."""
    return hashlib.sha256(np.ascontiguousarray(signal, dtype="<i2").data).hexdigest()[:16]


def write_part(path: Path, cohort: str, records: Iterable[Record]) -> int:
    """Write records as one Parquet file, a row group at a time; no file when there are none.

    Args:
        path: the file, in a folder that is not yet in use.
        cohort: name of the cohort.
        records: consumed one by one: at most a row group is in memory.

    Returns:
        How many records were written.
    """
    count = 0
    with ExitStack() as stack:
        writer = None
        for group in _grouped(records):
            writer = writer or stack.enter_context(pq.ParquetWriter(path, RECORD_SCHEMA, **_PARQUET))
            writer.write_table(_to_table(group, cohort))
            count += len(group)
    return count


def _grouped(records: Iterable[Record]) -> Iterator[list[Record]]:
    group: list[Record] = []
    size = 0
    for record in records:
        group.append(record)
        size += record.signal.nbytes
        if size >= _ROW_GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _to_table(records: list[Record], cohort: str) -> pa.Table:
    columns: dict[str, list[Any]] = {
        "record_id": [record.record_id for record in records],
        "cohort": [cohort] * len(records),
        "source": [record.source for record in records],
        "patient_id": [record.patient_id for record in records],
        "age": [record.age for record in records],
        "sex": [record.sex for record in records],
        "fold": [record.fold for record in records],
        "rate": [record.rate for record in records],
        "samples": [record.signal.shape[1] for record in records],
        "calibrated": [record.calibrated for record in records],
        "text": [record.text for record in records],
        "codes": [list(record.codes) for record in records],
        "fingerprint": [fingerprint(record.signal) for record in records],
    }
    place = RECORD_SCHEMA.get_field_index("signal")
    described = table_of(columns, RECORD_SCHEMA.remove(place))
    return described.append_column(RECORD_SCHEMA.field(place), _encode_signals(records))


def _encode_signals(records: list[Record]) -> pa.Array:
    """Signals as one binary array."""
    ends = np.cumsum([0] + [record.signal.nbytes for record in records], dtype=np.int32)
    content = np.empty(ends[-1], np.uint8)
    for record, start, end in zip(records, ends[:-1], ends[1:], strict=True):
        encode_signal(record.signal, content[start:end])
    return pa.BinaryArray.from_buffers(
        pa.binary(), len(records), [None, pa.py_buffer(ends), pa.py_buffer(content)]
    )


def write_quarantine(path: Path, rows: list[dict[str, str]]) -> None:
    """Write a cohort's quarantine table (also when it is empty)."""
    columns = {name: [row[name] for row in rows] for name in QUARANTINE_SCHEMA.names}
    write_table(path, table_of(columns, QUARANTINE_SCHEMA))


def read_quarantine(folder: Path) -> pa.Table:
    """Read the quarantine table of a cohort."""
    return read_table(folder / "quarantine.parquet")


def write_warnings(folder: Path, warnings: Mapping[str, str]) -> None:
    """Write what is doubtful of the records of a cohort, by record id (also when nothing is)."""
    columns = {"record_id": list(warnings), "warning": list(warnings.values())}
    write_table(folder / WARNINGS, table_of(columns, WARNING_SCHEMA))


def read_warnings(folder: Path) -> dict[str, str]:
    """Read what is doubtful of the records of a cohort.

    Args:
        folder: written by ingest.

    Returns:
        By record id; records that are not there are not doubtful, and none is in a cohort of an earlier version, which
        has no such table.

    Raises:
        RarebeatError: when the table is damaged.
    """
    if not (folder / WARNINGS).is_file():
        return {}
    table = read_table(folder / WARNINGS)
    return dict(zip(table.column("record_id").to_pylist(), table.column("warning").to_pylist(), strict=True))
