"""Commands that hand models on: ``rarebeat thresholds``, ``restore``, ``export`` and ``publish``."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import examples, refuse

_HEADING = "Models to hand on"

ModelFolder = Annotated[Path, typer.Argument(help="model folder")]


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    lines = (
        "rarebeat thresholds models/trained models/site --set atrial_fibrillation=0.35 --set avnrt=0.2",
        "rarebeat thresholds models/trained models/site --csv thresholds.csv",
    )
    app.command(rich_help_panel=_HEADING, epilog=examples(*lines))(thresholds)
    app.command(
        rich_help_panel=_HEADING, epilog=examples("rarebeat export models/trained --onnx model.onnx")
    )(export)
    lines = (
        "rarebeat publish models/trained --dry-run --licence cc-by-4.0 --card reports/model-card.md",
        "rarebeat publish models/trained --dry-run --licence cc-by-4.0 --metrics reports/metrics.json",
    )
    app.command(rich_help_panel=_HEADING, epilog=examples(*lines))(publish)
    lines = (
        "rarebeat restore models/best",
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


def export(
    model: ModelFolder,
    onnx: Annotated[Path, typer.Option(help="file to write: graph, classes, thresholds, preprocessing")],
) -> None:
    """Write a model as ONNX.

    Onnxruntime runs it without torch.

    Before it is written, its probabilities are compared with those of torch; more than 1e-4 apart, nothing is written.
    """
    from rarebeat.inference.handover.onnx_export import OPSET, export_onnx

    difference = export_onnx(model, onnx)
    print(f"opset {OPSET}, probabilities within {difference:.1g} of torch's -> {onnx}")


def publish(
    model: ModelFolder,
    out: Annotated[Path, typer.Option(help="folder to write")] = Path("models/hub"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="write the folder and send nothing; there is no other way yet")
    ] = False,
    licence: Annotated[
        str | None, typer.Option(help="of the weights, as the hub names it: mit, cc-by-4.0 ...")
    ] = None,
    metrics: Annotated[
        Path | None, typer.Option(help="scores to show: metrics.json of this model's evaluation")
    ] = None,
    card: Annotated[
        Path | None, typer.Option(help="text of the card: model-card.md of this model's evaluation")
    ] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="export the model, too")] = False,
) -> None:
    """Make a folder for the Hugging Face hub.

    It has a model card, weights, thresholds and preprocessing. Nothing is sent: look through it, and upload it with the
    hub's own program.
    """
    from rarebeat.core.errors import ParamsError
    from rarebeat.inference.handover.hub import write_hub_folder

    if not dry_run:
        raise ParamsError(
            "this command sends nothing: say --dry-run, and it writes the folder for you to upload"
        )
    names = write_hub_folder(model, out, licence, metrics, onnx, card)
    print(f"{', '.join(names)} -> {out}")
    print(f"look through it, then: hf upload OWNER/NAME {out}")


def restore(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="model folder to write")],
    run: Annotated[
        str | None, typer.Option(help="id of the run, or its first characters, instead of the best one")
    ] = None,
    metric: Annotated[
        str, typer.Option(help="what is compared; a choice by the test split spoils its score there")
    ] = "validation/auroc",
    lowest: Annotated[bool, typer.Option("--lowest", help="the lowest value is the best")] = False,
    params: Annotated[Path, typer.Option(help="params file, which names the experiment")] = Path(
        "params.yaml"
    ),
) -> None:
    """Bring the best run's model back from MLflow.

    Or that of a certain run.
    """
    from rarebeat.core.params import read_params
    from rarebeat.tracking.models import restore_model
    from rarebeat.tracking.runs import connect

    if run is not None:
        refuse(context, ("metric", "lowest"), "--run")
    print(f"{restore_model(connect(read_params(params)), out, run, metric, lowest)} -> {out}")
