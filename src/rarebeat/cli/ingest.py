"""The command ``rarebeat ingest``."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import examples, reader_options, refuse


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    lines = (
        "rarebeat ingest ptb-xl data/raw/ptb-xl data/records/ptb-xl",
        "rarebeat ingest wfdb exports data/records/exports -o csv=records.csv --workers 2",
        "rarebeat ingest ptb-xl /shared/ptb-xl data/records/ptb-xl --workers ray:auto",
        "rarebeat ingest cohort ludb data/records/ludb --params params.yaml",
    )
    app.command(rich_help_panel="Data", epilog=examples(*lines))(ingest)


def ingest(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            help="kind of archive or file, such as ptb-xl, muse-xml or dicom (an unknown one lists all); or `cohort`, "
            "to take kind, root and options of the cohort named ROOT in the params file"
        ),
    ],
    root: Annotated[str, typer.Argument(help="folder of the archive (anything for `simulated`)")],
    out: Annotated[Path, typer.Argument(help="folder to write")],
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", help="reader option as key=value; may be repeated")
    ] = None,
    workers: Annotated[
        str | None,
        typer.Option(help="processes, or a cluster such as ray:auto; default: one process per core"),
    ] = None,
    params: Annotated[Path, typer.Option(help="where KIND `cohort` looks cohorts up")] = Path("params.yaml"),
) -> None:
    """Read an archive of ECGs into Parquet.

    Signals become int16 microvolts at their native rate; what cannot be trusted goes to a quarantine with a reason.
    """
    from rarebeat.core.parallel import parse_workers
    from rarebeat.core.project import resolve_root
    from rarebeat.readers.ingest import ingest_cohort
    from rarebeat.readers.registry import read_cohort_settings
    from rarebeat.readers.summary import summary_lines

    name, options = out.name, reader_options(option or [])
    if kind == "cohort":
        name = root
        cohort = read_cohort_settings(params, name)
        kind, options = cohort.kind, (cohort.options or {}) | options
        place = resolve_root(cohort.root or "", params)
    else:
        refuse(context, ("params",), f"kind {kind}, whose settings stand here,")
        place = Path(root).expanduser()
    who = parse_workers(workers)
    summary = ingest_cohort(kind, place, out, cohort=name, options=options, workers=who)
    print(*summary_lines(name, kind, place, summary, options), f"written to {out}", sep="\n")
