"""The page of all params: what params.yaml says of each, and what its settings dataclass says."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

import yaml

from rarebeat.cli.params import GROUPS
from rarebeat.cli.reference.settings import Knob, as_yaml, knobs
from rarebeat.core.yaml_text import load_yaml
from rarebeat.dataset.prepare import PrepareSettings
from rarebeat.labels.extract import LabelSettings
from rarebeat.models.registry import NETWORKS, settings_kind
from rarebeat.readers.registry import CohortSettings, get_source, kinds
from rarebeat.readers.tables.settings import Table, TableOptions
from rarebeat.training.settings import TrainSettings

_HEAD = (
    "# Params\n\n"
    "Made from [params.yaml](../../params.yaml) and from the code by `make reference`. A default is what `params.yaml` "
    "says, or, where it does not name the param, what the code takes. `dvc exp run -S KEY=VALUE` sets a param for one "
    "experiment and keeps it in the file (`++KEY` where the key is a name that a mapping does not have yet, such as "
    "`++prepare.labels.ptb-xl=text`); all of them are checked before the first stage runs.\n"
)

_OPTIONS_HEAD = (
    "## Options of the kinds of archive\n\n"
    "What stands in `options` of a cohort, or behind `-o` of `rarebeat ingest` (`-o rate=100`).\n"
)

_SETTINGS = {"label": LabelSettings, "prepare": PrepareSettings, "train": TrainSettings, **GROUPS}
_NONE = "None of their own.\n"
_COMMENT = re.compile(r"(?:^|\s)#(?: (.*))?$")


def params_page(text: str) -> str:
    """Write the page of the params.

    Args:
        text: the params file.

    Returns:
        The page, Markdown: a table for each group, then one for the options of each kind of archive.
    """
    content, comments = load_yaml(text), comments_of(text)
    parts = [_HEAD]
    for name, value in content.items():
        about = f"{_capital(comments[name])}\n\n" if name in comments and isinstance(value, dict) else ""
        parts.append(f"## {name}\n\n{about}{_table(_knobs(name, value), comments)}")
    parts.append(_OPTIONS_HEAD)
    for heading, options in _reader_options():
        rows = list(knobs(options))
        parts.append(f"### {heading}\n\n{_table(rows, {}) if rows else _NONE}")
    return "\n".join(parts)


def comments_of(text: str) -> dict[str, str]:
    """Read the comments of a params file.

    Args:
        text: the file.

    Returns:
        Dotted key to the comment on its line and on the lines below it that begin in the same column.

    Example:
        >>> comments_of("train:\\n  epochs: 8   # 96 in the paper,\\n              # says Table 1\\n")
        {'train.epochs': '96 in the paper, says Table 1'}
    """
    lines, keys = text.splitlines(), dict(_keys(yaml.compose(text, yaml.SafeLoader)))
    found: dict[str, str] = {}
    column, last = -1, ""
    for number, line in enumerate(lines):
        match = _COMMENT.search(line)
        if match is None:
            last = ""
            continue
        place = line.index("#", match.start())
        if line.strip().startswith("#"):
            if last and place == column:
                found[last] += f" {match[1] or ''}".rstrip()
            continue
        column, last = place, keys.get(number, "")
        if last:
            found[last] = (match[1] or "").strip()
    return found


def _keys(node: Any, place: str = "") -> Iterator[tuple[int, str]]:
    """The first key that stands on each line, by the number of the line."""
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in reversed(node.value):
        name = f"{place}.{key.value}" if place else key.value
        yield from _keys(value, name)
        yield key.start_mark.line, name


def _knobs(name: str, value: Any) -> Iterable[Knob]:
    """What one group lets one set."""
    if name in _SETTINGS:
        return knobs(_SETTINGS[name], name, value)
    if name == "cohorts":
        return knobs(CohortSettings, "cohorts.NAME")
    if name == "model":
        chosen = Knob("model.name", as_yaml(value["name"]), "text", "")
        return [chosen, *(knob for network in NETWORKS for knob in _of_network(network, value))]
    return list(_plain(name, value))


def _of_network(network: str, model: Mapping[str, Any]) -> Iterator[Knob]:
    return knobs(settings_kind(network), f"model.{network}", model.get(network))


def _plain(name: str, value: Any) -> Iterator[Knob]:
    """A group without a dataclass: as the file has it."""
    if not isinstance(value, Mapping):
        yield Knob(name, as_yaml(value), "list of names" if isinstance(value, list) else "a name", "")
        return
    for key, entry in value.items():
        yield Knob(f"{name}.{key}", as_yaml(entry), "all, or a list of class ids", "")


def _reader_options() -> Iterator[tuple[str, type[Any]]]:
    """Headings and dataclasses of the options of all kinds; kinds with the same options share one."""
    yield "every kind", TableOptions
    yield "an entry of `tables`", Table
    sharing: dict[Any, tuple[list[str], type[Any]]] = {}
    for kind in kinds():
        options = get_source(kind).options
        names, _ = sharing.setdefault(options if fields(options) else (), ([], options))
        names.append(kind)
    for names, options in sharing.values():
        yield ", ".join(names), options


def _table(rows: Iterable[Knob], comments: Mapping[str, str]) -> str:
    lines = ["| key | default | takes | meaning |", "|---|---|---|---|"]
    for knob in rows:
        cells = (f"`{knob.key}`", f"`{knob.default}`", knob.kind, _meaning(knob, comments.get(knob.key, "")))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _meaning(knob: Knob, comment: str) -> str:
    """What the code says, and what the file says where that is something else."""
    if not knob.meaning or knob.meaning.rstrip(".") == comment:
        return comment
    return _capital(knob.meaning) + (f"<br>*In the file:* {comment}" if comment else "")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
