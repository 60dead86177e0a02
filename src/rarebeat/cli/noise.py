"""The command that measures label noise on simulated reports."""

from pathlib import Path
from typing import Annotated

import typer


def label_noise(
    records: Annotated[int, typer.Option(min=1, help="number of simulated reports")] = 5000,
    preset: Annotated[str, typer.Option(help="how common each rhythm is, as in params.yaml")] = "clinic",
    seed: Annotated[int, typer.Option(min=0, help="seed of the simulated clinic")] = 0,
    held_out: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="share of patients whose reports use wordings kept back")
    ] = 0.0,
    examples: Annotated[int, typer.Option(min=0, help="texts to show for each disagreement")] = 0,
    out: Annotated[Path | None, typer.Option(help="also write the table as CSV")] = None,
) -> None:
    """Compare truth, reports and extracted labels of the simulated clinic, class by class."""
    from rarebeat.audit.label_noise import (
        COLUMNS,
        disagreements,
        format_label_noise,
        noise_rows,
        read_reports,
    )
    from rarebeat.core.params import parse
    from rarebeat.core.tables import write_rows
    from rarebeat.simulator.reports.findings import Style
    from rarebeat.simulator.settings import SimulatorSettings

    settings = parse(SimulatorSettings, {"seed": seed, "preset": preset}, "simulated")
    readings = read_reports(settings, records, Style(held_out=held_out))
    rows = noise_rows(readings)
    print(format_label_noise(rows))
    if examples:
        for row in disagreements(readings, examples):
            print(
                f"\n{row['count']} x {row['class']}: {row['writer']}, label {row['label']}\n  {row['examples']}"
            )
    if out:
        write_rows(out, rows, COLUMNS)
