"""Stage 2: labels of one cohort, from its text and from its codes."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def label(
    records: Annotated[Path, typer.Argument(help="cohort folder written by ingest")],
    out: Annotated[Path, typer.Argument(help="folder to write")],
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, instead of what the file says")
    ] = None,
) -> None:
    """Extract three-state labels with evidence from the text and from the codes of a cohort."""
    from rarebeat.core.parallel import parse_workers
    from rarebeat.core.params import group, read_params
    from rarebeat.labels.extract import LabelSettings, label_cohort

    content = read_params(params, overrides or [])
    settings = group(content, "label", LabelSettings)
    who = parse_workers(content.get("workers"))
    summary = label_cohort(
        records, out, settings.vocabulary, settings.signal_checks, settings.incomplete_codes, who
    )
    for origin in ("text", "codes"):
        counts = summary[origin]
        said = counts["records"] - counts["without_evidence"]
        print(f"{records.name}: {said} of {counts['records']} records labelled by {origin} -> {out}")
    coverage = summary["coverage"]
    for what, key, how in (
        ("statements", "statements_understood", "understood"),
        ("codes", "codes_of_known_systems", "of a known system"),
    ):
        share = coverage[key]
        if share is not None:
            print(f"{records.name}: {share:.1%} of {coverage[what]} {what} {how}")
        if share is not None and share < settings.least_coverage:
            print(
                f"warning: {records.name}: less than {settings.least_coverage:.0%} of the {what} are {how} "
                f"(label.least_coverage): another language or code system? Most labels stay unknown.",
                file=sys.stderr,
            )
    if incomplete := coverage.get("records_with_incomplete_codes"):
        print(
            f"{records.name}: {incomplete} of {coverage['records']} records have incomplete codes; "
            f"what they do not name is {settings.incomplete_codes} (label.incomplete_codes)"
        )
    for origin, checks in (summary["signal_checks"] or {}).items():
        contradicted = {
            name: check["contradicted"] for name, check in checks.items() if check["contradicted"]
        }
        if contradicted:
            print(f"{records.name}: contradicted by the signal, {origin}: {contradicted}")


if __name__ == "__main__":
    run(label)
