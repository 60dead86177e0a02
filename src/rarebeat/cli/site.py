"""Commands about a model at a site: ``rarebeat adapt`` and ``rarebeat drift``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from rarebeat.cli.console import examples, reader_options

_HEADING = "Models"

KindOption = Annotated[
    str | None,
    typer.Option(
        help="RECORDS are an archive of this kind, as for ingest: patients, ages and sexes are taken from it"
    ),
]
ReaderOption = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", help="with --kind: reader option as key=value; may be repeated"),
]
RecordsArgument = Annotated[
    Path,
    typer.Argument(
        help="folder that `rarebeat ingest` has written; or a folder of WFDB headers and XML files, or one file; with "
        "--kind, an archive"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    adapting = (
        "rarebeat adapt models/trained data/records/ward7 labels.csv --out models/ward7",
        "rarebeat adapt models/trained exports labels.csv --out models/ward7 --kind muse-xml",
    )
    app.command(rich_help_panel=_HEADING, epilog=examples(*adapting))(adapt)
    app.command(rich_help_panel=_HEADING, epilog=examples("rarebeat drift models/ward7 data/records/ward7"))(
        drift
    )


def adapt(
    model: Annotated[Path, typer.Argument(help="model folder; it stays as it is")],
    records: RecordsArgument,
    labels: Annotated[
        Path,
        typer.Argument(
            help="CSV: record id (or path, name or stem of the file), then a column per class; 0, 1 or empty (unknown)"
        ),
    ],
    out: Annotated[Path, typer.Option(help="model folder to write")],
    kind: KindOption = None,
    option: ReaderOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Fit thresholds and logit offsets to a site.

    It takes tens of records with labels of the site's own, and fits one offset for each class. The weights stay as they
    are, to the byte. Prints how well calibrated it is before and after, on patients that were not fitted to.
    """
    from rarebeat.evaluation.site.adapt import adapt_model, format_adaptation
    from rarebeat.evaluation.site.recordings import Source

    done = adapt_model(model, Source((records,), kind, reader_options(option or [])), labels, out)
    print(_as_json(done) if as_json else f"{format_adaptation(done)}\n\nwritten to {out}")


def drift(
    model: Annotated[Path, typer.Argument(help="model folder")],
    records: RecordsArgument,
    kind: KindOption = None,
    option: ReaderOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Compare a cohort with what a model saw.

    Inputs are compared with training records, scores with those of validation records. Exit code 0 when the model is
    inside of what it saw, 1 when it is outside, 2 when nothing could be compared or the records are too few to tell.
    """
    from rarebeat.evaluation.site.drift import find_drift, format_drift
    from rarebeat.evaluation.site.recordings import Source

    found = find_drift(model, Source((records,), kind, reader_options(option or [])))
    print(_as_json(found) if as_json else format_drift(found))
    if found.verdicts or not found.tells:
        raise typer.Exit(1 if found.verdicts else 2)


def _as_json(result: Any) -> str:
    """A dataclass as JSON, with null for what is not a number."""
    return json.dumps(_plain(asdict(result)), indent=2, allow_nan=False)


def _plain(value: Any) -> Any:
    from rarebeat.core.tables import tidy

    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return tidy(value) if isinstance(value, float) else value
