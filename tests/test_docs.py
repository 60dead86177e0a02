"""Commands in the documentation name programs, options, params, targets and studies that there are."""

import re
import shlex
import shutil
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from tests.pages import PAGES, ROOT, Command, commands, text_of
from typer.core import TyperGroup

from rarebeat.cli.main import app
from rarebeat.cli.params import check_params
from rarebeat.core.params import group, read_params
from rarebeat.dataset.prepare import PrepareSettings
from rarebeat.metrics.challenge_classes import VOCABULARIES
from rarebeat.models.registry import build
from rarebeat.training.settings import ModelSettings, TrainSettings

PARAMS = ROOT / "params.yaml"
PROSE = {page: text_of(page) for page in PAGES}
EXPERIMENTS = [command for command in commands("dvc") if command.words[1:3] == ("exp", "run")]

OTHERS = {
    *("cat", "cd", "cp", "curl", "find", "git", "hf", "ls", "pytest", "source", "uv", "wget", "xargs"),
    *("mlflow", "pip", "python", "ray", "sbatch", "sky", "torchrun", "."),
}
"""Programs of the shell and of others that the pages name, beside `rarebeat`, `dvc` and `make`."""


def settings_of(words: tuple[str, ...]) -> dict[str, Any]:
    """The value of every ``-S`` of a command; of several that are queued the first."""
    pairs = [word.split("=", 1) for before, word in pairwise(words) if before == "-S"]
    if "--queue" in words:
        pairs = [[name, value if value.startswith("[") else value.split(",")[0]] for name, value in pairs]
    return {name: yaml.safe_load(value) for name, value in pairs}


def apply(words: tuple[str, ...]) -> dict[str, Any]:
    """params.yaml as the command changes it; a name that is not there is a KeyError."""
    params = read_params(PARAMS)
    for name, value in settings_of(words).items():
        place = params
        *way, last = name.removeprefix("++").split(".")
        for step in way:
            place = place[step]
        if last not in place and not name.startswith("++"):  # which adds an entry
            raise KeyError(name)
        place[last] = value
    return params


def system(network: str) -> dict[str, Any]:
    """The params of one of the systems of docs/challenge.md."""
    page = [command for command in EXPERIMENTS if command.page == "docs/challenge.md"]
    (found,) = (command for command in page if f"model.name={network}" in command.words)
    return apply(found.words)


def test_every_page_is_looked_at() -> None:
    assert {"README.md", "docs/README.md", "docs/site.md", "docs/finetuning.md", "studies/README.md"} <= set(
        PAGES
    )
    assert len(commands()) > 100


def test_every_line_of_a_block_begins_with_a_program_that_is_known() -> None:
    strange = [
        command for command in commands() if command.words[0] not in OTHERS | {"rarebeat", "dvc", "make"}
    ]
    assert strange == []


# ------------------------------------------------------------------------------------------------------- dvc


def test_a_misspelt_param_would_be_found() -> None:
    with pytest.raises(KeyError, match=r"train\.epoch"):
        apply(("dvc", "exp", "run", "-S", "train.epoch=3"))


def overrides_of(command: Command) -> list[str]:
    return [word for before, word in pairwise(command.words) if before == "-S"]


def cohorts_before(command: Command) -> list[str]:
    """The cohorts that experiments above it on the page have put into use: DVC leaves them in params.yaml."""
    above = [one for one in EXPERIMENTS[: EXPERIMENTS.index(command)] if one.page == command.page]
    return [word for one in above for word in overrides_of(one) if word.strip("'").startswith("use=")]


@pytest.mark.parametrize("command", EXPERIMENTS, ids=lambda command: f"{command.page}: {command.line[:60]}")
def test_every_experiment_sets_params_that_there_are_to_values_that_they_take(
    command: Command, tmp_path: Path
) -> None:
    from dvc.utils.hydra import apply_overrides, get_hydra_sweeps

    apply(command.words)
    overrides = cohorts_before(command) + overrides_of(command)
    for sweep in get_hydra_sweeps({"params.yaml": overrides}):
        params = shutil.copy(PARAMS, tmp_path / "params.yaml")
        apply_overrides(params, sweep["params.yaml"])  # as DVC does it
        content = read_params(params)
        train = content["train"]
        if train["init"]:  # a model folder that the reader has
            train["init"], train["finetune"]["protocol"] = None, "all_layers"
        check_params(content)


