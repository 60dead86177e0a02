"""Speed of the simulated clinic on one core: records per second of processor time.

    python benchmarks/simulator.py [--records 300] [--repeats 5]

Three steps, each with all before it: the signal alone, signal and report, and both stored as Parquet by an ingest in
this process. Each figure is the best of several repeats, in seconds that the processor worked, so that other work on
the machine matters less. BLAS takes no part: the simulator does without.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rarebeat.readers.ingest import ingest_cohort
from rarebeat.simulator.clinic import recording_at, signal_of, simulate
from rarebeat.simulator.settings import SimulatorSettings


def signals(settings: SimulatorSettings) -> None:
    """Play the events of every record and make its signal."""
    for index in range(settings.records):
        signal_of(index, recording_at(index, settings), settings)


def signals_and_reports(settings: SimulatorSettings) -> None:
    """Make every record with its report."""
    for index in range(settings.records):
        simulate(index, settings)


def stored(settings: SimulatorSettings) -> None:
    """Ingest the cohort in this process."""
    with tempfile.TemporaryDirectory() as folder:
        ingest_cohort(
            "simulated", Path(), Path(folder) / "clinic", "clinic", {"records": settings.records}, workers=1
        )


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


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    settings = SimulatorSettings(records=arguments.records)
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
