"""What a record is: one 12-lead ECG with its metadata, its Arrow schema, and the one place that reads and writes it.

A cohort on disk is a folder::

    data/records/<cohort>/
      part-00000.parquet ...   records, RECORD_SCHEMA
      quarantine.parquet       what was not trusted, QUARANTINE_SCHEMA
      summary.json             counts (a DVC metric)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rarebeat.errors import RarebeatError
from rarebeat.files import read_table, write_table

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The order of leads everywhere behind ingest."""

REASONS = {
    "unreadable": "the file or its header cannot be parsed",
    "truncated": "fewer samples than the header promises",
    "header_mismatch": "the header contradicts itself or the signal file",
    "wrong_checksum": "samples do not add up to the checksum in the header",
    "missing_leads": "a lead is missing and cannot be derived exactly from the others",
    "unknown_units": "the gain or the unit of a lead is missing or not a voltage",
    "not_a_number": "the signal holds samples marked as invalid",
    "flat_lead": "a lead is constant",
    "clipped": "a lead sits at the limit of the converter",
    "implausible_amplitude": "amplitudes no ECG has: the gain is probably wrong",
    "too_short": "shorter than one second",
    "outside_folder": "the header points to a file outside its folder",
    "duplicate_id": "a second record with the same id",
}
"""Why a record is quarantined: code and meaning."""

RECORD_SCHEMA = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("cohort", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),  # database or part of it, such as "georgia"
        pa.field("patient_id", pa.string()),  # keyed hash; null where the archive does not tell
        pa.field("age", pa.float32()),  # years; 90 stands for 90 and over
        pa.field("sex", pa.string()),  # "female", "male" or null
        pa.field("fold", pa.int16()),  # the database's own fold, where it has one
        pa.field("rate", pa.float32(), nullable=False),  # Hz, native
        pa.field("samples", pa.int32(), nullable=False),
        pa.field("calibrated", pa.bool_(), nullable=False),  # False: amplitude was normalised away
        pa.field("text", pa.string()),  # report
        pa.field("codes", pa.list_(pa.string()), nullable=False),  # "scp:AFIB", "snomed:164889003", "cpsc:I-AVB"
        pa.field("fingerprint", pa.string(), nullable=False),  # of the signal: equal recordings, equal value
        pa.field("signal", pa.binary(), nullable=False),  # little-endian int16, 12 x samples, lead after lead
    ],
    metadata={"leads": ",".join(LEADS), "signal": "int16 little-endian, 12 x samples, microvolt (0.001 NU if not calibrated)"},
)

QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("cohort", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),  # a key of REASONS
        pa.field("detail", pa.string(), nullable=False),
    ]
)

Signal = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Record:
    """One 12-lead ECG as a reader returns it.

    Attributes:
        record_id: unique within its cohort; free of identifying information.
        signal: int16, shape (12, samples), leads in the order of :data:`LEADS`; microvolts, or thousandths of the
            normalised unit where ``calibrated`` is False.
        rate: samples per second.
        source: the database, or the part of it, that the record comes from.
        patient_id: keyed hash, or None where unknown.
        age: years, at most 90 (which stands for 90 and over).
        sex: "female", "male" or None.
        fold: the database's own fold, or None.
        text: the report, or None.
        codes: statements as ``system:code``.
    """

    record_id: str
    signal: Signal
    rate: float
    source: str
    patient_id: str | None = None
    age: float | None = None
    sex: str | None = None
    fold: int | None = None
    calibrated: bool = True
    text: str | None = None
    codes: tuple[str, ...] = ()


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
    """Iterate over a cohort's records as dictionaries, one part in memory at a time.

    ``signal``, where asked for (it is by default), comes as an int16 array of shape (12, samples) that shares the
    memory of its part.
    """
    for part in part_files(folder):
        table = read_table(part, list(columns) if columns else None)
        signals = table.column("signal") if "signal" in table.column_names else None
        rows = table.drop_columns(["signal"]).to_pylist() if signals is not None else table.to_pylist()
        for index, row in enumerate(rows):
            if signals is not None:
                row["signal"] = decode_signal(signals[index].as_buffer())
            yield row


def decode_signal(buffer: Any) -> Signal:
    """View the bytes of a stored signal as int16 of shape (12, samples)."""
    return np.frombuffer(buffer, dtype="<i2").reshape(len(LEADS), -1)


def write_quarantine(path: Path, rows: list[dict[str, str]]) -> None:
    """Write a cohort's quarantine table (also when it is empty)."""
    write_table(path, pa.Table.from_pylist(rows, schema=QUARANTINE_SCHEMA))
