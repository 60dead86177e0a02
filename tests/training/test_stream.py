"""A training whose signals stay in their shards, against one whose signals are in memory."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.toy import PARAMS, equal, run
from torch import nn

from rarebeat.core.errors import ParamsError
from rarebeat.dataset import memory, stored
from rarebeat.dataset.folds import FoldSettings, trainable, write_folds
from rarebeat.dataset.remote import folder_at
from rarebeat.dataset.shards import load_split, open_split
from rarebeat.dataset.stored import StoredSignals
from rarebeat.inference.model_folder import load_model
from rarebeat.inference.splits import predict_loaded, predict_splits
from rarebeat.training.experiment import Experiment, fold_experiment, read_experiment
from rarebeat.training.loop import train


def params(**train_settings: Any) -> dict[str, Any]:
    settings = PARAMS["train"] | {"precision": "fp32", "batch": 8} | train_settings  # type: ignore[operator]
    return PARAMS | {"train": settings}


def trained(experiment: Experiment, folder: Path) -> nn.Module:
    run(experiment, folder)
    return load_model(folder / "model")[0]


@pytest.fixture
def _small_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve records of the clinic wait at most."""
    monkeypatch.setattr(stored, "KEPT_MOST", 12 * 12 * 500 * 2)


def test_a_split_that_fits_into_the_buffer_gives_the_weights_of_one_in_memory(
    shards: Path, tmp_path: Path
) -> None:
    changes = {"fraction": 0.8, "epoch_steps": 9, "loss": "weighted_bce", "augment": {"gain": 1.5}}
    experiments = {
        name: read_experiment(params(memory=name, **changes), shards) for name in ("whole", "stream")
    }
    assert isinstance(experiments["stream"].train.signals, StoredSignals)
    assert experiments["whole"].key != experiments["stream"].key
    for name, experiment in experiments.items():
        run(experiment, tmp_path / name)
    files = ("weights.safetensors", "novelty.safetensors")
    for file in files:
        one, other = (tmp_path / name / "model" / file for name in experiments)
        assert one.read_bytes() == other.read_bytes(), file
    cards = [load_model(tmp_path / name / "model")[1] for name in experiments]
    assert [card.training.pop("memory") for card in cards] == ["whole", "stream"]
    assert asdict(cards[0]) == asdict(cards[1])


@pytest.mark.usefixtures("_small_buffer")
def test_a_streamed_training_that_was_killed_ends_with_the_same_weights(shards: Path, tmp_path: Path) -> None:
    experiment = read_experiment(params(memory="stream", epochs=3, window={"samples": 400}), shards)
    parts = experiment.train, experiment.validation, experiment.classes, experiment.model, experiment.settings

    def interrupt(report: Any) -> None:
        if report.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(*parts, tmp_path / "a", interrupt)
    resumed = train(*parts, tmp_path / "a")
    assert equal(resumed, train(*parts, tmp_path / "b"))


@pytest.mark.usefixtures("_small_buffer")
def test_a_streamed_training_has_another_order_and_the_same_statistics(shards: Path, tmp_path: Path) -> None:
    networks = [
        trained(read_experiment(params(memory=name, epochs=1), shards), tmp_path / name)
        for name in ("whole", "stream")
    ]
    assert not equal(*networks)
    assert torch.equal(networks[0].standardise.deviation, networks[1].standardise.deviation)  # type: ignore[union-attr]


def test_folds_are_streamed(shards: Path, tmp_path: Path) -> None:
    everything = trainable(shards)
    write_folds(tmp_path / "folds", everything, FoldSettings((0, 1)))
    networks = [
        trained(
            fold_experiment(params(memory=name, epochs=1), shards, tmp_path / "folds", 1), tmp_path / name
        )
        for name in ("whole", "stream")
    ]
    assert equal(*networks)


def test_auto_streams_where_memory_is_short(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_experiment(params(), shards).settings.memory == "whole"
    monkeypatch.setattr(memory, "allowed_memory", lambda: 100_000)
    experiment = read_experiment(params(), shards)
    assert experiment.settings.memory == "stream"
    assert isinstance(experiment.train.signals, StoredSignals)


def test_shards_behind_a_url_give_the_training_of_a_folder(shards: Path) -> None:
    keys = {
        read_experiment(params(memory="stream"), folder).key
        for folder in (shards, folder_at(f"file://{shards}"))
    }
    assert len(keys) == 1


def test_other_values_are_refused(shards: Path) -> None:
    with pytest.raises(ParamsError, match=r"train\.memory"):
        read_experiment(params(memory="disk"), shards)


@pytest.mark.usefixtures("_small_buffer")
def test_predictions_of_whole_splits_are_those_from_memory_to_the_last_bit(
    shards: Path, tmp_path: Path
) -> None:
    run(read_experiment(params(epochs=1, window={"samples": 300}), shards), tmp_path)
    names = ("validation", "test")
    remote, _ = predict_splits(folder_at(f"file://{shards}"), tmp_path / "model", names)
    streamed, _ = predict_splits(shards, tmp_path / "model", names)
    whole, _ = predict_loaded(tmp_path / "model", {name: load_split(shards, name) for name in names})
    assert streamed.probability.tobytes() == whole.probability.tobytes() == remote.probability.tobytes()
    np.testing.assert_array_equal(streamed.truth, whole.truth)
    assert streamed.record_ids.tolist() == whole.record_ids.tolist()
    assert isinstance(open_split(shards, "test").signals, StoredSignals)
