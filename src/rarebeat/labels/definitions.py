"""Reading the YAML files that define languages and vocabularies, with faults named by file, line and place."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import shortened
from rarebeat.core.yaml_text import load_yaml_with_nodes

T = TypeVar("T")
Location = tuple[int | str, ...]
"""The way from the root of a document to a value: keys and places in lists."""

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


def definition_files(path: Path) -> list[Path]:
    """The file of a definition and all others that it names (``like: other.yaml.avnrt``, ``language: my.yaml``).

    Args:
        path: a ``.yaml`` file.

    Returns:
        The files, sorted, each once. Definitions of the package, which are named without a path, are not among them.

    Raises:
        ParamsError: when one cannot be read.
    """
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            named = {text.partition(".yaml")[0] for text in _texts(read_mapping(file)[0]) if ".yaml" in text}
            others = (file.parent / f"{name}.yaml" for name in named)
            waiting += [other for other in others if other.is_file()]
    return sorted(found)


def _texts(value: Any) -> Iterator[str]:
    """All strings in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _texts(entry)


def read_mapping(path: Path) -> tuple[dict[str, Any], yaml.Node | None]:
    """Read a YAML file that must be a mapping.

    Args:
        path: the file.

    Returns:
        Its content, and its nodes with their lines.

    Raises:
        ParamsError: when it is not YAML, or not a mapping.
    """
    try:
        content, tree = load_yaml_with_nodes(path.read_text(encoding="utf-8"))
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
    """Check the content of a file against a dataclass.

    Args:
        type_: the dataclass.
        path: the file, for messages.
        content: what it holds.
        tree: its nodes, for the lines of messages.
        check: finds the faults that types cannot tell.

    Raises:
        ParamsError: one line per fault: file, line, place and reason.
    """
    faults: list[Fault] = []
    try:
        parsed = TypeAdapter(type_).validate_python(content)
    except ValidationError as error:
        faults = [
            (entry["loc"], f"{entry['msg']} (found {shortened(entry['input'])})") for entry in error.errors()
        ]
    else:
        faults = list(check(parsed))
    faults += _repeated_keys(tree)
    if faults:
        raise ParamsError(
            "\n".join(
                f"{path}, line {_line_of(tree, location)}: {_place(content, location)}: {reason}"
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


def _line_of(node: yaml.Node | None, location: Location) -> int:
    """The line, counted from 1, of the innermost value that ``location`` leads to."""
    line = node.start_mark.line + 1 if node else 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = [value for key, value in node.value if key.value == str(part)]
            node = found[-1] if found else None
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        else:
            node = None
        if node is None:
            break
        line = node.start_mark.line + 1
    return line


def _repeated_keys(node: yaml.Node | None, location: Location = ()) -> Iterator[tuple[Location, str]]:
    """Keys that stand twice in one mapping (YAML would silently keep the last): where, and what is wrong."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*location, key.value), f"a second key {key.value!r}"
            seen.add(key.value)
            yield from _repeated_keys(value, (*location, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _repeated_keys(value, (*location, number))
