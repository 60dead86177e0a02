"""What 1, 10 and 100 million ECGs cost in time, memory, disk and money, computed from what was measured.

    python benchmarks/cost.py                the tables
    python benchmarks/cost.py --write        the tables, into docs/scale.md
    python benchmarks/cost.py --measure data measure a project's data, into reports/speed/disk.csv

Rates come from reports/speed: speed.csv (this tree on one core, WFDB files), gpu-h200-uncompiled.jsonl (the network of
the paper on one H200, the faster training), prepare.md (``benchmarks/prepare.py``: processor time) and disk.csv. Prices
come from benchmarks/prices.csv, which says where and when they were read. Nothing was run at these sizes: time is taken
to be in proportion, but for prepare's where its measured exponent is above 1.
"""

import argparse
import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pyarrow.parquet as pq

from rarebeat.core.files import atomic
from rarebeat.core.tables import Row, markdown_table, write_rows

ROOT = Path(__file__).resolve().parents[1]
PAGE, SPEED = ROOT / "docs" / "scale.md", ROOT / "reports" / "speed"
BEGIN, END = "<!-- written by benchmarks/cost.py -->\n", "<!-- end -->\n"
SIZES = (1e6, 10e6, 100e6)
FOLDERS = ("records", "labels", "shards")
SIGNAL = 12 * 2500 * 2
"""Bytes of a prepared recording in memory: int16, 12 leads, 10 s at 250 Hz."""

CLUSTER = "`workers`: more cores, or a cluster"
COPIES = 2
"""DVC keeps what is in the project in its cache, too: as a copy, where the file system knows no reflinks."""


@dataclass(frozen=True)
class Machine:
    """A machine to hold the needs against: cores, GB of memory and of disk, GPUs, and hours that a step may take."""

    cores: int = 16
    memory: float = 128.0
    disk: float = 2000.0
    gpus: int = 1
    hours: float = 24.0


@dataclass(frozen=True)
class Step:
    """A step of the pipeline: so many seconds of a core (or "gpu") for the first million, growing with a power."""

    name: str
    device: str
    seconds: float
    exponent: float = 1.0
    change: str = ""

    def hours(self, records: float) -> float:
        """Hours of one core or GPU."""
        return float(self.seconds * (records / 1e6) ** self.exponent / 3600)

    def reaches(self, hours: float) -> float:
        """The records that are done in so many hours of one core or GPU.

        >>> Step("ingest", "core", 3600.0).reaches(2.0)
        2000000.0
        """
        return float(1e6 * (hours * 3600 / self.seconds) ** (1 / self.exponent))


@dataclass(frozen=True)
class Need:
    """What lies in memory or on disk: so many bytes, and so many more for each record."""

    name: str
    fixed: float
    each: float
    change: str = ""

    def gigabytes(self, records: float) -> float:
        """GB for so many records."""
        return (self.fixed + self.each * records) / 1e9

    def reaches(self, gigabytes: float) -> float:
        """The records that fit into so many GB.

        >>> Need("shards", 1e9, 1000.0).reaches(3.0)
        2000000.0
        """
        return (gigabytes * 1e9 - self.fixed) / self.each


@dataclass(frozen=True)
class Measured:
    """All that the tables are computed from."""

    steps: tuple[Step, ...]
    memory: tuple[Need, ...]
    disk: tuple[Need, ...]
    prices: dict[str, float]


