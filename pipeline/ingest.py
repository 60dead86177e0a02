"""Stage 1: read one cohort of the params file into Parquet, at its native rate."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def ingest(
    cohort: Annotated[str, typer.Argument(help="name of the cohort in the params file")],
    out: Annotated[Path, typer.Argument(help="folder to write")],
    workers: Annotated[
        str | None,
        typer.Option(help="processes, or a cluster (ray:auto); default: `workers` of the params file"),
    ] = None,
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
) -> None:
    """Read the archive of a cohort; what cannot be trusted goes to a quarantine with a reason."""
    from rarebeat.core.parallel import parse_workers
    from rarebeat.core.params import read_params
    from rarebeat.core.project import resolve_root
    from rarebeat.readers.ingest import ingest_cohort
    from rarebeat.readers.registry import read_cohort_settings
    from rarebeat.readers.summary import summary_lines

    settings = read_cohort_settings(params, cohort)
    root = resolve_root(settings.root or "", params)
    who = parse_workers(workers or read_params(params).get("workers"))
    summary = ingest_cohort(settings.kind, root, out, cohort, settings.options or {}, who)
    print(
        *summary_lines(cohort, settings.kind, root, summary, settings.options), f"written to {out}", sep="\n"
    )


if __name__ == "__main__":
    run(ingest)
