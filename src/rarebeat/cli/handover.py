"""Commands that hand models on: ``rarebeat thresholds``, ``rarebeat restore``."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import examples

_HEADING = "Models to hand on"

ModelFolder = Annotated[Path, typer.Argument(help="model folder")]


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    lines = (
        "rarebeat thresholds models/trained models/site --set atrial_fibrillation=0.35 --set avnrt=0.2",
        "rarebeat thresholds models/trained models/site --csv thresholds.csv",
    )
    app.command(rich_help_panel=_HEADING, epilog=examples(*lines))(thresholds)
    lines = (
        "rarebeat restore models/best --metric macro.auprc",
        "rarebeat restore models/of-that-run --run 0f3c",
    )
    app.command(rich_help_panel=_HEADING, epilog=examples(*lines))(restore)


def thresholds(
    model: ModelFolder,
    out: Annotated[Path, typer.Argument(help="folder to write: the same model with other thresholds")],
    pairs: Annotated[
        list[str] | None, typer.Option("--set", help="class=threshold; may be repeated, wins over --csv")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="table with the columns class and threshold")] = None,
) -> None:
    """Make a model with the thresholds of a site.

    It lies beside the trained model, so that the next `dvc repro` does not undo it.
    """
    from rarebeat.inference.handover.site import read_thresholds, write_site_model

    changed = read_thresholds(csv, pairs or [])
    write_site_model(model, out, changed)
    print(f"{len(changed)} thresholds changed -> {out}")


def restore(
    out: Annotated[Path, typer.Argument(help="model folder to write")],
    run: Annotated[str | None, typer.Option(help="id of the run, instead of the best one")] = None,
    metric: Annotated[
        str, typer.Option(help="what is compared: an average of the test split")
    ] = "macro.auprc",
    lowest: Annotated[bool, typer.Option("--lowest", help="the lowest value is the best")] = False,
    params: Annotated[Path, typer.Option(help="params file, which names the experiment")] = Path(
        "params.yaml"
    ),
) -> None:
    """Write the model folder of the best run in MLflow, or of a certain one."""
    from rarebeat.core.params import read_params
    from rarebeat.training.tracking import connect, restore_model

    print(f"{restore_model(connect(read_params(params)), out, run, metric, lowest)} -> {out}")