def read_measured(speed: Path, prices: Path, epochs: int) -> Measured:
    """Read rates and prices.

    Args:
        speed: folder of the measurements.
        prices: table of prices.
        epochs: of a training.
    """
    prepared = prepare_runs(speed / "prepare.md")
    with (speed / "disk.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == "simulated"]
    disk = tuple(Need(row["folder"], 0, int(row["bytes"]) / int(row["records"])) for row in rows)
    with prices.open(encoding="utf-8", newline="") as file:
        cost = {row["item"]: float(row["usd"]) for row in csv.DictReader(file)}
    training = Need("train, shards in memory", 0, SIGNAL, "`train.memory`: stream the shards")
    return Measured(read_steps(speed, prepared, epochs), (prepare_memory(prepared), training), disk, cost)


def read_steps(speed: Path, prepared: Sequence[Mapping[str, float]], epochs: int) -> tuple[Step, ...]:
    """The time of each step."""
    first, last = prepared[0], prepared[-1]
    more = math.log(last["records"] / first["records"])
    # Below 1 what prepare does once is in it, which is no help with many: never better than in proportion.
    exponent = max(1.0, math.log(last["processor s"] / first["processor s"]) / more)
    seconds = last["processor s"] * (1e6 / last["records"]) ** exponent
    lines = (speed / "gpu-h200-uncompiled.jsonl").read_text(encoding="utf-8").splitlines()
    trainings = [entry for entry in map(json.loads, lines) if entry["kind"] == "training"]
    gpu = max(float(entry["examples_per_second"]) for entry in trainings)
    return (
        Step("ingest (WFDB)", "core", 1e6 / core_rate(speed, "ingest challenge"), change=CLUSTER),
        Step("ingest (MUSE XML)", "core", 1e6 / core_rate(speed, "ingest muse-xml"), change=CLUSTER),
        Step("label", "core", 1e6 / core_rate(speed, "labels"), change=CLUSTER),
        Step("prepare", "core", seconds, exponent, CLUSTER),
        Step(f"train, {epochs} epochs", "gpu", epochs * 1e6 / gpu, change="`train.devices`, `train.nodes`"),
    )


def prepare_memory(prepared: Sequence[Mapping[str, float]]) -> Need:
    """The memory of prepare: a constant, and what each record adds."""
    first, last = prepared[0], prepared[-1]
    each = (last["peak MB"] - first["peak MB"]) * 1e6 / (last["records"] - first["records"])
    constant = last["peak MB"] * 1e6 - each * last["records"]
    return Need("prepare", constant, each, "more memory for this stage alone")


def prepare_runs(path: Path) -> list[dict[str, float]]:
    """The table of prepare's benchmark, the fewest records first."""
    lines = [
        line.strip("| ") for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("|")
    ]
    header, _, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    runs = [
        {name: float(cell.replace(",", "")) for name, cell in zip(header, row, strict=True)} for row in rows
    ]
    return sorted(runs, key=lambda run: run["records"])


def core_rate(speed: Path, benchmark: str) -> float:
    """Records per second of a benchmark on one core of this tree."""
    with (speed / "speed.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["benchmark"] == benchmark]
    return median(float(row["value"]) for row in rows if (row["tree"], row["cores"]) == ("new", "1"))


def time_table(measured: Measured) -> list[Row]:
    """Hours of one core or GPU for each step, and what they cost."""
    rows: list[Row] = []
    for step in measured.steps:
        cells: Row = {
            millions(size): f"{quantity(step.hours(size))} h, "
            + dollars(step.hours(size) * measured.prices[step.device])
            for size in SIZES
        }
        rows.append({"step": step.name, "one": "GPU" if step.device == "gpu" else "core", **cells})
    return rows


def space_table(measured: Measured) -> list[Row]:
    """GB in memory and on disk, and what the latter cost a month in a bucket."""
    rows: list[Row] = []
    for need in measured.memory:
        held = {millions(size): f"{quantity(need.gigabytes(size))} GB" for size in SIZES}
        rows.append({"what": f"memory: {need.name}", **held})
    for need in measured.disk:
        price = measured.prices["storage"]
        cells = {
            millions(
                size
            ): f"{quantity(need.gigabytes(size))} GB, ${quantity(need.gigabytes(size) * price)} a month"
            for size in SIZES
        }
        rows.append({"what": f"disk: {need.name}", **cells})
    return rows


def limits(measured: Measured, machine: Machine) -> list[tuple[float, str, str]]:
    """At how many records something is too much for a machine, what, and what to change; the first to break first."""
    total = sum(need.each for need in measured.disk)
    found = [
        (
            Need("", 0, COPIES * total).reaches(machine.disk),
            f"disk: records, labels and shards, {COPIES} times (project and DVC's cache)",
            "`dvc config cache.type hardlink,symlink` halves it; the cache on another disk (`dvc cache dir`)",
        )
    ]
    found += [(need.reaches(machine.memory), f"memory: {need.name}", need.change) for need in measured.memory]
    for step in measured.steps:
        units, name = (machine.gpus, "GPU") if step.device == "gpu" else (machine.cores, "core")
        what = f"time: {step.name} on {units} {name}{'s' * (units > 1)}"
        found.append((step.reaches(units * machine.hours), what, step.change))
    return sorted(found)


def limit_table(measured: Measured, machine: Machine) -> list[Row]:
    """The limits as rows."""
    return [
        {
            "ECGs": f"{quantity(records / 1e6)} million",
            "what is too much then": what,
            "what to change": change,
        }
        for records, what, change in limits(measured, machine)
    ]


def quantity(value: float) -> str:
    """Two digits are what the rates are good for.

    >>> quantity(0.2671), quantity(8.94), quantity(1234567)
    ('0.27', '8.9', '1,200,000')
    """
    if value >= 10:
        return f"{float(f'{value:.2g}'):,.0f}"
    return f"{value:.2g}"


def dollars(value: float) -> str:
    """An amount of money.

    >>> dollars(0.004), dollars(0.31), dollars(1640)
    ('under $0.01', '$0.31', '$1,600')
    """
    return f"${quantity(value)}" if value >= 0.01 else "under $0.01"


def millions(records: float) -> str:
    """A column's name.

    >>> millions(10e6)
    '10 million'
    """
    return f"{records / 1e6:g} million"


def text(measured: Measured, machine: Machine) -> str:
    """The tables, as they stand in docs/scale.md."""
    head = (
        f"On a machine with {machine.cores} cores, {machine.memory:g} GB of memory, {machine.disk / 1000:g} TB of disk "
        f"and {machine.gpus} GPU, where no step may take more than {machine.hours:g} hours:"
    )
    tables = [markdown_table(rows) for rows in (time_table(measured), space_table(measured))]
    return "\n\n".join([*tables, head, markdown_table(limit_table(measured, machine))]) + "\n"


def insert(page: str, tables: str) -> str:
    """Put tables between the marks of a page.

    >>> insert("a\\n" + BEGIN + "old\\n" + END, "new\\n") == "a\\n" + BEGIN + "new\\n" + END
    True
    """
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + tables + END + after


def disk_rows(data: Path, source: str) -> list[Row]:
    """Rows in a project's tables of recordings and labels, and bytes of these folders."""
    rows: list[Row] = []
    for folder in filter(lambda name: (data / name).is_dir(), FOLDERS):
        files = [path for path in (data / folder).rglob("*") if path.is_file()]
        counted = {"records": "part-*", "labels": "codes.parquet", "shards": "shard-*"}[folder]
        records = sum(pq.read_metadata(path).num_rows for path in (data / folder).rglob(counted))
        size = sum(path.stat().st_size for path in files)
        rows.append({"source": source, "folder": folder, "records": str(records), "bytes": str(size)})
    return rows


def add_disk_rows(path: Path, rows: Sequence[Row]) -> None:
    """Put rows into the table of what was measured on disk, in place of those of the same source."""
    kept: list[Row] = []
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            kept = [row for row in csv.DictReader(file) if row["source"] != rows[0]["source"]]
    write_rows(path, [*kept, *rows], list(rows[0]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--epochs", type=int, default=10, help="of a training")
    for name, default in vars(Machine()).items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help="of the machine")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/scale.md")
    parser.add_argument(
        "--measure", type=Path, metavar="DATA", help="a data/ folder, to measure bytes per record"
    )
    parser.add_argument("--source", default="simulated", help="what the recordings in it are")
    chosen = parser.parse_args(arguments)
    if chosen.measure:
        add_disk_rows(SPEED / "disk.csv", disk_rows(chosen.measure, chosen.source))
        return
    machine = Machine(**{name: getattr(chosen, name) for name in vars(Machine())})
    tables = text(read_measured(SPEED, Path(__file__).with_name("prices.csv"), chosen.epochs), machine)
    if not chosen.write:
        print(tables)
        return
    with atomic(PAGE) as temporary:
        temporary.write_text(insert(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main()
