"""Where in a YAML file a fault lies, so that a message can name the line."""

from collections.abc import Iterator

import yaml

Location = tuple[int | str, ...]
"""The way from the root of a document to a value: keys and places in lists."""


def read_tree(text: str) -> yaml.Node | None:
    """The nodes of a YAML document with their lines."""
    return yaml.compose(text, Loader=yaml.SafeLoader)


def line_of(node: yaml.Node | None, location: Location) -> int:
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


def repeated_keys(node: yaml.Node | None, location: Location = ()) -> Iterator[tuple[Location, str]]:
    """Keys that stand twice in one mapping (YAML would silently keep the last): where, and what is wrong."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*location, key.value), f"a second key {key.value!r}"
            seen.add(key.value)
            yield from repeated_keys(value, (*location, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from repeated_keys(value, (*location, number))
