"""Every command of every study says settings that there are: no cell is found to be wrong when its turn comes."""

import re
import shlex
from collections import ChainMap
from collections.abc import Iterator, Mapping
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
import yaml

from rarebeat.cli.own_parts import OWN, write_own_parts
from rarebeat.cli.params import check_params
from rarebeat.core.params import changed_params, read_params

ROOT = Path(__file__).resolve().parents[2]
STUDIES = sorted(path.parent.name for path in ROOT.glob("studies/*/dvc.yaml"))


def value_of(name: str, context: Mapping[str, Any]) -> Any:
    """What DVC puts in place of ``${name}``."""
    value: Any = context
    for key, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", name):
        value = value[int(index)] if index else value[key]
    return value


def filled_in(text: str, context: Mapping[str, Any]) -> str:
    """A command as DVC runs it; inner placeholders first."""
    while found := re.search(r"\$\{([^${}]+)\}", text):
        value = value_of(found[1], context)
        shown = yaml.safe_dump(value, default_flow_style=True).strip() if isinstance(value, list) else value
        text = text[: found.start()] + str(shown) + text[found.end() :]
    return text


def items(stage: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[Any]:
    """Every ``item`` of a stage with ``foreach`` or ``matrix``, or None for a stage that runs once."""

    def listed(value: Any) -> list[Any]:
        return list(value_of(value[2:-1], params)) if isinstance(value, str) else list(value)

    if "foreach" in stage:
        yield from listed(stage["foreach"])
    elif "matrix" in stage:
        factors = {key: listed(value) for key, value in stage["matrix"].items()}
        yield from (dict(zip(factors, values, strict=True)) for values in product(*factors.values()))
    else:
        yield None


def overrides_of(name: str, params: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """What ``--set`` says in the commands of a study."""
    definition = yaml.safe_load((ROOT / "studies" / name / "dvc.yaml").read_text(encoding="utf-8"))
    context = dict(ChainMap(*definition.get("vars", []), dict(params)))
    for stage in definition["stages"].values():
        commands = stage.get("do", stage)["cmd"]
        for item in items(stage, context):
            for command in [commands] if isinstance(commands, str) else commands:
                words = shlex.split(filled_in(command, {**context, "item": item}))
                yield tuple(value for word, value in pairwise(words) if word == "--set")


def checkable(overrides: tuple[str, ...]) -> tuple[str, ...]:
    """Without the seed, which multiplies the cells, and with a model that no other stage has to make."""
    kept = (one for one in overrides if not one.startswith("train.seed="))
    return tuple("train.init=models:/any/1" if one.startswith("train.init=") else one for one in kept)


@pytest.mark.parametrize("name", STUDIES)
def test_the_settings_of_every_command_can_be_used(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)  # a study's own vocabulary is named by its path in the project
    study = Path("studies") / name
    params = read_params([Path("params.yaml"), study / "overrides.yaml"])
    check_params(params)
    write_own_parts(tmp_path, params, (OWN, study))
    for overrides in set(map(checkable, overrides_of(name, params))):
        check_params(changed_params(params, overrides))