def test_every_param_that_the_prose_sets_is_there() -> None:
    pairs = [
        (page, name) for page, text in PROSE.items() for name in re.findall(r"-S '?(\+*[a-z][\w.-]+)=", text)
    ]
    assert len(pairs) > 80
    for page, name in pairs:
        if not name.startswith("cells."):  # of a study
            assert apply(("dvc", "-S", f"{name}=0")), f"{page}: {name}"


NO_VALUE = re.compile(r"SET=|cells\.|--queue|KEY|=[A-Z<]")
"""In what is no override of DVC's: the settings of a study, several values, or a word that stands for one."""


def test_dvc_takes_every_param_that_the_prose_sets(tmp_path: Path) -> None:
    from dvc.utils.hydra import apply_overrides

    spans = re.findall(r"`([^`\n]*-S [^`\n]*)`", "\n".join(PROSE.values()))
    given = [shlex.split(span) for span in spans if not NO_VALUE.search(span)]
    assert len(given) > 8
    for words in given:
        params = shutil.copy(PARAMS, tmp_path / "params.yaml")
        apply_overrides(params, [word for before, word in pairwise(words) if before == "-S"])


def test_dvc_understands_every_command() -> None:
    from dvc.cli.parser import get_main_parser

    parser, found = get_main_parser(), commands("dvc")
    assert len(found) > 15
    for command in found:
        assert parser.parse_args(command.words[1:]), command.line


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


# -------------------------------------------------------------------------------------------------- rarebeat

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
    found = [entry for entry in spoken("rarebeat") if entry[1][0] != "COMMAND"]
    assert len(found) > 60
    for page, words in found:
        command, rest = leaf(words)
        known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
        options = {word.partition("=")[0] for word in rest if re.match("--?[a-z]", word)}
        assert options <= known | {"--help"}, f"{page}: {' '.join(words)}"


def test_every_command_of_a_block_can_be_called() -> None:
    found = commands("rarebeat")
    assert len(found) > 60
    for entry in found:
        command, rest = leaf(list(entry.words[1:]))
        context = command.make_context(entry.line, rest)  # parses, and runs nothing
        assert not context.args, f"{entry.page}: {entry.line}"


# -------------------------------------------------------------------------------------------------- the rest


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


FILE = re.compile(
    r"`(?:[^`\n]* )?((?:\.ci|benchmarks|pipeline|scales|src|tests)/[\w./-]+)`(?! of [0-9a-f]{7})"
)


def test_files_of_the_project_that_the_prose_names_are_there() -> None:
    named = [(page, name) for page, text in PROSE.items() for name in FILE.findall(text)]
    assert len(named) > 30
    assert [(page, name) for page, name in named if not (ROOT / name).exists()] == []


def test_extras_that_are_installed_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [names for text in PROSE.values() for names in re.findall(r"(?:rarebeat|'\.)\[([a-z,]+)\]", text)]
    named = {extra for names in lists for extra in names.split(",")}
    assert {"formats", "export"} <= named <= set(project["optional-dependencies"])


def test_mlflow_has_the_options_that_it_is_given() -> None:
    from mlflow.cli import cli

    lines = [shlex.split(line) for text in PROSE.values() for line in re.findall(r"`(mlflow [^`\n]+)`", text)]
    lines += [list(command.words) for command in commands("mlflow")]
    assert lines
    for _, *words in lines:
        command: Any = cli
        while hasattr(command, "commands"):
            command, words = command.commands[words[0]], words[1:]
        known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
        assert {word for word in words if word.startswith("-")} <= known, words
