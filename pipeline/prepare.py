"""Stage 3: down-sample, split by patient, re-sample classes, write shards."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def prepare(
    records: Annotated[Path, typer.Argument(help="folder with a folder per cohort, written by ingest")],
    labels: Annotated[Path, typer.Argument(help="folder with a folder per cohort, written by label")],
    out: Annotated[Path, typer.Argument(help="folder to write")],
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, instead of what the file says")
    ] = None,
) -> None:
    """Combine the cohorts in `use` into shards: train, validation and test."""
    from rarebeat.core.parallel import parse_workers
    from rarebeat.core.params import group, parse, read_params
    from rarebeat.core.tables import people_text
    from rarebeat.dataset.prepare import PrepareSettings, prepare

    content = read_params(params, overrides or [])
    cohorts = parse(list[str], content.get("use"), "use")
    settings, who = group(content, "prepare", PrepareSettings), parse_workers(content.get("workers"))
    summary = prepare(records, labels, out, cohorts, settings, who)

    for split, counts in summary["splits"].items():
        without = counts.get("without_patient", 0)
        print(f"{split}: {people_text(counts['records'], counts['patients'], without)}")
    print(f"left out: {summary['left_out'] or 'none'} -> {out}")
    for warning in summary["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)


if __name__ == "__main__":
    run(prepare)
