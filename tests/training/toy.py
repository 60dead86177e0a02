"""What the tests of trainings share: the toy task, and a training from params on a small clinic."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rarebeat.dataset.split import Split
from rarebeat.training.experiment import Experiment, read_experiment
from rarebeat.training.loop import EpochReport
from rarebeat.training.run import run_experiment

MakeSplit = Callable[..., Split]

REWARDS = np.array([[1.0, 0.4], [0.4, 1.0]])


def equal(one: nn.Module, other: nn.Module) -> bool:
    state = other.state_dict()
    return all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


PARAMS = {
    "heads": "some",
    "label_sets": {
        "some": ["atrial_fibrillation", "sinus_rhythm", "fusion_complexes"],
        "nobody": ["fusion_complexes"],
        "misspelt": ["sinus_rythm"],
    },
    "model": {"name": "hughes34", "width": 2, "kernel": 5},
    "train": {"epochs": 2, "batch": 32, "threads": 1, "device": "cpu"},
}


def read(folder: Path, shards: Path, **changes: object) -> Experiment:
    folder.mkdir(parents=True, exist_ok=True)
    return read_experiment(PARAMS | changes, shards)


def run(experiment: Experiment, folder: Path) -> list[EpochReport]:
    reports: list[EpochReport] = []
    run_experiment(
        experiment, folder / "model", folder / "curves.csv", folder / "checkpoints", reports.append
    )
    return reports
