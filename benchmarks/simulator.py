"""Speed and memory of the simulated clinic, from nothing to Parquet, with one process and with two.

    python benchmarks/simulator.py [--records 2000 8000] [--processes 1 2] [--repeats 3]

Each run is an ingest of the simulated cohort in a fresh Python process, start of the workers included; the runs take
turns, so that whatever else the machine does falls on all of them alike, and the table holds medians. The peak is that
of the largest of the processes: it stays the same however many records there are, because no process holds more of them
than one part file.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rarebeat.readers.ingest import ingest_cohort

_UNIT = 1024**2 if sys.platform == "darwin" else 1024
"""What ``ru_maxrss`` has to be divided by for megabytes."""

Run = tuple[int, int]  # records, processes


def ingest_once(records: int, processes: int) -> None:
    """Ingest a cohort in this process, and print the seconds and megabytes that it took as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        ingest_cohort("simulated", Path(), Path(folder) / "clinic", "clinic", {"records": records}, processes)
        seconds = time.perf_counter() - start
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"seconds": seconds, "megabytes": max(peaks) / _UNIT}))


def measure(run: Run) -> dict[str, float]:
    """What :func:`ingest_once` prints in a process of its own."""
    records, processes = run
    command = [sys.executable, __file__, "--once", str(records), str(processes)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, nargs="+", default=[2000, 8000])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--once", type=int, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        ingest_once(*arguments.once)
        return
    runs = [(records, processes) for records in arguments.records for processes in arguments.processes]
    rounds = [{run: measure(run) for run in runs} for _ in range(arguments.repeats)]
    print(f"simulated ECGs of 12 x 5000, ingested; medians of {arguments.repeats}\n")
    print("| records | processes | records/s | times | peak MB |")
    print("|--------:|----------:|----------:|------:|--------:|")
    for records in arguments.records:
        first = 0.0
        for processes in arguments.processes:
            found = [round_[records, processes] for round_ in rounds]
            rate = records / statistics.median(one["seconds"] for one in found)
            peak = statistics.median(one["megabytes"] for one in found)
            first = first or rate
            print(
                f"| {records:>7,} | {processes:>9} | {rate:>9,.0f} | {rate / first:>5.2f} | {peak:>7,.0f} |"
            )


if __name__ == "__main__":
    main()
