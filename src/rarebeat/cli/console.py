"""Running a command for a person: errors as one message on standard error and exit code 2, never a traceback."""

import sys
from collections.abc import Callable
from typing import Any

import typer

from rarebeat.core.errors import RarebeatError


def new_app(**options: Any) -> typer.Typer:
    """A typer application with the project's conventions."""
    return typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        **options,
    )


def run(command: Callable[..., Any] | typer.Typer) -> None:
    """Run a typer application, or one function as an application of its own, and exit."""
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
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
