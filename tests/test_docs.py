"""Commands in the documentation name params that there are, with values that they can have."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from rarebeat.core.params import group, read_params
from rarebeat.dataset.prepare import PrepareSettings
from rarebeat.metrics.challenge_classes import VOCABULARIES
from rarebeat.models.registry import build
from rarebeat.training.settings import ModelSettings, TrainSettings

ROOT = Path(__file__).resolve().parents[1]
PARAMS = ROOT / "params.yaml"
TEXT = (ROOT / "docs" / "challenge.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^dvc exp run (?:\\\n|[^\n])*", TEXT, flags=re.MULTILINE)


def settings_of(command: str) -> dict[str, Any]:
    """The value of every ``-S`` of a command."""
    words = shlex.split(command.replace("\\\n", " "))
    pairs = [word.split("=", 1) for before, word in pairwise(words) if before == "-S"]
    return {name: yaml.safe_load(value) for name, value in pairs}


def apply(command: str) -> dict[str, Any]:
    """params.yaml as the command changes it; a name that is not there is a KeyError."""
    params = read_params(PARAMS)
    for name, value in settings_of(command).items():
        place = params
        *way, last = name.split(".")
        for step in way:
            place = place[step]
        if last not in place:
            raise KeyError(name)
        place[last] = value
    return params


def system(network: str) -> dict[str, Any]:
    (command,) = (command for command in COMMANDS if f"model.name={network}" in command)
    return apply(command)


def test_a_misspelt_param_would_be_found() -> None:
    with pytest.raises(KeyError, match=r"train\.epoch"):
        apply("dvc exp run -S train.epoch=3")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_params_that_there_are(command: str) -> None:
    assert settings_of(command)
    apply(command)


@pytest.mark.parametrize("network", ["global_skip", "se_resnet"])
def test_the_settings_of_the_papers_can_be_used(network: str) -> None:
    params = system(network)
    model, train = group(params, "model", ModelSettings), group(params, "train", TrainSettings)
    samples = train.window.of(group(params, "prepare", PrepareSettings).signal.samples)
    build(model.name, 24, samples, model.settings)
    assert params["label"]["vocabulary"] in VOCABULARIES


def test_the_challenges_loss_comes_after_weighted_cross_entropy() -> None:
    train = group(system("global_skip"), "train", TrainSettings)
    assert (train.pretrain.loss, train.pretrain.epochs) == ("weighted_bce", 60)
    assert (train.loss, train.epochs) == ("challenge", 35)
