"""The command ``rarebeat serve``."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import examples


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    lines = ("rarebeat serve models/trained", "rarebeat serve models/site --port 8001 --seconds 20")
    app.command(rich_help_panel="Models", epilog=examples(*lines))(serve)


def serve(
    model: Annotated[Path, typer.Argument(help="model folder, or folder of an ensemble")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="on this machine")] = 8000,
    megabytes: Annotated[float, typer.Option(min=0.001, max=1024, help="largest request")] = 16.0,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="longest wait for an answer")] = 60.0,
    threads: Annotated[int | None, typer.Option(min=1, help="of the model; default: all cores")] = None,
) -> None:
    """Answer ECGs over HTTP on this machine.

    A page to drop files on, and an interface for programs (docs/serving.md). Nothing is written or logged but counts.
    """
    from rarebeat.reporting.serving.server import run_server

    run_server(model, port, megabytes, seconds, threads)
