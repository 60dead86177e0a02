"""YAML of unknown origin: keys twice, aliases that explode, nesting without end."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from rarebeat.core.yaml_text import MAX_DEPTH, load_yaml, load_yaml_with_nodes

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)


def test_ordinary_yaml_is_read_as_the_library_does() -> None:
    root = Path(__file__).parents[2]
    for path in (root / "params.yaml", root / "dvc.yaml", *(root / "src/rarebeat/labels").rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        assert load_yaml(text) == yaml.safe_load(text), path
    text = "base: &b {x: 1, y: 2}\nmore: {<<: *b, x: 3}\nagain: [*b, *b]\n"
    assert load_yaml(text) == yaml.safe_load(text)
    assert load_yaml("") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: {epochs: 1, epochs: 2}", "'epochs' is there twice"),
        ("a: 1\nb: 2\n'a': 3\n", "'a' is there twice"),
        (BOMB, "more than 200000 values"),
        ("[" * 100_000, "in each other"),
        ("- " * 3000, "in each other"),
        ("a: &a [*a]", "within what it stands for"),
        ("a: &a {b: {c: *a}}", "within what it stands for"),
        ("- &x0 1\n" + "".join(f"- &x{i} [*x{i - 1}]\n" for i in range(1, 3000)), "in each other"),
    ],
    ids=["twice", "quoted", "bomb", "flow", "block", "itself", "around", "chain"],
)
def test_what_is_ambiguous_or_without_bounds_is_refused_at_once(text: str, message: str) -> None:
    started = time.process_time()
    with pytest.raises(yaml.YAMLError, match=message):
        load_yaml(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "value",
    [
        "2024-13-45",
        "0000-01-01",
        "2001-12-14t21:59:43.10-99:00",
        "0x_",
        "0b_",
        "1" * 5000,
        "!!int abc",
        "!!float abc",
        "!!bool abc",
        "!!timestamp abc",
    ],
)
@pytest.mark.parametrize("load", [load_yaml, load_yaml_with_nodes])
def test_a_date_or_a_number_that_there_is_not_is_an_error_of_the_file(
    value: str, load: Callable[[str], object]
) -> None:
    with pytest.raises(yaml.YAMLError, match="is not what it looks like") as caught:
        load(f"salt: ok\nwhen: {value}\n")
    assert "line 2" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_nodes_know_their_lines_and_keys_are_left_to_the_caller() -> None:
    content, node = load_yaml_with_nodes("a: 1\na: 2\n")
    assert content == {"a": 2}
    assert isinstance(node, yaml.MappingNode)
    assert [key.start_mark.line for key, _ in node.value] == [0, 1]
    assert MAX_DEPTH < 300  # far from the end of Python's stack
