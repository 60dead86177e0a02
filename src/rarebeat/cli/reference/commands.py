"""The page of all commands: what each does, its arguments, options, defaults and examples, as its help has them."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperGroup

_HEAD = (
    "# Commands\n\n"
    "Made from the code by `make reference`; `rarebeat COMMAND --help` says the same. A command ends with 0 where it "
    "did what was asked, with 2 where it could not (one line on standard error says why), and with 130 where it was "
    "interrupted. Other exit codes are named below.\n"
)

_TYPES = {str: "text", int: "whole number", float: "number", Path: "path", bool: ""}


def commands_page(app: typer.Typer) -> str:
    """Write the page of the commands of an application.

    Args:
        app: the application.

    Returns:
        The page, Markdown: a section for each heading of the help, and in it one for each command.
    """
    sections: dict[str, list[str]] = {}
    for name, command in _leaves(typer.main.get_command(app)):
        sections.setdefault(command.rich_help_panel or "Commands", []).append(_entry(name, command))
    parts = [_HEAD, *(f"## {heading}\n\n" + "\n".join(entries) for heading, entries in sections.items())]
    return "\n".join(parts)


def _leaves(command: Any, name: str = "rarebeat") -> Iterator[tuple[str, Any]]:
    """Every command that is no group, by its full name."""
    if isinstance(command, TyperGroup):
        for word, inner in command.commands.items():
            yield from _leaves(inner, f"{name} {word}")
    else:
        yield name, command


def _entry(name: str, command: Any) -> str:
    """What the page says of one command."""
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option"]
    words = " ".join(_usage(argument) for argument in arguments)
    lines = [f"### {name}", "", *_paragraphs(command.help), f"`{' '.join([name, words]).strip()}`", ""]
    types = get_type_hints(command.callback)
    if arguments or options:
        lines += ["| argument or option | | default | |", "|---|---|---|---|"]
        lines += [_row(param, types[param.name]) for param in (*arguments, *options)]
        lines.append("")
    lines += ["```sh", *_examples(command.epilog or ""), "```", ""]
    return "\n".join(lines)


def _usage(argument: Any) -> str:
    """An argument as it stands in the command line."""
    name = argument.name.upper() + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _paragraphs(help: str) -> list[str]:
    """The paragraphs of a docstring, each on one line and with an empty one behind it."""
    found = inspect.cleandoc(help).split("\n\n")
    return [line for paragraph in found for line in (" ".join(paragraph.split()), "")]


def _row(param: Any, annotation: Any) -> str:
    """The line of the table for one argument or option."""
    is_option = param.param_type_name == "option"
    names = ", ".join(f"`{name}`" for name in (*param.opts, *param.secondary_opts))
    if not is_option:
        names = f"`{param.name.upper()}`"
    cells = [names, _type(annotation, param), _default(param), param.help or ""]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(annotation: Any, param: Any) -> str:
    """What an option takes, in words."""
    several = ", several" if param.nargs == -1 or param.multiple else ""
    kinds = [kind for kind in _flat(annotation) if kind in _TYPES]
    words = _TYPES[kinds[0]] if kinds else ""
    if param.min is not None and param.max is not None:
        words += f", {param.min:g} to {param.max:g}"
    elif param.min is not None:
        words += f", at least {param.min:g}"
    return words + several


def _flat(annotation: Any) -> list[Any]:
    """The plain types that an annotation is made of."""
    if get_origin(annotation) in (list, Union, UnionType):
        return [kind for argument in get_args(annotation) for kind in _flat(argument)]
    return [annotation]


def _default(param: Any) -> str:
    """The default; nothing where there is none, or where the help tells it in words."""
    if param.required:
        return "must be given"
    if isinstance(param.default, bool):  # 0 equals False, and is a default that the page names
        return f"`{param.opts[0]}`" if param.default else ""
    return "" if param.default in (None, [], ()) else f"`{param.default}`"


def _examples(epilog: str) -> list[str]:
    """The command lines below a help page."""
    return [line.strip() for line in epilog.splitlines() if line.strip().startswith("rarebeat ")]
