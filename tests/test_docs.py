"""Commands in the documentation name params, options, targets and studies that there are."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.core import TyperGroup

from rarebeat.cli.main import app
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


PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "studies/README.md",
    "docs/challenge.md",
    "docs/export.md",
    "docs/folds.md",
    "docs/labels.md",
    "docs/own-archive.md",
    "docs/own-parts.md",
    "docs/predict.md",
    "docs/scale.md",
    "docs/serving.md",
]
PROSE = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
SPOKEN = re.compile(r"`([^`\n]+)`|^\$? ?((?:make|rarebeat) .*)$", re.M)


def spoken(tool: str) -> list[tuple[str, list[str]]]:
    """Every command line of a tool in the documentation: its page and its words, up to a pipe or a comment."""
    lines = [
        (page, (match[1] or match[2]).split("  ")[0])
        for page, text in PROSE.items()
        for match in SPOKEN.finditer(text)
    ]
    words = [(page, re.split(r"\s[|<>#&]", line)[0].replace("...", "").split()) for page, line in lines]
    return [(page, line[1:]) for page, line in words if line[:1] == [tool] and len(line) > 1]


def leaf(words: list[str]) -> tuple[Any, list[str]]:
    """The command that a line names, and the words behind it."""
    command: Any = typer.main.get_command(app)
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        command, words = command.commands[words[0]], words[1:]
    return command, words


def test_every_command_has_the_options_that_the_documentation_gives_it() -> None:
    found = spoken("rarebeat")
    assert len(found) > 25
    for page, words in found:
        command, rest = leaf(words)
        known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
        options = {word.partition("=")[0] for word in rest if re.match("--?[a-z]", word)}
        assert options <= known | {"--help"}, f"{page}: {' '.join(words)}"


def test_every_target_and_study_of_make_is_there() -> None:
    rules = re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    targets = {target for rule in rules for target in rule.split()}
    studies = {path.parent.name for path in ROOT.glob("studies/*/dvc.yaml")} | {"NAME"}
    found = spoken("make")
    assert len(found) > 10
    for page, (target, *settings) in found:
        assert target in targets, f"{page}: make {target}"
        named = [word.removeprefix("STUDY=") for word in settings if word.startswith("STUDY=")]
        assert set(named) <= studies, f"{page}: make {target} {' '.join(settings)}"
