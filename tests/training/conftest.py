"""Settings with which a tiny network learns the toy task of ``make_split`` in a second, and a small clinic."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.labels.extract import label_cohort
from rarebeat.readers.ingest import ingest_cohort
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


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty simulated records of five seconds; none of them has fusion complexes in its report."""
    root = tmp_path_factory.mktemp("clinic")
    ingest_cohort(
        "simulated", Path(), root / "records" / "sim", options={"records": 60, "seconds": 5}, workers=1
    )
    label_cohort(root / "records" / "sim", root / "labels" / "sim", "hughes24")
    settings = PrepareSettings(signal=Preprocessing(rate=100, samples=500))
    summary = prepare(root / "records", root / "labels", root / "shards", ["sim"], settings)
    assert not summary["splits"]["train"]["classes"]["fusion_complexes"]["after"]["positive"]
    return root / "shards"
