"""How prepare's time and memory grow with the number of records.

    python benchmarks/prepare.py
    python benchmarks/prepare.py --records 500 1000 2000 --json
    python benchmarks/prepare.py > reports/speed/prepare.md

For each number of records a cohort is made in a temporary folder (10 s at 500 Hz, a patient for three records, two
classes; 80,000 records take about 1 GB there), and prepared in a process of its own, whose peak of memory is measured.
The recordings are a few that repeat, but for one sample: they compress better than ECGs do, which spares the disk and
takes prepare as many samples to filter. The exponents say how time and memory grow: 1 is in proportion, 0 not at all.
Processor time is told beside the time that passed: where other work holds the machine, it alone says how time grows.
Memory is a constant and so many bytes per record; both, and with them a million records, are computed from the smallest
and the largest number. Fewer records than are in a shard (2,048) tell little of memory.
"""

import argparse
import datetime
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from speed import processor

from rarebeat.core.files import write_json
from rarebeat.core.parquet import write_table
from rarebeat.core.record_files import write_part, write_quarantine, write_warnings
from rarebeat.core.records import Record, Signal
from rarebeat.core.tables import markdown_table
from rarebeat.dataset.prepare import PrepareSettings, prepare

COHORT = "benchmark"
CLASSES = ("sinus_rhythm", "atrial_fibrillation")
RATE, SAMPLES = 500, 5000
PART = 500
TEMPLATES = 16
MANY = 1_000_000


@dataclass(frozen=True)
class Measured:
    """One run of prepare.

    Attributes:
        records: that went in.
        seconds: that it took.
        processor_seconds: of all its threads, which other work on the machine changes little.
        megabytes: the most memory that its process held.
        before: megabytes that the process held before, with its libraries.
    """

    records: int
    seconds: float
    processor_seconds: float
    megabytes: float
    before: float


def templates() -> list[Signal]:
    """A few recordings: a spike every 0.8 s on steps of noise."""
    random, times = np.random.default_rng([1]), np.arange(SAMPLES) / RATE
    beat = 1000 * np.exp(-(((times % 0.8 - 0.4) / 0.02) ** 2))
    found = []
    for _ in range(TEMPLATES):
        noise = np.repeat(random.normal(0, 20, (12, SAMPLES // 20)), 20, axis=1)
        found.append(np.rint(random.normal(0, 1, (12, 1)) * beat + noise).astype(np.int16))
    return found


def make_records(start: int, stop: int, signals: Sequence[Signal]) -> Iterator[Record]:
    """Records of which no two have the same signal."""
    for index in range(start, stop):
        signal = signals[index % TEMPLATES].copy()
        signal[0, :2] = np.array([index % 30_000, index // 30_000], dtype=np.int16)
        yield Record(f"r{index}", signal, RATE, COHORT, patient_id=f"p{index // 3}", age=50.0, sex="female")


def write_cohort(folder: Path, records: int) -> None:
    """Write records and labels as ingest and label do."""
    own, labels, signals = folder / "records" / COHORT, folder / "labels" / COHORT, templates()
    own.mkdir(parents=True)
    for part, start in enumerate(range(0, records, PART)):
        stop = min(start + PART, records)
        write_part(own / f"part-{part:05d}.parquet", COHORT, make_records(start, stop, signals))
    write_quarantine(own / "quarantine.parquet", [])
    write_warnings(own, {})
    columns: dict[str, pa.Array] = {"record_id": pa.array([f"r{index}" for index in range(records)])}
    for number, name in enumerate(CLASSES):
        columns[name] = pa.array((np.arange(records) % 10 < 8).astype(np.int8) ^ number)
    write_table(labels / "codes.parquet", pa.table(columns))
    write_json(
        labels / "summary.json", {"vocabulary": "benchmark", "classes": {name: name for name in CLASSES}}
    )


def peak() -> float:
    """Megabytes that this process has held at most.

    Where the system tells, since its program began: what ``getrusage`` tells on Linux includes the process that started
    it.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on macOS


def measure(folder: Path, records: int) -> Measured:
    """Prepare the cohort in this process."""
    before, start, used = peak(), time.perf_counter(), time.process_time()
    prepare(folder / "records", folder / "labels", folder / "shards", [COHORT], PrepareSettings(), workers=1)
    seconds, used = time.perf_counter() - start, time.process_time() - used
    return Measured(records, seconds, used, peak(), before)


def measured(records: int) -> Measured:
    """Make a cohort, and prepare it in a process of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        write_cohort(Path(temporary), records)
        command = [sys.executable, __file__, "--measure", temporary, "--records", str(records)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Measured(**json.loads(done.stdout))


class Run(Protocol):
    """A measurement whose numbers grow with the number of records."""

    @property
    def records(self) -> int:
        """How many."""


def exponent(runs: Sequence[Run], name: str) -> float:
    """The power of the number of records with which a number grows: the slope of the logarithms.

    >>> runs = [Measured(n, 2.0 * n, 1.5 * n, 100.0, 50.0) for n in (10, 20, 40)]
    >>> round(exponent(runs, "seconds"), 3), round(exponent(runs, "megabytes"), 3)
    (1.0, 0.0)
    """
    records = np.log([float(run.records) for run in runs])
    values = np.log([float(getattr(run, name)) for run in runs])
    return float(np.polyfit(records, values, 1)[0])


def growth(runs: Sequence[Measured], name: str) -> tuple[float, float]:
    """The constant and what each record adds, from the runs with fewest and most records."""
    first, last = min(runs, key=lambda run: run.records), max(runs, key=lambda run: run.records)
    each = (getattr(last, name) - getattr(first, name)) / (last.records - first.records)
    return getattr(first, name) - each * first.records, each


def report(runs: Sequence[Measured]) -> str:
    """Table and exponents for people."""
    rows = [
        {
            "records": f"{run.records:,}",
            "seconds": f"{run.seconds:.1f}",
            "records/s": f"{run.records / run.seconds:,.0f}",
            "processor s": f"{run.processor_seconds:.1f}",
            "peak MB": f"{run.megabytes:,.0f}",
            "MB before": f"{run.before:,.0f}",
        }
        for run in runs
    ]
    lines = [
        f"# Prepare\n\n{processor()[0]}, {datetime.date.today()}, load {os.getloadavg()[0]:.1f} at the end."
    ]
    lines.append(markdown_table(rows))
    if len(runs) > 1:
        constant, each = growth(runs, "megabytes")
        _, seconds = growth(runs, "processor_seconds")
        lines.append(
            f"Exponent of time {exponent(runs, 'seconds'):.2f}, of processor time "
            f"{exponent(runs, 'processor_seconds'):.2f}, of memory {exponent(runs, 'megabytes'):.2f}. Memory: "
            f"{constant:,.0f} MB and {1e6 * each:,.0f} bytes per record; computed for {MANY:,} records: "
            f"{constant + each * MANY:,.0f} MB and {seconds * MANY / 60:,.0f} minutes of processor time."
        )
    return "\n\n".join(lines)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--records", type=int, nargs="+", default=[5_000, 20_000, 80_000])
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of a table")
    parser.add_argument("--measure", type=Path, help="prepare what lies in this folder, in this process")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(asdict(measure(arguments.measure, arguments.records[0]))))
        return
    runs = [measured(records) for records in arguments.records]
    if arguments.json:
        names = ("seconds", "processor_seconds", "megabytes") if len(runs) > 1 else ()
        exponents = {f"{name}_exponent": exponent(runs, name) for name in names}
        print(json.dumps({"runs": [asdict(run) for run in runs], **exponents}))
    else:
        print(report(runs))


if __name__ == "__main__":
    main()
