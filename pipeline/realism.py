"""Beside the study of transfer: simulated and real sinus rhythm, and what tells them apart."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def realism(
    records: Annotated[Path, typer.Argument(help="folder with a folder per cohort, written by ingest")],
    labels: Annotated[Path, typer.Argument(help="folder with a folder per cohort, written by label")],
    out: Annotated[Path, typer.Argument(help="Markdown to write")],
    cohorts: Annotated[
        list[str], typer.Option("--cohort", help="real cohort with calibrated amplitudes; may be repeated")
    ],
    simulated: Annotated[int, typer.Option(help="records to simulate, of the preset clinic")] = 3000,
) -> None:
    """Compare the features of simulated and of real sinus rhythm, and write the page."""
    from rarebeat.core.files import atomic
    from rarebeat.evaluation.realism import page, real_records, simulated_records
    from rarebeat.simulator.settings import SimulatorSettings

    real = [one for name in cohorts for one in real_records(records / name, labels / name, "codes")]
    made = list(simulated_records(SimulatorSettings(records=simulated)))
    with atomic(out) as temporary:
        temporary.write_text(page(real, made), encoding="utf-8")
    print(out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    run(realism)
