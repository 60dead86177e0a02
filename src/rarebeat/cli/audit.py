"""Commands to check labels by hand: ``rarebeat labels audit`` and ``rarebeat labels verdicts``."""

import json
from pathlib import Path
from typing import Annotated

import typer


def audit(
    out: Annotated[Path, typer.Argument(help="folder to write: audit.html and sample.csv")],
    labels: Annotated[
        list[Path], typer.Argument(help="label folders of cohorts, such as data/labels/ptb-xl")
    ],
    records: Annotated[
        Path, typer.Option(help="folder that holds the records of each cohort by the same name")
    ] = Path("data/records"),
    vocabulary: Annotated[
        str, typer.Option(help="name of a vocabulary, or path of a .yaml file")
    ] = "hughes24",
    per_kind: Annotated[
        int, typer.Option(min=0, help="at most so many hits, uncertain ones and near misses of each class")
    ] = 20,
    statements: Annotated[int, typer.Option(min=0, help="frequent statements that matched nothing")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="equal seeds draw equal samples")] = 0,
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="class id; may be repeated; default: all")
    ] = None,
) -> None:
    """Draw labels to be checked by hand, as one HTML page for a browser."""
    from rarebeat.audit.page import write_audit
    from rarebeat.audit.sample import Cohort, draw_audit

    cohorts = [Cohort(folder.resolve().name, records / folder.resolve().name, folder) for folder in labels]
    drawn = draw_audit(cohorts, vocabulary, classes or (), per_kind, statements, seed)
    write_audit(out, drawn)
    print(f"{len(drawn.items)} items of {drawn.records} records -> {out / 'audit.html'}")


def verdicts(
    sample: Annotated[Path, typer.Argument(help="sample.csv beside the page")],
    files: Annotated[
        list[Path], typer.Argument(help="CSV files exported from the page, by one or more readers")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="print JSON, with each item that was wrong")
    ] = False,
) -> None:
    """Precision of labels, with intervals, from what readers said of an audit sample."""
    from rarebeat.audit.precision import format_verdicts, read_sample, summarise_verdicts
    from rarebeat.audit.verdicts import read_verdicts

    items = read_sample(sample)
    result = summarise_verdicts(items, read_verdicts(files, items))
    print(json.dumps(result, indent=2) if as_json else format_verdicts(result))
