"""Reading ``params.yaml``: each group is checked against the dataclass that its room defines."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from rarebeat.core.errors import ParamsError, did_you_mean, nearest

STRICT = ConfigDict(extra="forbid")
"""For ``@pydantic.dataclasses.dataclass(frozen=True, config=STRICT)``: a misspelt key is an error."""

Settings = TypeVar("Settings")


def read_params(path: Path) -> dict[str, Any]:
    """Read a params file as a mapping.

    Args:
        path: a YAML file.

    Returns:
        The groups by their names.

    Raises:
        ParamsError: when it is missing, not YAML or not a mapping.
    """
    import yaml  # where settings are made in Python, none is needed

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ParamsError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path} must be a mapping of groups, found {type(content).__name__}")
    return content


def parse(kind: type[Settings], value: Any, where: str) -> Settings:
    """Check a value against a settings dataclass.

    Args:
        kind: the dataclass, or any type that pydantic can check.
        value: what was read.
        where: its name in messages, such as "train".

    Returns:
        The settings.

    Raises:
        ParamsError: naming every key that is unknown, missing or of the wrong type, and the nearest key that there
            is.

    Example:
        >>> parse(list[int], ["1", 2], "folds")
        [1, 2]
    """
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        lines = []
        for entry in error.errors():
            path = [str(step) for step in entry["loc"]]
            line = f"{'.'.join([where, *path])}: {entry['msg']} (found {entry['input']!r})"
            if entry["type"] == "unexpected_keyword_argument":
                line += did_you_mean(path[-1], _keys_beside(kind, path))
            lines.append(line)
        raise ParamsError("\n".join(lines)) from error


def group(params: Mapping[str, Any], name: str, kind: type[Settings]) -> Settings:
    """Check one group of a params file.

    Args:
        params: the groups by their names.
        name: of the group.
        kind: its settings dataclass.

    Returns:
        The settings.

    Raises:
        ParamsError: when there is no such group, or a key of it is wrong.
    """
    if name not in params:
        near = nearest(name, map(str, params))
        hint = f", but one that is spelt {near!r}" if near else ""
        raise ParamsError(f"params.yaml has no group {name!r}{hint}")
    return parse(kind, params[name], name)


def _keys_beside(kind: Any, path: Sequence[str]) -> list[str]:
    """The keys that may stand where a path ends; none where no dataclass says so."""
    here = _dataclasses_in(kind)
    for step in path[:-1]:
        hints = [hint for owner in here for name, hint in get_type_hints(owner).items() if name == step]
        if hints:  # else the step is an index, a key of a mapping, or the name of one of several types
            here = [inner for hint in hints for inner in _dataclasses_in(hint)]
    return [field.name for owner in here for field in fields(owner)]


def _dataclasses_in(hint: Any) -> list[Any]:
    if is_dataclass(hint):
        return [hint]
    return [inner for argument in get_args(hint) for inner in _dataclasses_in(argument)]
