"""YAML that somebody else may have written: what names a key twice, or grows without bounds, is refused.

Aliases are fine, but ten lines of them can stand for a thousand million values, and deep nesting ends Python's stack.
"""

from typing import Any

import yaml

MAX_VALUES = 200_000
"""Values that a file may hold with its aliases written out (found: 13,000)."""

MAX_DEPTH = 50
"""How deep lists and mappings may be nested, aliases written out (found: 8)."""

_MERGE = "tag:yaml.org,2002:merge"


def load_yaml(text: str) -> Any:
    """Read YAML in which no mapping may name a key twice.

    Args:
        text: of a file.

    Returns:
        What it holds.

    Raises:
        YAMLError: when it is not YAML, names a key twice, holds a date or a number that there is not, or is too large
            or too deeply nested.

    Example:
        >>> load_yaml("rate: 250")
        {'rate': 250}
    """
    return _load(text, unique=True)[0]


def load_yaml_with_nodes(text: str) -> tuple[Any, yaml.Node | None]:
    """Read YAML together with its nodes, which know their lines. Keys that are there twice are left to the caller.

    Args:
        text: of a file.

    Returns:
        What it holds, and its nodes.

    Raises:
        YAMLError: when it is not YAML, holds a date or a number that there is not, or is too large or too deeply
            nested.
    """
    return _load(text, unique=False)


def _load(text: str, unique: bool) -> tuple[Any, yaml.Node | None]:
    loader = _Loader(text, unique)
    try:
        node = loader.get_single_node()
        return (None if node is None else loader.construct_document(node)), node
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """Counts values and depth of each node when it is made; an alias counts like what it stands for."""

    def __init__(self, text: str, unique: bool) -> None:
        super().__init__(text)
        self._unique = unique
        self._level = 0
        self._measured: dict[yaml.Node, tuple[int, int]] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self._level > MAX_DEPTH:
            raise yaml.YAMLError(f"more than {MAX_DEPTH} lists and mappings in each other")
        alias = self.check_event(yaml.AliasEvent)
        self._level += 1
        node = super().compose_node(parent, index)
        self._level -= 1
        if node is not None and node not in self._measured:
            if alias:
                raise yaml.composer.ComposerError(
                    None, None, "an alias stands within what it stands for", node.start_mark
                )
            self._measured[node] = self._measure(node)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (AttributeError, LookupError, OverflowError, ValueError) as error:
            # Of what looks like a date or a number, and is none, the library lets Python's own error through.
            raise yaml.constructor.ConstructorError(
                None, None, f"{str(node.value)[:40]!r} is not what it looks like ({error})", node.start_mark
            ) from error

    def _measure(self, node: yaml.Node) -> tuple[int, int]:
        children: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            children = [child for pair in node.value for child in pair]
            if self._unique:
                _check_keys(node)
        elif isinstance(node, yaml.SequenceNode):
            children = node.value
        values = 1 + sum(self._measured[child][0] for child in children)
        depth = 1 + max((self._measured[child][1] for child in children), default=0)
        if values > MAX_VALUES or depth > MAX_DEPTH + 1:
            raise yaml.composer.ComposerError(
                None,
                None,
                f"with its aliases written out it holds more than {MAX_VALUES} values, or more than {MAX_DEPTH} "
                "lists and mappings in each other",
                node.start_mark,
            )
        return values, depth


def _check_keys(node: yaml.MappingNode) -> None:
    seen = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
            continue
        if (key.tag, key.value) in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key.value!r} is there twice", key.start_mark
            )
        seen.add((key.tag, key.value))
