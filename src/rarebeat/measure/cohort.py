"""The measurements of a whole cohort, on all cores."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import Any

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parallel import process_pool
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
    count = workers or _worker_count(records)
    if count > 1:
        yield from _measure_in_parallel(batches, count)
        return
    for batch in batches:
        yield from _measure_batch(batch)


def _worker_count(records: Path) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count: int = read_metadata(records, ["record_id"]).num_rows
    return max(1, min(cores, count // _WORTH))


def _measure_in_parallel(batches: Iterator[list[dict[str, Any]]], workers: int) -> Iterator[Measured]:
    waiting: deque[Future[list[Measured]]] = deque()
    try:
        with process_pool(workers) as pool:
            for batch in batches:
                waiting.append(pool.submit(_measure_batch, batch))
                if len(waiting) > 2 * workers:
                    yield from waiting.popleft().result()
            for future in waiting:
                yield from future.result()
    except BrokenProcessPool as error:
        raise RarebeatError(
            "a process that measured signals was killed, probably for lack of memory"
        ) from error


def _measure_batch(rows: list[dict[str, Any]]) -> list[Measured]:
    return [(row["record_id"], measure(row["signal"], row["rate"], row["calibrated"])) for row in rows]
