"""A training that starts from the weights of a model."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.toy import PARAMS, read, run
from torch import nn

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.inference.model_folder import card_digest, load_model, save_model
from rarebeat.models.registry import build
from rarebeat.training.experiment import Experiment


@pytest.fixture(scope="module")
def trained(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder of a network that knows sinus rhythm and atrial fibrillation."""
    folder = tmp_path_factory.mktemp("trained")
    run(read(folder, shards, train=PARAMS["train"] | {"epochs": 1, "learning_rate": 0.05}), folder)  # type: ignore[operator]
    return folder / "model"


def started(
    shards: Path, folder: Path, init: Path, heads: list[str]
) -> tuple[Experiment, nn.Module, nn.Module]:
    """An experiment that starts from a model, the new network before, and after it got the weights."""
    experiment = read(
        folder,
        shards,
        heads="some",
        label_sets={"some": heads},
        train=PARAMS["train"] | {"init": str(init)},  # type: ignore[operator]
    )
    networks = []
    for _ in range(2):
        torch.manual_seed(3)
        networks.append(build("hughes34", len(experiment.classes), 500, {"width": 2, "kernel": 5}))
    experiment.initialise(networks[1])
    return experiment, networks[0], networks[1]


def test_a_training_starts_from_the_trunk_and_the_heads_that_both_know(
    shards: Path, trained: Path, tmp_path: Path
) -> None:
    heads = ["sinus_rhythm", "av_block_1st_degree", "atrial_fibrillation"]
    experiment, fresh, network = started(shards, tmp_path, trained, heads)
    module, card = load_model(trained)
    assert set(card.classes) < set(experiment.classes)
    before, after, old = fresh.state_dict(), network.state_dict(), module.state_dict()
    for name in before:
        if not name.startswith("heads."):
            assert torch.equal(after[name], old[name])
            continue
        for row, entry in enumerate(experiment.classes):
            expected = old[name][card.classes.index(entry)] if entry in card.classes else before[name][row]
            assert torch.equal(after[name][row], expected)


@pytest.mark.slow
def test_what_a_training_starts_from_decides_its_weights_and_its_key(
    shards: Path, trained: Path, tmp_path: Path
) -> None:
    plain = read(tmp_path, shards)
    again = tmp_path / "again"
    shutil.copytree(trained, again)
    starting = replace(plain.settings, init=str(again))
    first = replace(plain, settings=starting).key
    module, card = load_model(again)
    for weights in module.parameters():
        weights.data += 0.1
    save_model(again, module, card)
    assert replace(plain, settings=starting).key != first

    slow = replace(plain.settings, epochs=1, learning_rate=1e-9, init=str(trained))
    run(replace(plain, settings=slow), tmp_path / "out")
    weights, expected = (
        load_model(tmp_path / "out" / "model")[0].state_dict(),
        load_model(trained)[0].state_dict(),
    )
    assert torch.allclose(
        weights["heads.regressions.weight"], expected["heads.regressions.weight"], atol=1e-5
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model": {"name": "se_resnet", "width": 2}},
            "the network of .* is hughes34, this training has se_resnet",
        ),
        (
            {"model": {"name": "hughes34", "width": 4, "kernel": 5}},
            "the settings of the network of .*'width': 2",
        ),
    ],
)
def test_a_model_that_does_not_fit_is_refused_before_the_training(
    shards: Path, trained: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ParamsError, match=message):
        read(tmp_path, shards, train=PARAMS["train"] | {"init": str(trained)}, **changes)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("change", "units", "message"),
    [
        ({"rate": 250}, "mV", "the sampling rate of .* is 250"),
        ({"normalise": "zscore"}, "z", "the normalisation of .* is zscore"),
    ],
)
def test_a_model_of_other_signals_is_refused(
    shards: Path, trained: Path, tmp_path: Path, change: dict[str, Any], units: str, message: str
) -> None:
    module, card = load_model(trained)
    other = replace(card, preprocessing=replace(card.preprocessing, **change), units=units)
    save_model(tmp_path / "other", module, other)
    with pytest.raises(ParamsError, match=message):
        read(tmp_path, shards, train=PARAMS["train"] | {"init": str(tmp_path / "other")})  # type: ignore[operator]


def test_a_folder_that_holds_no_model_is_one_clear_message(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match=r"lacks model\.yaml and weights\.safetensors"):
        read(tmp_path, shards, train=PARAMS["train"] | {"init": str(tmp_path)})  # type: ignore[operator]


def test_a_model_without_weights_is_refused_before_the_training(
    shards: Path, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained, tmp_path / "card")
    (tmp_path / "card" / "weights.safetensors").unlink()
    with pytest.raises(RarebeatError, match=r"card is not a model folder: it lacks weights\.safetensors"):
        read(tmp_path, shards, train=PARAMS["train"] | {"init": str(tmp_path / "card")})  # type: ignore[operator]


def test_a_model_to_start_from_is_found_from_the_root_of_the_project(
    shards: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained, tmp_path / "models" / "first")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / ".dvc" / "tmp" / "exps" / "abc"))
    experiment = read(tmp_path, shards, train=PARAMS["train"] | {"init": "models/first"})  # type: ignore[operator]
    assert experiment.settings.start == tmp_path / "models" / "first"
    assert experiment.settings.init == "models/first"  # no place of this machine reaches the card


def test_a_training_does_not_replace_the_model_that_it_starts_from(
    shards: Path, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained, tmp_path / "model")
    before = card_digest(tmp_path / "model")
    start = tmp_path / "elsewhere" / ".." / "model"
    (tmp_path / "elsewhere").mkdir()
    experiment = read(tmp_path, shards, train=PARAMS["train"] | {"init": str(start)})  # type: ignore[operator]
    with pytest.raises(ParamsError, match="is the model folder to write"):
        run(experiment, tmp_path)
    assert card_digest(tmp_path / "model") == before
