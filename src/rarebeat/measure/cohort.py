"""The measurements of a whole cohort, on all cores or on a cluster."""

from collections.abc import Iterable, Iterator
from itertools import islice, repeat
from pathlib import Path

from rarebeat.core.parallel import Workers, core_count, map_in_order
from rarebeat.core.record_files import Block, blocks, read_block, read_metadata
from rarebeat.measure.measurements import Extent, Measurements

_COLUMNS = ["record_id", "rate", "calibrated", "signal"]
_WORTH = 500  # records for which it pays to start a process

Measured = tuple[str, Measurements]


def measure_cohort(
    records: Path, workers: Workers | None = None, extents: Iterable[Extent] | None = None
) -> Iterator[Measured]:
    """Measure every record of a cohort, in the order of the records; few of them are in memory at a time.

    Args:
        records: cohort folder written by ingest.
        workers: processes, or the address of a cluster; None takes one process per core, fewer for a small cohort. One
            measures in this process.
        extents: how much of each record is measured; None: all of all.

    Yields:
        Record id and measurements.

    Raises:
        RarebeatError: when the records cannot be read, or a process was killed.
    """
    wanted = iter(repeat(Extent.COMPLEXES) if extents is None else extents)
    tasks = ((block, tuple(islice(wanted, block.records))) for block in blocks(records))
    for measured in map_in_order(_measure_block, tasks, workers or _worker_count(records)):
        yield from measured


def _worker_count(records: Path) -> int:
    count: int = read_metadata(records, ["record_id"]).num_rows
    return max(1, min(core_count(), count // _WORTH))


def _measure_block(task: tuple[Block, tuple[Extent, ...]]) -> list[Measured]:
    from rarebeat.measure.measuring import measure  # imports SciPy, for which the processes alone should wait

    block, extents = task
    return [
        (row["record_id"], measure(row["signal"], row["rate"], row["calibrated"], extent))
        for row, extent in zip(read_block(block, _COLUMNS), extents, strict=True)
    ]
