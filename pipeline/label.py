"""Stage 2: labels of one cohort, from its text and from its codes."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def label(
    records: Annotated[Path, typer.Argument(help="cohort folder written by ingest")],
    out: Annotated[Path, typer.Argument(help="folder to write")],
    vocabulary: Annotated[
        str, typer.Option(help="name of a vocabulary, or path of a .yaml file")
    ] = "hughes24",
    signal_checks: Annotated[
        str, typer.Option(help="true or false: compare the labels with the signals")
    ] = "true",
    least_coverage: Annotated[
        float, typer.Option(min=0, max=1, help="share of statements or codes understood below which to warn")
    ] = 0.5,
) -> None:
    """Extract three-state labels with evidence from the text and from the codes of a cohort."""
    from rarebeat.core.errors import ParamsError
    from rarebeat.labels.extract import label_cohort

    if signal_checks not in ("true", "false"):
        raise ParamsError(f"label.signal_checks must be true or false, found {signal_checks!r}")
    summary = label_cohort(records, out, vocabulary, signal_checks == "true")
    for origin in ("text", "codes"):
        counts = summary[origin]
        said = counts["records"] - counts["without_evidence"]
        print(f"{records.name}: {said} of {counts['records']} records labelled by {origin} -> {out}")
    coverage = summary["coverage"]
    for what, key in (("statements", "statements_understood"), ("codes", "codes_known")):
        share = coverage[key]
        if share is not None:
            print(f"{records.name}: {share:.1%} of {coverage[what]} {what} understood")
        if share is not None and share < least_coverage:
            print(
                f"warning: {records.name}: less than {least_coverage:.0%} of the {what} are understood "
                f"(label.least_coverage): another language or code system? Most labels stay unknown.",
                file=sys.stderr,
            )
    for origin, checks in (summary["signal_checks"] or {}).items():
        contradicted = {
            name: check["contradicted"] for name, check in checks.items() if check["contradicted"]
        }
        if contradicted:
            print(f"{records.name}: contradicted by the signal, {origin}: {contradicted}")


if __name__ == "__main__":
    run(label)
