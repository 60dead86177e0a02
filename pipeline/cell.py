"""One stage of a study on another machine, started there in a copy of the project (`make study ON=...`)."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def cell(
    stage: Annotated[str, typer.Argument(help="name of the stage, with its dvc.yaml")],
    inputs: Annotated[list[str] | None, typer.Argument(help="stages whose outputs it reads")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="the project's cache of DVC; default: by way of the DVC remote")
    ] = None,
    folder: Annotated[
        str | None, typer.Option(help="name=path of that remote, where it is a folder that this machine sees")
    ] = None,
) -> None:
    """Get the inputs of a stage, run it where its result is not known yet, and hand the result in."""
    from rarebeat.studies.clone import run_in_clone

    sys.exit(run_in_clone(stage, inputs or [], cache, folder))


if __name__ == "__main__":
    run(cell)
