"""The command line: ``rarebeat``. Each module listed here registers its own commands."""

from typing import Annotated

import typer

from rarebeat.cli import datasets, deliveries, handover, ingest, labels, models, serve, simulate, site
from rarebeat.cli.console import new_app, run

app = new_app(help="Multi-task CNNs on 12-lead ECGs: read or simulate archives, label, predict, score.")


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"rarebeat {version('rarebeat')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="print the version and exit"),
    ] = False,
) -> None:
    """Options that come before a command."""


for module in (ingest, deliveries, datasets, simulate, labels, models, serve, handover, site):
    module.register(app)


def main() -> None:
    """Entry point of the ``rarebeat`` command."""
    run(app)


if __name__ == "__main__":
    main()
