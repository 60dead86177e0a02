"""Reading the YAML files that define languages and vocabularies, with faults named by file, line and place."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from rarebeat.core.errors import ParamsError
from rarebeat.labels.yaml_lines import Location, line_of, read_tree, repeated_keys

T = TypeVar("T")
Fault = tuple[Location, str]
"""Where in a file something is wrong, and what."""


def find_definition(name: str, folder: Path, what: str, beside: Path | None = None) -> Path:
    """The file of a definition: of the package by its name, or any other by the path of its ``.yaml`` file.

    Args:
        name: ``hughes24``, or a path that ends in ``.yaml``.
        folder: where the package keeps them.
        what: what they are, for the message.
        beside: folder that relative paths start from; default: the working directory.

    Raises:
        ParamsError: when there is none of that name.
    """
    path = (beside or Path()) / name if name.endswith(".yaml") else folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
        raise ParamsError(f"no {what} {name!r}: there are {known}; or give the path of a .yaml file")
    return path


def read_mapping(path: Path) -> tuple[dict[str, Any], yaml.Node | None]:
    """The content of a YAML file, which must be a mapping, and its nodes with their lines.

    Raises:
        ParamsError: when it is not YAML, or not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tree, content = read_tree(text), yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"cannot read {path}: {error}") from error
    except yaml.YAMLError as error:
        raise ParamsError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path} must be a mapping, found {type(content).__name__}")
    return content, tree


def parse_definition(
    type_: type[T],
    path: Path,
    content: dict[str, Any],
    tree: yaml.Node | None,
    check: Callable[[T], Iterable[Fault]] = lambda parsed: (),
) -> T:
    """Check the content of a file against a dataclass and by ``check``, for what types cannot tell.

    Raises:
        ParamsError: one line per fault: file, line, place and reason.
    """
    faults: list[Fault] = []
    try:
        parsed = TypeAdapter(type_).validate_python(content)
    except ValidationError as error:
        faults = [(entry["loc"], f"{entry['msg']} (found {entry['input']!r})") for entry in error.errors()]
    else:
        faults = list(check(parsed))
    faults += repeated_keys(tree)
    if faults:
        raise ParamsError(
            "\n".join(
                f"{path}, line {line_of(tree, location)}: {_place(content, location)}: {reason}"
                for location, reason in faults
            )
        )
    return parsed


def _place(content: dict[str, Any], location: Location) -> str:
    """The way to a value for a person: a class goes by its id."""
    names = list(map(str, location))
    if len(names) > 1 and names[0] == "classes":
        entry = content["classes"][location[1]]
        names = [str(entry.get("id", names[1])) if isinstance(entry, dict) else names[1], *names[2:]]
    return ".".join(names)
