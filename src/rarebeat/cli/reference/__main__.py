"""Write the pages of the reference: ``python -m rarebeat.cli.reference docs/reference params.yaml``."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def write_reference(
    out: Annotated[Path, typer.Argument(help="folder to write to")] = Path("docs/reference"),
    params: Annotated[Path, typer.Argument(help="params file")] = Path("params.yaml"),
) -> None:
    """Write a page of all commands and a page of all params."""
    from rarebeat.cli.main import app
    from rarebeat.cli.reference.commands import commands_page
    from rarebeat.cli.reference.params import params_page
    from rarebeat.core.files import atomic

    pages = {"commands.md": commands_page(app), "params.md": params_page(params.read_text(encoding="utf-8"))}
    out.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        with atomic(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    print(f"{', '.join(pages)} -> {out}")


if __name__ == "__main__":
    run(write_reference)
