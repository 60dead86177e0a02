"""Speed of the simulated clinic on one core: records per second of processor time.

    python benchmarks/simulator.py [--records 300] [--repeats 5]
    python benchmarks/simulator.py --json --records 2000 --processes 2

Three steps: the signal alone, one record by one; signal and report, fifty at a time; and all of it stored as Parquet by
an ingest in this process. Each figure is the best of several repeats, in seconds that the processor worked, so that
other work on the machine matters less. BLAS takes no part: the simulator does without. The second form takes the wall
time of one ingest in several processes, their start included.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rarebeat.readers.ingest import ingest_cohort
from rarebeat.simulator.clinic import recording_at, signal_of
from rarebeat.simulator.settings import SimulatorSettings


def signals(settings: SimulatorSettings) -> None:
    """Play the events of every record and make its signal."""
    for index in range(settings.records):
        signal_of(index, recording_at(index, settings), settings)


def signals_and_reports(settings: SimulatorSettings) -> None:
    """Make every record with its report, fifty at a time."""
    from rarebeat.simulator.clinic import (
        simulate_many,
    )  # an older tree, measured by ``stored`` alone, has none

    for first in range(0, settings.records, 50):
        for _ in simulate_many(range(first, min(first + 50, settings.records)), settings):
            pass


def stored(settings: SimulatorSettings, processes: int = 1) -> None:
    """Ingest the cohort, in this process where one is enough."""
    options = {"records": settings.records}
    with tempfile.TemporaryDirectory() as folder:
        ingest_cohort("simulated", Path(), Path(folder) / "clinic", "clinic", options, processes)


STEPS: dict[str, Callable[[SimulatorSettings], None]] = {
    "signal only": signals,
    "signal and report": signals_and_reports,
    "stored as Parquet": stored,
}


def seconds(step: Callable[[SimulatorSettings], None], settings: SimulatorSettings) -> float:
    """Processor time of one step, user and system."""
    recording_at.cache_clear()
    start = time.process_time()
    step(settings)
    return time.process_time() - start


def print_wall_speed(settings: SimulatorSettings, processes: int) -> None:
    """Print, as JSON, the records per second that are made and stored."""
    start = time.perf_counter()
    stored(settings, processes)
    rate = settings.records / (time.perf_counter() - start)
    print(json.dumps([{"name": "simulate and store", "value": rate, "unit": "records/s"}]))


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="only Rarebeat's own speed, for speed.py")
    parser.add_argument("--processes", type=int, default=1, help="with --json")
    arguments = parser.parse_args()
    settings = SimulatorSettings(records=arguments.records)
    if arguments.json:
        print_wall_speed(settings, arguments.processes)
        return
    rounds = [
        {name: seconds(step, settings) for name, step in STEPS.items()} for _ in range(arguments.repeats)
    ]
    print(f"{settings.records} simulated ECGs of 12 x 5000; best of {arguments.repeats}\n")
    print("| step              | records per CPU second | ms per record |")
    print("|-------------------|-----------------------:|--------------:|")
    for name in STEPS:
        best = min(one[name] for one in rounds) / settings.records
        print(f"| {name:<17} | {1 / best:>22,.0f} | {1000 * best:>13.2f} |")


if __name__ == "__main__":
    main()
