"""The command that describes a data set for others: ``rarebeat croissant``."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import examples

Several = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    lines = (
        "rarebeat croissant data/shards --records data/records",
        "rarebeat croissant data/shards --licence https://spdx.org/licenses/CC-BY-4.0 --creator 'Our Hospital'",
    )
    app.command(rich_help_panel="Data", epilog=examples(*lines))(croissant)


def croissant(
    shards: Annotated[Path, typer.Argument(help="folder written by prepare")],
    out: Annotated[
        Path | None, typer.Option(help="file to write; default: croissant.json beside the folder")
    ] = None,
    records: Annotated[
        Path | None, typer.Option(help="folder of the cohorts' records: the kinds of their archives")
    ] = None,
    name: Annotated[str, typer.Option(help="of the data set")] = "12-lead ECGs",
    licence: Annotated[
        Several, typer.Option(help="address of a licence of the ECGs; may be repeated")
    ] = None,
    creator: Annotated[Several, typer.Option(help="organisation that made it; may be repeated")] = None,
    author: Annotated[Several, typer.Option(help="person who made it; may be repeated")] = None,
    url: Annotated[str | None, typer.Option(help="of the page of the data set")] = None,
    cite: Annotated[str | None, typer.Option(help="how to cite it, as BibTeX")] = None,
    published: Annotated[str | None, typer.Option(help="day of publication, YYYY-MM-DD")] = None,
    version: Annotated[str | None, typer.Option(help="MAJOR.MINOR.PATCH")] = None,
) -> None:
    """Describe the shards as Croissant metadata.

    The file names every shard with its checksum, every column with its unit, and the splits.
    """
    from rarebeat.reporting.sheets.croissant.document import Publication, write_croissant

    publication = Publication(
        name=name,
        licences=licence or (),
        authors=author or (),
        creators=creator or (),
        url=url,
        citation=cite,
        published=published,
        version=version,
    )
    out = shards.parent / "croissant.json" if out is None else out
    content = write_croissant(shards, out, publication, records)
    print(f"{len(content['distribution'])} files and {len(content['recordSet'])} record sets -> {out}")
    if publication.missing:
        print(f"not told, and wanted of a data set that is published: {', '.join(publication.missing)}")
