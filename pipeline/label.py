"""Stage 2: labels of one cohort, from its text and from its codes."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.console import run


def label(
    records: Annotated[Path, typer.Argument(help="cohort folder written by ingest")],
    out: Annotated[Path, typer.Argument(help="folder to write")],
    vocabulary: Annotated[
        str, typer.Option(help="name of a vocabulary, or path of a .yaml file")
    ] = "hughes24",
) -> None:
    """Extract three-state labels with evidence from the text and from the codes of a cohort."""
    from rarebeat.labels.extract import label_cohort

    summary = label_cohort(records, out, vocabulary)
    for origin in ("text", "codes"):
        counts = summary[origin]
        said = counts["records"] - counts["without_evidence"]
        print(f"{records.name}: {said} of {counts['records']} records labelled by {origin} -> {out}")


if __name__ == "__main__":
    run(label)
