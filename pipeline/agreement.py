"""Beside the road: how far the labels from text and from codes agree."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def agreement(
    labels: Annotated[Path, typer.Argument(help="folder with a label folder per cohort")],
    out: Annotated[Path, typer.Argument(help="Markdown file to write")],
    examples: Annotated[int, typer.Option(min=0, help="disagreements shown per class and kind")] = 3,
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
) -> None:
    """Compare text with codes in all cohorts of `use`."""
    from rarebeat.core.files import atomic
    from rarebeat.core.params import parse, read_params
    from rarebeat.reporting.agreement_page import agreement_page

    cohorts = parse(list[str], read_params(params).get("use"), "use")
    page = agreement_page({cohort: labels / cohort for cohort in cohorts}, examples)
    with atomic(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    print(f"{', '.join(cohorts)}: text against codes -> {out}")


if __name__ == "__main__":
    run(agreement)
