"""Small trainings, and the command that the tests start in several processes: it trains some of them in turn.

``python cases.py FOLDER PROCESSES CASE...`` writes ``FOLDER/CASE.json`` with what each epoch reported.
"""

import json
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import torch

from rarebeat.core.signals import Preprocessing
from rarebeat.dataset import stored
from rarebeat.dataset.shards import SplitWriter, open_split, row_schema
from rarebeat.dataset.split import ShardMeta, Split
from rarebeat.dataset.windows import WindowSettings
from rarebeat.training.distributed.launch import joined, one_message, start_processes
from rarebeat.training.distributed.world import ALONE, World
from rarebeat.training.loop import EpochReport, train
from rarebeat.training.settings import AugmentSettings, FineTune, ModelSettings, Pretrain, TrainSettings

REWARDS = np.array([[1.0, 0.4], [0.4, 1.0]])
BASE = TrainSettings(
    epochs=2, batch=15, learning_rate=0.001, precision="fp32", device="cpu", threads=1, l2=0.01
)


def toy_split(records: int, seed: int, padded: bool = False) -> Split:
    """Noise with a wave in the limb leads where the first label is 1; a fifth of the labels is unknown."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, (records, 2), dtype=np.int8)
    signals = random.normal(0, 200, (records, 12, 96))
    signals[:, :6] += labels[:, :1, None] * (500 * np.sin(np.arange(96) / 4))
    labels[random.random(labels.shape) < 0.2] = -1
    lengths = random.integers(40, 97, records) if padded else None
    for signal, length in zip(signals, lengths if lengths is not None else (), strict=padded):
        signal[:, length:] = 0
    names = np.array([str(index) for index in range(records)], dtype=object)
    meta = ShardMeta(("one", "two"), Preprocessing(rate=100, samples=96), 0.001, "mV", "toy")
    return Split(np.rint(signals).astype(np.int16), labels, names, names, names, meta, lengths=lengths)


def stored_split(split: Split, folder: Path) -> Split:
    """The same records, with their signals in shards of twelve."""
    count = len(split)
    known = {
        "record_id": split.record_ids.tolist(),
        "cohort": ["toy"] * count,
        "patient": split.patients.tolist(),
        "age": [None] * count,
        "sex": [None] * count,
        "length": [split.signals.shape[2]] * count,
    }
    labels = dict(zip(split.meta.classes, split.labels.T, strict=True))
    schema = row_schema(split.meta.classes)
    writer = SplitWriter(folder / "toy", split.meta, pa.table(known | labels, schema=schema), 12)
    for signal in np.asarray(split.signals):
        writer.add(signal)
    writer.finish()
    return replace(split, signals=open_split(folder, "toy").signals)


@dataclass(frozen=True)
class Case:
    """One training on 45 records in batches of 15, of which two processes take seven and eight.

    In fp64, rounding plays no part. In fp32 it moves what Adam makes of gradients that are zero but for rounding, as
    those of biases before a batch norm are: in one process as in many, they wander, and validation shows it.
    """

    model: ModelSettings
    settings: TrainSettings
    padded: bool = False
    double: bool = True
    streamed: bool = False


_HUGHES34 = ModelSettings("hughes34", {"width": 4, "kernel": 5})
_GLOBAL_SKIP = ModelSettings("global_skip", {"width": 4})

CASES = {
    # the network of the paper, with masked labels, and more steps in an epoch than one pass has
    "hughes34": Case(_HUGHES34, replace(BASE, epochs=1, epoch_steps=6)),
    "hughes34_fp32": Case(_HUGHES34, BASE, double=False),
    "muon": Case(_HUGHES34, replace(BASE, optimiser="muon")),
    # padded recordings: batch norm counts what lies inside them; two stages, each with a loss of its own
    "padded": Case(
        _GLOBAL_SKIP,
        replace(BASE, loss="weighted_bce", pretrain=Pretrain(1, "challenge"), keep="best"),
        padded=True,
    ),
    "padded_fp32": Case(_GLOBAL_SKIP, replace(BASE, loss="weighted_bce"), padded=True, double=False),
    # everything that is drawn at random for an example
    "random": Case(
        _GLOBAL_SKIP,
        replace(
            BASE,
            augment=AugmentSettings(gain=1.5, stretch=0.1, lead_dropout=0.1, hide_person=0.5),
            window=WindowSettings(64),
        ),
    ),
    # signals in shards, of whose records nine wait at most; two passes in each epoch
    "streamed": Case(
        _GLOBAL_SKIP,
        replace(BASE, memory="stream", epoch_steps=5, window=WindowSettings(64)),
        streamed=True,
    ),
    # a frozen body, then all layers, each with a learning rate of its own
    "heads_first": Case(
        _GLOBAL_SKIP,
        replace(BASE, epochs=1, init="elsewhere", finetune=FineTune("heads_first", head_epochs=1)),
    ),
    "long": Case(_GLOBAL_SKIP, replace(BASE, epochs=3)),
    "diverging": Case(_GLOBAL_SKIP, replace(BASE, learning_rate=1e30)),
}


def run_case(
    name: str, folder: Path, world: World = ALONE
) -> tuple[list[EpochReport], dict[str, torch.Tensor]]:
    """Train a case; what each epoch reported, and the weights."""
    case, reports = CASES[name], list[EpochReport]()

    def note(report: EpochReport) -> None:
        reports.append(report)
        print(f"{name} {report.epoch}", flush=True)
        if (folder / f"wait-after-{report.epoch}").exists():
            time.sleep(600)  # the others wait at their next step: here one of them can be killed

    def initialise(network: torch.nn.Module) -> None:
        if case.double:
            network.double()

    splits = [toy_split(45, 0, case.padded), toy_split(35, 1, case.padded)]
    if case.streamed:
        own = folder / f"shards-of-{world.rank}"
        splits = [stored_split(split, own / str(number)) for number, split in enumerate(splits)]
    with patch.object(stored, "KEPT_MOST", 9 * 12 * 96 * 2):
        network = train(
            *splits,
            ("one", "two"),
            case.model,
            replace(case.settings, devices=world.size),
            folder / "checkpoints",
            note,
            REWARDS,
            initialise,
            key=name,
            world=world,
        )
    return reports, network.state_dict()


def main(folder: Path, processes: int, names: list[str]) -> None:
    """Train some cases together with the other processes."""
    with one_message():
        settings = replace(BASE, devices=processes)
        if "SLURM_JOB_ID" in os.environ:
            settings = replace(settings, devices=1, nodes=processes)
        if start_processes(settings):
            return
        with joined(ModelSettings(), settings) as world:
            (folder / f"process-{world.rank}").write_text(str(os.getpid()))
            for name in names:
                reports, weights = run_case(name, folder, world)
                if world.first:
                    torch.save(weights, folder / f"{name}.pt")
                    content = json.dumps([asdict(report) for report in reports])
                    (folder / f"{name}.json").write_text(content)


if __name__ == "__main__":
    from rarebeat.cli.console import run

    run(main)
