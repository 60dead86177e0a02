"""Reading ``params.yaml``: each group is checked against the dataclass that its room defines."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from rarebeat.core.errors import ParamsError

STRICT = ConfigDict(extra="forbid")
"""For ``@pydantic.dataclasses.dataclass(frozen=True, config=STRICT)``: a misspelt key is an error."""

Settings = TypeVar("Settings")


def read_params(path: Path) -> dict[str, Any]:
    """Read a params file as a mapping.

    Raises:
        ParamsError: when it is missing, not YAML or not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ParamsError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path} must be a mapping of groups, found {type(content).__name__}")
    return content


def parse(kind: type[Settings], value: Any, where: str) -> Settings:
    """Check ``value`` against the settings dataclass ``kind``; ``where`` names it in messages.

    Raises:
        ParamsError: naming every key that is unknown, missing or of the wrong type.
    """
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        lines = [
            f"{'.'.join([where, *map(str, entry['loc'])])}: {entry['msg']} (found {entry['input']!r})"
            for entry in error.errors()
        ]
        raise ParamsError("\n".join(lines)) from error


def group(params: dict[str, Any], name: str, kind: type[Settings]) -> Settings:
    """The group ``name`` of a params mapping as settings of type ``kind``.

    Raises:
        ParamsError: when there is no such group, or a value in it cannot be.
    """
    if name not in params:
        raise ParamsError(f"params.yaml has no group {name!r}")
    return parse(kind, params[name], name)
