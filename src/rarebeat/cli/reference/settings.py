"""What a settings dataclass says of its fields: the type, the default, and the meaning."""

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, get_type_hints

import yaml
from pydantic import TypeAdapter

_LARGE = 1_000_000
"""A limit from which on it says nothing to a reader."""

_ROLE = re.compile(r":\w+:`~?([^`]+)`")
_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
}


@dataclass(frozen=True)
class Knob:
    """One value that can be set.

    Attributes:
        key: where it stands, such as ``train.window.samples``.
        default: as YAML.
        kind: what it may be, in words.
        meaning: what its dataclass says of it, Markdown.
    """

    key: str
    default: str
    kind: str
    meaning: str


def knobs(settings: type[Any], place: str = "", values: Mapping[str, Any] | None = None) -> Iterator[Knob]:
    """List what a settings dataclass lets one set, those of dataclasses in it as well.

    Args:
        settings: the dataclass.
        place: where it stands, such as ``train``; "" at the top.
        values: what the params file says; a key that is not there has the default of the dataclass.

    Yields:
        The fields in their order.
    """
    values = values or {}
    hints, meanings = get_type_hints(settings, include_extras=True), meanings_of(settings)
    for field in fields(settings):
        key = f"{place}.{field.name}" if place else field.name
        hint = hints[field.name]
        value = values.get(field.name, _default(field))
        if is_dataclass(hint) and isinstance(hint, type):
            yield from knobs(hint, key, value if isinstance(value, Mapping) else None)
        else:
            shown = "must be given" if value is MISSING else as_yaml(value)
            yield Knob(key, shown, kind_of(hint), meanings.get(field.name, ""))


def _default(field: Any) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def as_yaml(value: Any) -> str:
    """Show a value as the params file would have it, in one line.

    Example:
        >>> as_yaml(None), as_yaml([1, 2]), as_yaml("")
        ('null', '[1, 2]', "''")
    """
    if isinstance(value, tuple):
        value = list(value)
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def meanings_of(settings: type[Any]) -> dict[str, str]:
    """Read the section ``Attributes`` of the docstrings of a dataclass and of those that it takes fields from.

    Args:
        settings: the dataclass.

    Returns:
        The text about each field, as Markdown in one line.
    """
    found: dict[str, str] = {}
    for kind in reversed([one for one in settings.__mro__ if is_dataclass(one)]):
        _, _, text = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
        entries = re.split(r"^ {4}(\w+(?:, \w+)*):\s", text, flags=re.M)[1:]
        for names, meaning in zip(entries[::2], entries[1::2], strict=True):
            found |= dict.fromkeys(names.split(", "), _markdown(meaning.split("\n\n")[0]))
    return found


def _markdown(text: str) -> str:
    """Text of a docstring as Markdown, and with YAML's word for nothing."""
    plain = re.sub(r"``([^`]+)``", r"`\1`", _ROLE.sub(r"`\1`", " ".join(text.split())))
    return re.sub(r"\bNone\b", "null", plain)


def kind_of(hint: Any) -> str:
    """Say in words what values a field takes.

    Args:
        hint: its type, with pydantic's limits.

    Returns:
        The words.

    Example:
        >>> from typing import Annotated, Literal
        >>> from pydantic import Field
        >>> kind_of(Annotated[int, Field(ge=1)] | None)
        'whole number, at least 1, or null'
        >>> kind_of(tuple[Literal["train", "test"], ...])
        'list of: train or test'
    """
    schema = TypeAdapter(hint).json_schema()
    return _words(schema, schema.get("$defs", {}))


def _words(schema: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        keys = named[schema["$ref"].rpartition("/")[2]].get("properties", {})
        return f"mapping with {', '.join(keys)}"
    if "anyOf" in schema:
        kinds = list(dict.fromkeys(_words(entry, named) for entry in schema["anyOf"]))
        return (", or " if any("," in kind for kind in kinds) else " or ").join(kinds)
    if "enum" in schema or "const" in schema:
        return _listed([str(value) for value in schema.get("enum", [schema.get("const")])])
    if schema.get("type") == "array":
        return _array(schema, named)
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return (
            f"mapping of names to: {_words(inner, named)}" if isinstance(inner, dict) and inner else "mapping"
        )
    return _WORDS.get(schema.get("type", ""), "any value") + _limits(schema)


def _array(schema: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    if "prefixItems" in schema:
        parts = [_words(entry, named) for entry in schema["prefixItems"]]
        return f"list of {len(parts)}: {'; '.join(parts)}"
    inner = schema.get("items")
    return f"list of: {_words(inner, named)}" if inner else "list"


def _limits(schema: Mapping[str, Any]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    told = [
        f"{word} {schema[key]:g}" for key, word in words.items() if key in schema and schema[key] < _LARGE
    ]
    return f", {' and '.join(told)}" if told else ""


def _listed(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"
