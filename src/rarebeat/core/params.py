"""Reading ``params.yaml``: each group is checked against the dataclass that its room defines."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from rarebeat.core.errors import ParamsError

STRICT = ConfigDict(extra="forbid")
"""For ``@pydantic.dataclasses.dataclass(frozen=True, config=STRICT)``: a misspelt key is an error."""

Settings = TypeVar("Settings")


def read_params(paths: Path | Sequence[Path], overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a params file, updated by others and by single values.

    Args:
        paths: one file, or several: each of them changes what the files before it say, and adds nothing but the
            entries of :data:`OPEN`.
        overrides: ``key=value`` with a dotted key and a value in YAML, such as ``train.seed=1``; they come
            last, in order.

    Raises:
        ParamsError: when a file is missing, not YAML or not a mapping; for a key that the first file does not have.
    """
    first, *others = [paths] if isinstance(paths, Path) else paths
    content = _mapping(first)
    for path in others:
        content = _updated(content, _mapping(path), str(path))
    for override in overrides:
        content = _updated(content, _nested(override), f"--set {override}")
    return content


def _mapping(path: Path) -> dict[str, Any]:
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


def group(params: Mapping[str, Any], name: str, kind: type[Settings]) -> Settings:
    """The group ``name`` of a params mapping as settings of type ``kind``."""
    if name not in params:
        raise ParamsError(f"params.yaml has no group {name!r}")
    return parse(kind, params[name], name)


OPEN = (
    "cells",
    "cohorts",
    "cohorts.*",
    "cohorts.*.options",
    "label_sets",
    "model.*",
    "prepare.labels",
    "prepare.split.folds",
)
"""Groups that may get new entries, since their keys are names or depend on another value; * stands for any name."""

STUDY = ("cells",)
"""Groups that a study has and the pipeline has not: what its cells differ in."""


def _updated(
    base: Mapping[str, Any], update: Mapping[str, Any], source: str, place: str = ""
) -> dict[str, Any]:
    """``base`` with the values of ``update``, group by group."""
    content = dict(base)
    for key, value in update.items():
        name = f"{place}.{key}" if place else str(key)
        if key not in base and not _may_be_new(place, str(key)):
            close = get_close_matches(str(key), map(str, base), n=1)
            hint = f"did you mean {'.'.join([*place.split('.'), close[0]]).lstrip('.')}? " if close else ""
            known = ", ".join(map(str, base)) or "nothing"
            raise ParamsError(f"{source}: there is no {name}; {hint}{place or 'the params file'} has {known}")
        before = base.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            value = _updated(before, value, source, name)
        content[key] = value
    return content


def _may_be_new(place: str, key: str) -> bool:
    if not place:
        return key in STUDY
    parts = place.split(".")
    return any(
        len(parts) == len(pattern.split("."))
        and all(one in ("*", other) for one, other in zip(pattern.split("."), parts, strict=True))
        for pattern in OPEN
    )


def _nested(override: str) -> dict[str, Any]:
    """``train.seed=1`` as ``{"train": {"seed": 1}}``."""
    key, equals, text = override.partition("=")
    if not equals or not all(key.split(".")):
        raise ParamsError(f"--set {override}: expected key=value, such as train.seed=1")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ParamsError(f"--set {override}: {text!r} is not YAML: {error}") from error
    for part in reversed(key.split(".")):
        value = {part: value}
    nested: dict[str, Any] = value
    return nested
