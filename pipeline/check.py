"""Stage 0: check all of the params file before the first stage does anything."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def check(
    out: Annotated[Path, typer.Argument(help="file to write; it holds the same, whatever the params are")],
    own: Annotated[Path, typer.Argument(help="folder to write: which parts of one's own the params name")],
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
) -> None:
    """Check every group of the params file, so that a misspelt one costs nothing that was made before."""
    from rarebeat.cli.own_parts import write_own_parts
    from rarebeat.cli.params import check_params
    from rarebeat.core.errors import ParamsError
    from rarebeat.core.files import write_json
    from rarebeat.core.params import read_params

    try:
        content = read_params(params)
        check_params(content)
        write_own_parts(own, content)
    except ParamsError as error:
        raise ParamsError(f"{params} cannot be used:\n{error}") from error
    write_json(out, {"params": "checked"})


if __name__ == "__main__":
    run(check)
