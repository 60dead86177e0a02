"""The pages of docs/reference are what the code says, and say all of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.core import TyperGroup

from rarebeat.cli.main import app
from rarebeat.cli.reference.commands import commands_page
from rarebeat.cli.reference.params import comments_of, params_page
from rarebeat.cli.reference.settings import knobs
from rarebeat.training.settings import TrainSettings

ROOT = Path(__file__).resolve().parents[3]
PARAMS = (ROOT / "params.yaml").read_text(encoding="utf-8")
PAGES = {"commands.md": lambda: commands_page(app), "params.md": lambda: params_page(PARAMS)}


def options(command: Any) -> set[str]:
    if isinstance(command, TyperGroup):
        return {name for inner in command.commands.values() for name in options(inner)}
    return {name for param in command.params for name in param.opts if name.startswith("-")}


def leaves(value: Any, place: str) -> list[str]:
    if not isinstance(value, dict) or not value:
        return [place]
    return [
        leaf for key, entry in value.items() for leaf in leaves(entry, f"{place}.{key}" if place else key)
    ]


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    committed = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), "say `make reference`, and commit what it writes"


def test_no_option_of_a_command_is_left_out() -> None:
    page = commands_page(app)
    named = options(typer.main.get_command(app))
    assert len(named) > 40
    assert {name for name in named if f"`{name}`" not in page} == set()


def test_a_default_of_zero_is_told_and_a_switch_names_what_it_is_without_it() -> None:
    rows = [line for line in commands_page(app).splitlines() if line.startswith("| `--")]
    seeds = [row for row in rows if row.startswith("| `--seed`")]
    assert len(seeds) == 3
    assert all("| `0` |" in row for row in seeds)
    assert [row for row in rows if "| `True` |" in row] == []
    (blind,) = [row for row in rows if row.startswith("| `--blind`")]
    assert "| `--blind` |" in blind


def test_no_param_of_the_file_is_left_out() -> None:
    page, content = params_page(PARAMS), yaml.safe_load(PARAMS)
    whole = (
        "cohorts",
        "search.space",
        "label_sets",
    )  # their keys are names
    named = [name for name in leaves(content, "") if not name.startswith(whole)]
    assert len(named) > 90
    assert [name for name in named if f"| `{name}` |" not in page] == []


def test_every_param_of_the_pipeline_has_a_meaning() -> None:
    rows = [line.split(" | ") for line in params_page(PARAMS).splitlines() if line.startswith("| `")]
    silent = [key for key, *_, meaning in rows if meaning.strip(" |") == ""]
    assert [key for key in silent if not key.startswith("| `label_sets.")] == []


def test_a_comment_goes_on_in_its_own_column_and_ends_where_another_begins() -> None:
    text = "train:\n  epochs: 8    # in the paper\n               # 96\n# --- next\n  loss: bce  # plain\n"
    assert comments_of(text) == {"train.epochs": "in the paper 96", "train.loss": "plain"}


def test_the_default_is_that_of_the_file_and_else_that_of_the_code() -> None:
    said = {knob.key: knob.default for knob in knobs(TrainSettings, "train", {"epochs": 8})}
    assert (said["train.epochs"], said["train.batch"], said["train.window.samples"]) == ("8", "128", "null")


def test_a_meaning_is_read_from_the_docstring() -> None:
    @dataclass
    class Settings:
        """Something.

        Attributes:
            first: see :mod:`rarebeat.core`; None
                takes all.
            low, high: ends of ``range``.
        """

        first: int | None = None
        low: float = 0.0
        high: float = 1.0

    first, low, high = knobs(Settings)
    assert (first.meaning, first.kind) == ("see `rarebeat.core`; null takes all.", "whole number or null")
    assert low.meaning == high.meaning == "ends of `range`."


def test_a_meaning_is_taken_over_with_the_field() -> None:
    @dataclass
    class Shared:
        """What several have.

        Attributes:
            rate: in Hz.
        """

        rate: int = 500

    @dataclass
    class Own(Shared):
        """What one has besides.

        Attributes:
            unit: of the samples.
        """

        unit: str = "mV"

    assert [knob.meaning for knob in knobs(Own)] == ["in Hz.", "of the samples."]
