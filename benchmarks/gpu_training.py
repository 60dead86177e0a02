"""Whole trainings at the paper's setting, by the project's own loop: what 96 epochs and Table 1 cost.

python benchmarks/gpu_training.py --folder /tmp/ecgs --runs '[{"classes": "all", "seconds": 60}]'
"""

import argparse
import contextlib
import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from gpu_data import load
from gpu_lines import Deadline, attempt, emit

from rarebeat.dataset.split import Split
from rarebeat.training.loop import EpochReport, train
from rarebeat.training.settings import ModelSettings, TrainSettings

RECORDS = 41_522
EPOCHS = 96
MODELS = 7
"""Of Table 1: all heads, the three rare ones together, and five with a single head."""

RARE = "complete_heart_block"


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        classes: "all" or "one" (a rare one).
        seconds: after which it is stopped, at the end of an epoch.
        compile: as in :class:`rarebeat.training.settings.TrainSettings`.
        batch: examples per step.
        width: of the network; 64 in the paper.
        precision: of the arithmetic.
    """

    classes: str = "all"
    seconds: float = 60.0
    compile: str = "off"
    batch: int = 128
    width: int = 64
    precision: str = "bf16"


class _TimeUpError(Exception):
    pass


def run(options: Run, splits: tuple[Split, Split], device: str) -> dict[str, Any]:
    """Train until the time is up and say how fast."""
    deadline = Deadline(options.seconds)
    start = time.perf_counter()
    reports: list[EpochReport] = []

    def note(report: EpochReport) -> None:
        reports.append(report)
        emit("epoch", classes=options.classes, compile=options.compile, **asdict(report))
        # The first epoch holds the warm-up and says nothing of the next one.
        if deadline.left < (report.seconds if len(reports) > 1 else report.seconds / 10):
            raise _TimeUpError

    present = [bool(known) for known in (splits[0].labels == 1).any(axis=0)]
    names = splits[0].meta.classes
    all_heads = tuple(name for name, known in zip(names, present, strict=True) if known)
    classes = all_heads if options.classes == "all" else (RARE if RARE in all_heads else all_heads[-1],)
    settings = TrainSettings(
        epochs=EPOCHS,
        batch=options.batch,
        compile=options.compile,  # type: ignore[arg-type]
        precision=options.precision,  # type: ignore[arg-type]
        device=device,  # type: ignore[arg-type]
    )
    with tempfile.TemporaryDirectory() as folder:
        model = ModelSettings("hughes34", {"width": options.width})
        with contextlib.suppress(_TimeUpError):
            train(*splits, classes, model, settings, Path(folder), note)
    return costs(reports, time.perf_counter() - start) | {"heads": len(classes), "records": len(splits[0])}


def costs(reports: list[EpochReport], seconds: float) -> dict[str, Any]:
    """What the epochs that were run say of 96.

    Args:
        reports: of the epochs; the first holds the warm-up, and says nothing where it is alone.
        seconds: that all of it took.

    Returns:
        Seconds of an epoch (median, with validation), of all that is not an epoch, of 96 epochs, and examples/s.
    """
    later = reports[1:] or reports
    epoch = statistics.median(report.seconds for report in later)
    before = seconds - epoch * len(reports)
    last = reports[-1]
    return {
        "epochs": len(reports),
        "epoch_seconds": round(epoch, 3),
        "examples_per_second": round(statistics.median(report.examples_per_second for report in later), 1),
        "besides_epochs": round(before, 2),
        "seconds_of_96_epochs": round(before + EPOCHS * epoch, 1) if len(reports) > 1 else None,
        "train_loss": last.train_loss,
        "validation_loss": last.validation_loss,
        "validation_auroc": last.validation_auroc,
    }


def main() -> None:
    """Train one run after the other on the records that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="written by gpu_data.py")
    parser.add_argument("--runs", required=True, help="JSON: a list of objects with fields of Run")
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--held-out", type=int, default=2048)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    start = time.perf_counter()
    training, validation, different = load(options.folder, options.records, options.held_out)
    facts = {"records": len(training), "different": different, "held_out": len(validation)}
    emit("data", **facts, samples=training.signals.shape[2], took=round(time.perf_counter() - start, 1))
    for fields in json.loads(options.runs):
        one = Run(**fields)
        attempt("training", asdict(one), lambda one=one: run(one, (training, validation), options.device))  # type: ignore[misc]


if __name__ == "__main__":
    main()
