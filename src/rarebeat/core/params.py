"""Reading ``params.yaml``: each group is checked against the dataclass that its room defines."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import ParamsError, did_you_mean, nearest

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
"""For ``@pydantic.dataclasses.dataclass(frozen=True, config=STRICT)``: a misspelt key is an error, as is infinity."""

Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""What every generator of random numbers takes."""

_SHOWN = 200
Settings = TypeVar("Settings")


@dataclass(frozen=True, config=STRICT)
class TrackingSettings:
    """The group ``tracking`` of the params file, which the stages of several rooms read.

    Attributes:
        experiment: name of the MLflow experiment.
    """

    experiment: Annotated[str, Field(min_length=1)] = "rarebeat"


def read_params(paths: Path | Sequence[Path], overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a params file, updated by others and by single values.

    Args:
        paths: one file, or several: each of them changes what the files before it say, and adds nothing but the
            entries of :data:`OPEN`; ``{}`` empties a group of those.
        overrides: ``key=value`` with a dotted key and a value in YAML, such as ``train.seed=1``; they come
            last, in order.

    Returns:
        The groups by their names.

    Raises:
        ParamsError: when a file is missing, not YAML or not a mapping; for a key that the first file does not have.
    """
    first, *others = [paths] if isinstance(paths, Path) else paths
    content = _mapping(first)
    for path in others:
        content = _updated(content, _mapping(path), str(path))
    return changed_params(content, overrides)


def changed_params(content: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Params with single values changed.

    Args:
        content: the params.
        overrides: as for :func:`read_params`.

    Returns:
        The groups by their names; those given stay as they are.

    Raises:
        ParamsError: for a key that the params do not have.

    Example:
        >>> changed_params({"train": {"seed": 0}}, ["train.seed=3"])
        {'train': {'seed': 3}}
    """
    changed = dict(content)
    for override in overrides:
        changed = _updated(changed, _nested(override), f"--set {override}")
    return changed


def _mapping(path: Path) -> dict[str, Any]:
    import yaml  # where settings are made in Python, none is needed

    from rarebeat.core.yaml_text import load_yaml

    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ParamsError(
            f"cannot read {path}: there is no such file (params.yaml lies in the folder of the project)"
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
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
            line = f"{'.'.join([where, *path])}: {entry['msg']} (found {shortened(entry['input'])})"
            if entry["type"] == "unexpected_keyword_argument":
                known = _keys_beside(kind, path)
                line += did_you_mean(path[-1], known) or (f"; there are {', '.join(known)}" if known else "")
            lines.append(line)
        raise ParamsError("\n".join(lines)) from error


def shortened(value: object) -> str:
    """Show a value in a message, which stays readable however large the value is.

    Args:
        value: what was found.

    Returns:
        What Python shows of it, cut off.

    Example:
        >>> shortened("nine"), len(shortened("9" * 1000))
        ("'nine'", 201)
    """
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


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
        raise ParamsError(f"the params have no group {name!r}{hint}")
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


OPEN = (
    "cells",
    "cohorts",
    "cohorts.*",
    "cohorts.*.options",
    "compare.against",
    "compare.columns",
    "compare.published",
    "label_sets",
    "model.*",
    "prepare.labels",
    "prepare.split.folds",
    "search.space",
    "search.space.*",
    "train.limit_positives",
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
            near = nearest(str(key), map(str, base))
            hint = f"did you mean {'.'.join(filter(None, (place, near)))}? " if near else ""
            known = ", ".join(map(str, base)) or "nothing"
            raise ParamsError(f"{source}: there is no {name}; {hint}{place or 'the params file'} has {known}")
        before = base.get(key)
        emptied = value == {} and _may_be_new(name, "")
        if isinstance(before, Mapping) and isinstance(value, Mapping) and not emptied:
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
    import yaml

    from rarebeat.core.yaml_text import load_yaml

    key, equals, text = override.partition("=")
    if not equals or not all(key.split(".")):
        raise ParamsError(f"--set {override}: expected key=value, such as train.seed=1")
    try:
        value = load_yaml(text)
    except yaml.YAMLError as error:
        raise ParamsError(f"--set {override}: {text!r} is not YAML: {error}") from error
    for part in reversed(key.split(".")):
        value = {part: value}
    nested: dict[str, Any] = value
    return nested
