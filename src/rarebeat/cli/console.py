"""Running a command for a person: help pages, and errors as one message with exit code 2, never a traceback.

No command is imported here, so that a pipeline script that runs itself does not depend on the others.
"""

import errno
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from rarebeat.core.errors import ParamsError, RarebeatError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""What the system says where a file cannot become longer."""


class GroupedHelp(TyperGroup):
    """Commands listed under the headings they are registered with, those of a sub-group by their full names.

    Typer does so with rich alone, which takes half a second to import.
    """

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each heading, in the order of registration."""
        sections: dict[str, list[tuple[str, Any]]] = {}
        for name, command in self._leaves():
            sections.setdefault(command.rich_help_panel or "Commands", []).append((name, command))
        width = max((len(name) for rows in sections.values() for name, _ in rows), default=0)
        limit = formatter.width - width - 6
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [(name.ljust(width), command.get_short_help_str(limit)) for name, command in rows]
                )

    def _leaves(self) -> list[tuple[str, Any]]:
        leaves = []
        for name, command in self.commands.items():
            inside = command._leaves() if isinstance(command, GroupedHelp) else [("", command)]
            leaves += [(f"{name} {rest}".strip(), leaf) for rest, leaf in inside]
        return leaves


def new_app(**options: Any) -> typer.Typer:
    """Make a typer application with the project's conventions.

    Args:
        options: of ``typer.Typer``, such as ``help``.

    Returns:
        An application without commands.
    """
    return typer.Typer(
        cls=GroupedHelp,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        **options,
    )


def examples(*lines: str) -> str:
    """Make the end of a help page: command lines, kept as they are.

    Args:
        lines: one command each.

    Returns:
        Text for ``epilog``.
    """
    return "\n".join(["\b", "Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])


def reader_options(pairs: Sequence[str]) -> dict[str, Any]:
    """Read the options of a reader as they are given on the command line.

    Args:
        pairs: ``key=value`` each; values are YAML.

    Returns:
        The values by their keys.

    Raises:
        ParamsError: for one without ``=``, whose value is not YAML, or whose key was there before.

    Example:
        >>> reader_options(["csv=records.csv", "rate=100"])
        {'csv': 'records.csv', 'rate': 100}
    """
    import yaml

    from rarebeat.core.yaml_text import load_yaml

    options: dict[str, Any] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator:
            raise ParamsError(f"--option takes key=value, found {pair!r}")
        if key in options:
            raise ParamsError(f"--option {key} is there twice")
        try:
            options[key] = load_yaml(value)
        except yaml.YAMLError as error:
            raise ParamsError(f"--option {pair}: {value!r} is not YAML: {error}") from error
    return options


def told(context: typer.Context, *names: str) -> list[str]:
    """Which of some options stand on the command line.

    Args:
        context: of the command.
        names: of its parameters.

    Returns:
        The options as they are written there, such as ``--label-noise``.
    """
    flags = {option.name: option.opts[0] for option in context.command.params}
    return [
        flags[name]
        for name in names
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]


def refuse(context: typer.Context, names: Sequence[str], why: str) -> None:
    """Refuse options that would change nothing.

    Args:
        context: of the command.
        names: of the parameters that have no effect.
        why: what makes it so, such as "--explain".

    Raises:
        ParamsError: naming those that stand on the command line.
    """
    if stray := told(context, *names):
        raise ParamsError(f"{why} does not take {', '.join(stray)}")


def run(command: Callable[..., Any] | typer.Typer) -> None:
    """Run a typer application, or one function as an application of its own, and exit.

    Args:
        command: the application or the function.
    """
    if isinstance(command, typer.Typer):
        app = command
    else:
        app = new_app()
        app.command()(command)
    try:
        app()
    except RarebeatError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        place = f" ({error.filename})" if error.filename else ""
        print(f"error: {error.strerror}{place}: make room, and start the command again", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
