"""The command ``rarebeat simulate``: simulated ECGs as an archive on disk, as pictures, or only counted."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import examples, refuse, told
from rarebeat.core.errors import ParamsError

_TAKEN = {
    "picture": ("seed", "preset", "rate", "seconds", "only"),
    "gallery": ("seed",),
    "counts": ("records", "seed", "preset"),
}
"""The options that go with what is made in place of an archive, which takes all."""


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    lines = (
        "rarebeat simulate exports --format muse-xml --records 500",
        "rarebeat simulate --class avnrt --picture avnrt.png",
        "rarebeat simulate --counts --records 6000 --preset hughes",
    )
    app.command(rich_help_panel="Data", epilog=examples(*lines))(simulate)


def simulate(
    context: typer.Context,
    out: Annotated[Path | None, typer.Argument(help="folder to write an archive to")] = None,
    format: Annotated[
        str, typer.Option(help="kind of archive: wfdb, challenge, muse-xml, dicom, edf or aecg")
    ] = "wfdb",
    records: Annotated[int, typer.Option(help="number of ECGs in the archive")] = 100,
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 0,
    preset: Annotated[
        str, typer.Option(help="how common each class is: clinic, balanced or hughes")
    ] = "clinic",
    rate: Annotated[float, typer.Option(help="samples per second")] = 500.0,
    seconds: Annotated[float, typer.Option(help="length of an ECG")] = 10.0,
    label_noise: Annotated[float, typer.Option(help="share of reports with an error")] = 0.02,
    only: Annotated[
        str | None, typer.Option("--class", help="only ECGs that truly show this class, such as avnrt")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="draw one ECG of --class on ECG paper instead (.png, .pdf or .svg)"),
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="draw one ECG of each class into this folder instead")
    ] = None,
    counts: Annotated[
        bool, typer.Option("--counts", help="print how many of the ECGs show each class instead")
    ] = False,
    workers: Annotated[int | None, typer.Option(help="processes; default: one per core")] = None,
) -> None:
    """Write simulated ECGs, draw them or count them.

    What is written is an archive that `ingest` reads, with truth.csv beside it.
    """
    from rarebeat.core.params import parse
    from rarebeat.simulator.settings import SimulatorSettings

    if sum(map(bool, (out, picture, gallery, counts))) != 1:
        raise ParamsError("ask for one thing: a folder OUT, --picture FILE, --gallery FOLDER or --counts")
    _check_options(context)
    options = {"records": records, "seed": seed, "preset": preset}
    options |= {"rate": rate, "seconds": seconds, "label_noise": label_noise}
    settings = parse(SimulatorSettings, options, "simulate")
    if counts:
        from rarebeat.simulator.archives.export import class_counts

        for name, number in class_counts(settings).items():
            print(f"{name:32}{number:8}")
    elif gallery:
        from rarebeat.reporting.gallery import write_gallery

        print(f"pictures -> {gallery}, page -> {write_gallery(gallery, seed)}")
    elif picture:
        from rarebeat.reporting.gallery import draw_example

        if only is None:
            raise ParamsError("--picture needs --class NAME")
        print(f"{draw_example(picture, only, settings)} -> {picture}")
    elif out:
        from rarebeat.simulator.archives.archive import ingest_command, write_archive

        write_archive(out, format, settings, only, workers)
        print(
            f"{records} simulated ECGs and their truth -> {out}\nread them with: {ingest_command(out, format)}"
        )


def _check_options(context: typer.Context) -> None:
    """Refuse options that would change nothing.

    Raises:
        ParamsError: naming them.
    """
    for way, taken in _TAKEN.items():
        if told(context, way):
            refuse(context, [name for name in context.params if name not in (way, *taken)], f"--{way}")
