"""The measurements of a whole cohort, on all cores."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from rarebeat.core.parallel import core_count, map_in_order
from rarebeat.core.record_files import iterate_rows, read_metadata
from rarebeat.measure.measurements import Measurements, measure

_COLUMNS = ["record_id", "rate", "calibrated", "signal"]
_BATCH = 64  # records that go to a process at once: about 8 MB
_WORTH = 500  # records for which it pays to start a process

Measured = tuple[str, Measurements]


def measure_cohort(records: Path, workers: int | None = None) -> Iterator[Measured]:
    """Measure every record of a cohort, in the order of the records; few of them are in memory at a time.

    Args:
        records: cohort folder written by ingest.
        workers: processes; None takes one per core, fewer for a small cohort. One measures in this process.

    Yields:
        Record id and measurements.

    Raises:
        RarebeatError: when the records cannot be read, or a process was killed.
    """
    rows = iterate_rows(records, _COLUMNS)
    batches = iter(lambda: list(islice(rows, _BATCH)), [])
    for measured in map_in_order(_measure_batch, batches, workers or _worker_count(records)):
        yield from measured


def _worker_count(records: Path) -> int:
    count: int = read_metadata(records, ["record_id"]).num_rows
    return max(1, min(core_count(), count // _WORTH))


def _measure_batch(rows: list[dict[str, Any]]) -> list[Measured]:
    return [(row["record_id"], measure(row["signal"], row["rate"], row["calibrated"])) for row in rows]
