"""The measurements of a whole cohort, on all cores or on a cluster."""

from collections.abc import Iterator
from pathlib import Path

from rarebeat.core.parallel import Workers, core_count, map_in_order
from rarebeat.core.record_files import Block, blocks, read_block, read_metadata
from rarebeat.measure.measurements import Measurements, measure

_COLUMNS = ["record_id", "rate", "calibrated", "signal"]
_WORTH = 500  # records for which it pays to start a process

Measured = tuple[str, Measurements]


def measure_cohort(records: Path, workers: Workers | None = None) -> Iterator[Measured]:
    """Measure every record of a cohort, in the order of the records; few of them are in memory at a time.

    Args:
        records: cohort folder written by ingest.
        workers: processes, or the address of a cluster; None takes one process per core, fewer for a small cohort. One
            measures in this process.

    Yields:
        Record id and measurements.

    Raises:
        RarebeatError: when the records cannot be read, or a process was killed.
    """
    for measured in map_in_order(_measure_block, blocks(records), workers or _worker_count(records)):
        yield from measured


def _worker_count(records: Path) -> int:
    count: int = read_metadata(records, ["record_id"]).num_rows
    return max(1, min(core_count(), count // _WORTH))


def _measure_block(block: Block) -> list[Measured]:
    rows = read_block(block, _COLUMNS)
    return [(row["record_id"], measure(row["signal"], row["rate"], row["calibrated"])) for row in rows]
