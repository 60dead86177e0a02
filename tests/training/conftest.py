"""A toy task that a tiny network learns in a second, and settings that do it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.split import ShardMeta, Split
from rarebeat.training.settings import ModelSettings, TrainSettings

SAMPLES = 96
CLASSES = ("up", "down", "rare")

MakeSplit = Callable[..., Split]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_split() -> MakeSplit:
    """Noise; "up" adds a slow wave to the limb leads, "down" a fast one to V1-V6, "rare" is both at once."""

    def make(records: int = 96, seed: int = 0, uncertain: float = 0.0) -> Split:
        random = np.random.default_rng([seed, 1])
        labels = (random.random((records, 3)) < (0.5, 0.5, 0.0)).astype(np.int8)
        labels[:, 2] = labels[:, 0] & labels[:, 1]
        phase = random.uniform(0, 2 * np.pi, (2, records, 1, 1))
        slow, fast = 500 * np.sin(2 * np.pi * np.arange(SAMPLES) / np.array([[[[24]]], [[[8]]]]) + phase)
        signals = random.normal(0, 200, (records, 12, SAMPLES))
        signals[:, :6] += labels[:, 0, None, None] * slow
        signals[:, 6:] += labels[:, 1, None, None] * fast
        labels[random.random(labels.shape) < uncertain] = -1
        names = np.array([f"{seed}-{index}" for index in range(records)], dtype=object)
        meta = ShardMeta(CLASSES, Preprocessing(rate=100, samples=SAMPLES), 0.001, "mV", "toy")
        return Split(
            np.rint(signals).astype(np.int16),
            labels,
            names,
            np.full(records, "toy", dtype=object),
            names,
            meta,
        )

    return make


@pytest.fixture
def tiny() -> ModelSettings:
    return ModelSettings("hughes34", {"width": 4})


@pytest.fixture
def quick() -> TrainSettings:
    return TrainSettings(epochs=3, batch=16, learning_rate=0.005, precision="fp32", device="cpu")


@pytest.fixture
def changed() -> Callable[..., TrainSettings]:
    """``changed(settings, epochs=5)``: the same settings but for some."""
    return replace
