"""Commands about files that somebody has delivered: ``rarebeat inspect`` and ``rarebeat check``."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rarebeat.cli.console import examples, reader_options, refuse
from rarebeat.core.errors import RarebeatError

if TYPE_CHECKING:
    from rarebeat.core.records import Record

_HEADING = "Data"
_SUMMARY = "summary.json"


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    looking = ("rarebeat inspect ecg.xml --picture ecg.png", "rarebeat inspect exports --json")
    app.command(rich_help_panel=_HEADING, epilog=examples(*looking))(inspect)
    holding = (
        "rarebeat check hospital deliveries/2026-12",
        "rarebeat check data/records/hospital deliveries/2026-12 --kind muse-xml",
    )
    app.command(rich_help_panel=_HEADING, epilog=examples(*holding))(check)


def inspect(
    path: Annotated[Path, typer.Argument(help="file of any format and name, ZIP or gzip file, or folder")],
    picture: Annotated[
        Path | None,
        typer.Option(
            help="draw the ECG on ECG paper (.png, .pdf or .svg); of several the first that can be read"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Say what a file is, or every file of a folder.

    Format, rate, length, leads, unit, filters, device, and what the file does not tell. Exit code 1 when no ECG could
    be read.
    """
    from rarebeat.readers.discovery import EVERY, passed_over
    from rarebeat.readers.files.inspection import Inspection, files_at, in_json, in_lines
    from rarebeat.readers.files.inspection import inspect as find_out

    if picture:
        from rarebeat.reporting.ecg_page import check_suffix

        check_suffix(picture)
    entries = files_at(path)
    first: list[Record] = []  # for the picture; the other signals are let go of, one after the other

    def found() -> Iterator[Inspection]:
        for one in find_out(entries):
            if one.record and not first:
                first.append(one.record)
            yield one

    names = [entry.record_id for entry in entries]
    for line in in_json(found()) if as_json else in_lines(found(), names):
        print(line)
    passed = passed_over(path, EVERY) if path.is_dir() else {}
    if passed:  # a folder that is not entered may be most of the export
        told = ", ".join(f"{count} x {name}" for name, count in passed.items())
        print(f"passed over: {told}", file=sys.stderr)
    if not first:
        raise typer.Exit(1)
    if picture:
        from rarebeat.reporting.ecg_page import draw_ecg

        draw_ecg(picture, first[0])


def check(
    context: typer.Context,
    cohort: Annotated[str, typer.Argument(help="cohort of the params file, or its folder of records")],
    delivery: Annotated[Path, typer.Argument(help="new delivery: folder of an archive, or of records")],
    records: Annotated[Path, typer.Option(help="folder with the cohorts that were ingested")] = Path(
        "data/records"
    ),
    params: Annotated[Path, typer.Option(help="where the cohort is looked up")] = Path("params.yaml"),
    kind: Annotated[
        str | None, typer.Option(help="kind of the delivery; default: that of the cohort")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", help="reader option as key=value; may be repeated")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="processes; default: one per core")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Say how a new delivery differs from its cohort.

    It is held against the contract in the cohort's summary: units, rates, leads, filters, lengths, amplitudes, ages,
    codes, and shares of what is missing. Exit code 0 when nothing changed, 1 when something did. (The pipeline's stage
    `check` is about params.)
    """
    from rarebeat.readers.contract.compare import changes, read_contract

    if not delivery.exists():
        raise RarebeatError(f"there is no folder {delivery}")
    folder = _cohort_folder(cohort, records)
    contract = read_contract(folder)
    if (delivery / _SUMMARY).is_file():
        refuse(context, ("kind", "option", "workers"), "a delivery that was ingested")
        found = read_contract(delivery)
    else:
        found = _contract_of(cohort, delivery, params, kind, reader_options(option or []), workers)
    lines = changes(contract, found)
    if as_json:
        print(json.dumps({"changes": lines, "contract": contract, "delivery": found}, indent=2))
    else:
        print(*(lines or [f"{found['records']} recordings as in {folder}"]), sep="\n")
    if lines:
        raise typer.Exit(1)


def _cohort_folder(cohort: str, records: Path) -> Path:
    """Where the records of a cohort lie: the folder that is named, or that of the name below ``records``."""
    named, own = Path(cohort), records / cohort
    if (named / _SUMMARY).is_file() or not (own / _SUMMARY).is_file():
        return named if named.is_dir() else own
    return own  # and not a folder here that happens to have the cohort's name


def _contract_of(
    cohort: str, delivery: Path, params: Path, kind: str | None, options: dict[str, Any], workers: int | None
) -> dict[str, Any]:
    """Read a delivery as the cohort is read, into a folder that is gone afterwards."""
    from tempfile import TemporaryDirectory

    from rarebeat.readers.ingest import ingest_cohort
    from rarebeat.readers.registry import read_cohort_settings

    if kind is None:
        if Path(cohort).is_dir():
            raise RarebeatError(
                "of which kind is the delivery? Name the cohort of the params file, or give --kind"
            )
        settings = read_cohort_settings(params, cohort)
        kind, options = settings.kind, (settings.options or {}) | options
    if kind == "simulated":  # whose reader reads no folder, so that nothing would be compared
        raise RarebeatError(
            f"kind simulated has no deliveries: give --kind, the kind of the files in {delivery}"
        )
    with TemporaryDirectory(prefix="rarebeat-") as place:
        summary = ingest_cohort(kind, delivery, Path(place) / "delivery", options=options, workers=workers)
    return dict(summary["contract"])
