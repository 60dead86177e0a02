"""Files per second of `rarebeat predict`: one file and one forward pass at a time, and a folder at once.

Simulated WFDB files (12 leads, 10 s, 500 Hz) and a network with random weights, in a temporary folder. One at a time
is how files were answered before there was `--out`: read, preprocess, a forward pass for one ECG. The folder is read
and answered in processes and in batches, and written as Parquet; the start of the processes counts.

    python benchmarks/predict.py --records 500 5000 --repeats 3
    python benchmarks/predict.py --archive exports --network se_resnet --width 64
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from rarebeat.core.context import persons
from rarebeat.core.parquet import read_table
from rarebeat.core.signals import Preprocessing, output_scale
from rarebeat.inference.answer_files import write_answers
from rarebeat.inference.examples import make_examples
from rarebeat.inference.gate import input_windows, network_input
from rarebeat.inference.model_folder import ModelCard, load_model, save_model
from rarebeat.inference.predict import PredictSettings, iterate_answers, open_model
from rarebeat.inference.probabilities import window_logits
from rarebeat.models.registry import NETWORKS, build
from rarebeat.readers.read_file import read_file
from rarebeat.simulator.archives.archive import write_archive
from rarebeat.simulator.settings import SimulatorSettings

MOST = 100
"""Files that are answered one at a time; the rate does not depend on their number."""


def write_model(folder: Path, network: str, width: int) -> None:
    """A model folder with 24 classes and random weights."""
    torch.manual_seed(0)
    settings, signal = {"width": width}, Preprocessing()
    classes = tuple(f"class_{number}" for number in range(24))
    thresholds = dict.fromkeys(classes, 0.5)
    card = ModelCard(network, settings, classes, thresholds, signal, "mV", "all", ("simulated",), "hughes24")
    save_model(folder, build(network, len(classes), signal.samples, settings), card)


def one_at_a_time(files: Sequence[Path], folder: Path) -> float:
    """Files per second with a forward pass for each, the model in memory."""
    module, card = load_model(folder)
    start = time.perf_counter()
    for file in files:
        record = read_file(file)
        found = network_input(record.signal, record.rate, record.calibrated, card)
        person = replace(persons([record.age], [record.sex]), lengths=torch.tensor([found.length]))
        scale, window = output_scale(card.preprocessing), input_windows(card).of(found.signal.shape[1])
        examples = make_examples(found.signal[None], scale, torch.device("cpu"), person, window)
        window_logits(module, examples, 1)[0].sigmoid()
    return len(files) / (time.perf_counter() - start)


def at_once(archive: Path, folder: Path, out: Path, workers: int | None) -> float:
    """Files per second of a folder, from the start of the processes to the last row."""
    start = time.perf_counter()
    model = open_model(folder)
    answers = iterate_answers([archive], folder, model, PredictSettings(workers=workers))
    counts = write_answers(out, answers, model)
    seconds = time.perf_counter() - start
    if counts["not answered"] or len(read_table(out, ["file"])) != counts["answered"]:
        raise SystemExit(f"not every file was answered: {dict(counts)}")
    return counts["answered"] / seconds


def processor_seconds() -> float:
    """Processor time of this process and of those that it has ended."""
    spent = [resource.getrusage(kind) for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def memory() -> float:
    """MB that the largest process has held."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024


def measured(work: Callable[[], float], files: int) -> tuple[float, float]:
    """Files per second, and milliseconds of processor time per file."""
    before = processor_seconds()
    return work(), (processor_seconds() - before) / files * 1000


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--network", choices=list(NETWORKS), default="hughes34")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--workers", type=int, help="processes; default: one per core")
    parser.add_argument(
        "--archive", type=Path, help="folder of WFDB files to answer instead of simulated ones"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        write_model(work / "model", arguments.network, arguments.width)
        print(f"{arguments.network}, width {arguments.width}, load {os.getloadavg()[0]:.1f}")
        print(
            "| files | one at a time: files/s | processor ms | at once: files/s | processor ms | ratio | pairs | MB |"
        )
        print("|---:|---:|---:|---:|---:|---:|---:|---:|")
        for records in [0] if arguments.archive else arguments.records:
            archive = arguments.archive or work / str(records)
            if not arguments.archive:
                write_archive(archive, "wfdb", SimulatorSettings(records=records))
            files = sorted(archive.rglob("*.hea"))
            ways = {
                MOST: partial(one_at_a_time, files[:MOST], work / "model"),
                len(files): partial(
                    at_once, archive, work / "model", work / "out.parquet", arguments.workers
                ),
            }
            pairs = [[measured(way, count) for count, way in ways.items()] for _ in range(arguments.repeats)]
            (before, old_ms), (after, new_ms) = np.median(pairs, axis=0)
            ratios = sorted(new[0] / old[0] for old, new in pairs)
            print(
                f"| {len(files)} | {before:.1f} | {old_ms:.1f} | {after:.1f} | {new_ms:.1f} | {after / before:.1f} "
                f"| {ratios[0]:.1f} to {ratios[-1]:.1f} | {memory():.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
