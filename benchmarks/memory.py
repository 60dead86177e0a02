"""Peak memory of every stage against the number of records, and of a training within a limit.

    python benchmarks/memory.py                      # ingest, label, train and evaluate
    python benchmarks/memory.py --stages train evaluate --records 20000 80000
    python benchmarks/memory.py --stages train evaluate --records 80000 --limit 480
    python benchmarks/memory.py --stages ingest label --simulated 5000 20000 80000
    python benchmarks/memory.py --stages ingest label --simulated 2000 8000 --workers ray:local

Each stage runs in a process of its own. Ingest and label take simulated records with reports (``--simulated`` of them);
with ``--workers ray:local`` a Ray cluster of this machine does their work, and what is measured is the stage alone.
Train and evaluate take shards of recordings that come again and again, 10 s at 250 Hz, which compress well: 80,000 take
4.8 GB in memory and about half a gigabyte in the temporary folder. Validation and test split have one of 40 each. A
tiny network, which sees a second at a time, is trained for one epoch, with `train.memory` as it is by default, auto:
without a limit, `--memory stream` asks for shards to be streamed also where they would fit. `benchmarks/prepare.py`
measures prepare.

The peak is that of resident memory. It holds the libraries, too, which are told beside it. ``--limit`` is the megabytes
of data that the process may map beside what its libraries have, when they are loaded; Linux refuses more. It is that of
`ulimit -d` and not of `ulimit -v`, which counts what is reserved and never used: gigabytes by torch, 64 MB for each
thread by the C library. Under a limit Arrow uses the allocator of the system (its own reserves a gigabyte of data), and
the C library gives back what is freed (:data:`TIGHT`).
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
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from prepare import exponent, peak, templates
from speed import processor

from rarebeat.core.signals import Preprocessing
from rarebeat.core.tables import markdown_table

SETTINGS = Preprocessing(rate=250, samples=2500)
PARAMS: dict[str, Any] = {
    "heads": "all",
    "label_sets": {"all": "all"},
    "model": {"name": "hughes34", "width": 1, "kernel": 3},
    "train": {
        "epochs": 1,
        "batch": 256,
        "threads": 1,
        "device": "cpu",
        "precision": "fp32",
        "threshold": "max_f1",
        "window": {"samples": 250},
    },
}


@dataclass(frozen=True)
class Conditions:
    """Under what a stage is measured.

    Attributes:
        memory: `train.memory`.
        workers: of ingest and label; None is this process.
        limit: megabytes of data beside the libraries'; None is no limit.
    """

    memory: str = "auto"
    workers: str | None = None
    limit: float | None = None

    def arguments(self) -> list[str]:
        """As the command line takes them."""
        told = {"--memory": self.memory, "--workers": self.workers, "--limit": self.limit}
        return [word for name, value in told.items() if value is not None for word in (name, str(value))]


@dataclass(frozen=True)
class Measured:
    """One stage on some records.

    Attributes:
        stage: its name.
        records: that it read.
        megabytes: the most memory that its process held.
        before: megabytes that the process held before, with its libraries.
        seconds: that it took.
        processor_seconds: of all its threads.
        facts: what else there is to say.
    """

    stage: str
    records: int
    megabytes: float
    before: float
    seconds: float
    processor_seconds: float
    facts: dict[str, Any] = field(default_factory=dict)


def ingest(folder: Path, records: int, conditions: Conditions) -> Callable[[], dict[str, Any]]:
    """Simulate and store a cohort."""
    from rarebeat.readers.ingest import ingest_cohort

    def work() -> dict[str, Any]:
        workers = conditions.workers or 1
        ingest_cohort("simulated", Path(), folder / "records", options={"records": records}, workers=workers)
        return {}

    return work


def label(folder: Path, records: int, conditions: Conditions) -> Callable[[], dict[str, Any]]:
    """Label that cohort."""
    from rarebeat.labels.extract import label_cohort

    def work() -> dict[str, Any]:
        workers = conditions.workers or 1
        label_cohort(folder / "records", folder / "labels", "hughes24", workers=workers)
        return {}

    return work


def train(folder: Path, records: int, conditions: Conditions) -> Callable[[], dict[str, Any]]:
    """Train on shards and choose thresholds."""
    from rarebeat.training.experiment import read_experiment
    from rarebeat.training.run import run_experiment

    def work() -> dict[str, Any]:
        content = PARAMS | {"train": PARAMS["train"] | {"memory": conditions.memory}}
        experiment = read_experiment(content, folder / "shards")
        run_experiment(
            experiment, folder / "model", folder / "curves.csv", folder / "checkpoints", lambda report: None
        )
        return {
            "memory": experiment.settings.memory,
            "signals_mb": (experiment.train.signals.nbytes + experiment.validation.signals.nbytes) / 1e6,
        }

    return work


def evaluate(folder: Path, records: int, conditions: Conditions) -> Callable[[], dict[str, Any]]:
    """Predict validation and test split, and score."""
    from rarebeat.evaluation.evaluate import EvaluateSettings, evaluate
    from rarebeat.inference.splits import predict_splits

    def work() -> dict[str, Any]:
        predictions, _ = predict_splits(folder / "shards", folder / "model", ("validation", "test"))
        found = evaluate(predictions.only("test"), EvaluateSettings())
        return {"tested": found.records}

    return work


STAGES = {"ingest": ingest, "label": label, "train": train, "evaluate": evaluate}
SHARDED = ("train", "evaluate")
TIGHT = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "4194304"}
"""Under a limit: allocators that reserve nothing and give back what is freed."""


def write_shards(folder: Path, records: int, shard_size: int) -> None:
    """Write the three splits of so many records."""
    from stream import write_split

    signals, others = [signal[:, : SETTINGS.samples] for signal in templates()], records // 40
    for split, count in (("train", records - 2 * others), ("validation", others), ("test", others)):
        write_split(folder / "shards", split, SETTINGS, signals, count, shard_size)


def measure(stage: str, folder: Path, records: int, conditions: Conditions) -> Measured:
    """Run a stage in this process."""
    work = STAGES[stage](folder, records, conditions)  # loads the libraries
    before = peak()
    if conditions.limit is not None:
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        allowed = int(status["VmData"].split()[0]) * 1024 + int(conditions.limit * 1e6)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
    start, used = time.perf_counter(), time.process_time()
    facts = work()
    return Measured(
        stage, records, peak(), before, time.perf_counter() - start, time.process_time() - used, facts
    )


def measured(stage: str, folder: Path, records: int, conditions: Conditions) -> Measured:
    """Run a stage in a process of its own.

    Raises:
        SystemExit: with what it said, when it fails.
    """
    command = [sys.executable, __file__, "--measure", str(folder), "--stages", stage]
    command += ["--records", str(records), *conditions.arguments()]
    environment = dict(os.environ)
    if conditions.limit is not None:
        environment |= TIGHT
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{stage} of {records:,} records failed ({done.returncode})")
    line = done.stdout.splitlines()[-1]
    print(line, file=sys.stderr, flush=True)
    return Measured(**json.loads(line))


def report(runs: Sequence[Measured], conditions: Conditions) -> str:
    """Table for people."""
    rows = []
    for run in runs:
        smaller = [one for one in runs if one.stage == run.stage and one.records < run.records]
        growth = (
            (run.megabytes - smaller[-1].megabytes) / (run.records - smaller[-1].records) if smaller else None
        )
        rows.append(
            {
                "stage": run.stage,
                "records": f"{run.records:,}",
                "peak MB": f"{run.megabytes:,.0f}",
                "MB before": f"{run.before:,.0f}",
                "bytes per further record": None if growth is None else f"{1e6 * growth:,.0f}",
                "signals MB": f"{run.facts['signals_mb']:,.0f}" if "signals_mb" in run.facts else None,
                "memory": run.facts.get("memory"),
                "seconds": f"{run.seconds:,.0f}",
                "processor s": f"{run.processor_seconds:,.0f}",
            }
        )
    heading = f"{processor()[0]}, {datetime.date.today()}, load {os.getloadavg()[0]:.1f} at the end."
    if conditions.limit is not None:
        heading += f" Limit: {conditions.limit:,.0f} MB of data beside the libraries'."
    if conditions.workers is not None:
        heading += f" Ingest and label with `workers: {conditions.workers}`."
    parts = ["# Peak memory of stages", heading, markdown_table(rows), *_growth(runs)]
    return "\n\n".join(parts)


def _growth(runs: Sequence[Measured]) -> list[str]:
    """How processor time and memory of each stage grow: 1 is in proportion, 0 not at all."""
    lines = []
    for stage in STAGES:
        own = [run for run in runs if run.stage == stage]
        if len(own) > 1:
            time_grows, memory_grows = exponent(own, "processor_seconds"), exponent(own, "megabytes")
            lines.append(
                f"- {stage}: exponent of processor time {time_grows:.2f}, of memory {memory_grows:.2f}"
            )
    return ["\n".join(lines)] if lines else []


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument(
        "--records", type=int, nargs="+", default=[20_000, 80_000], help="of train and evaluate"
    )
    parser.add_argument("--simulated", type=int, nargs="+", default=[1000, 4000], help="of ingest and label")
    parser.add_argument("--shard-size", type=int, default=512, help="records per shard")
    parser.add_argument("--memory", choices=["auto", "whole", "stream"], default="auto")
    parser.add_argument("--workers", help="of ingest and label, as in params.yaml; such as ray:local")
    parser.add_argument("--limit", type=float, help="MB of data, beside the libraries' (Linux)")
    parser.add_argument(
        "--measure", type=Path, help="run one stage in this process, on what lies in this folder"
    )
    arguments = parser.parse_args()
    conditions = Conditions(arguments.memory, arguments.workers, arguments.limit)
    if arguments.measure:
        (stage,), (records,) = arguments.stages, arguments.records
        found = measure(stage, arguments.measure, records, conditions)
        print(json.dumps(asdict(found)))
        return
    runs: list[Measured] = []
    for stages, sizes, sharded in (
        ([name for name in arguments.stages if name not in SHARDED], arguments.simulated, False),
        ([name for name in arguments.stages if name in SHARDED], arguments.records, True),
    ):
        for records in sizes if stages else []:
            with tempfile.TemporaryDirectory() as temporary:
                if sharded:
                    write_shards(Path(temporary), records, arguments.shard_size)
                runs += [measured(stage, Path(temporary), records, conditions) for stage in stages]
    print(report(sorted(runs, key=lambda run: (list(STAGES).index(run.stage), run.records)), conditions))


if __name__ == "__main__":
    main()
