"""The ECGs of some records of a cohort as pictures, with what is known of the patient."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tqdm import tqdm

from rarebeat.core.errors import RarebeatError
from rarebeat.core.record_files import iterate_rows
from rarebeat.core.records import Record
from rarebeat.reporting.ecg_page import draw_ecg

_COLUMNS = ["record_id", "source", "age", "sex", "rate", "calibrated", "text", "signal"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn record.

    Attributes:
        png: bytes of the picture; it bears neither report nor codes.
        age: years, or None.
        sex: "female", "male" or None.
        text: the report, or None.
    """

    png: bytes
    age: float | None
    sex: str | None
    text: str | None


def draw_records(folder: Path, record_ids: Collection[str]) -> Mapping[str, Picture]:
    """Draw some records of a cohort.

    Args:
        folder: cohort folder written by ingest.
        record_ids: what to draw.

    Returns:
        By record id.

    Raises:
        RarebeatError: when the cohort cannot be read, or lacks a record.
    """
    wanted = set(record_ids)
    pictures: dict[str, Picture] = {}
    with (
        TemporaryDirectory() as temporary,
        tqdm(total=len(wanted), desc=f"draw {folder.name}", unit="record", disable=None) as progress,
    ):
        for row in iterate_rows(folder, _COLUMNS):
            if row["record_id"] in wanted:
                pictures[row["record_id"]] = _draw(row, Path(temporary) / "ecg.png")
                progress.update()
    if missing := wanted - set(pictures):
        raise RarebeatError(f"{folder} has no record {min(missing)}")
    return pictures


def _draw(row: dict[str, Any], path: Path) -> Picture:
    facts = {name: row[name] for name in ("age", "sex", "calibrated")}
    draw_ecg(path, Record(row["record_id"], row["signal"], row["rate"], row["source"], **facts))
    return Picture(path.read_bytes(), row["age"], row["sex"], row["text"])
