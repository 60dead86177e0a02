"""Settings with which a tiny network learns the toy task of ``make_split`` in a second."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from rarebeat.training.settings import ModelSettings, TrainSettings


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
