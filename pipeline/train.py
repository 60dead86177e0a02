"""Stage 4: train one model for the label set `heads`: that of the pipeline, or a cell of a study."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rarebeat.cli.console import run

if TYPE_CHECKING:
    from rarebeat.tracking.server import Tracker
    from rarebeat.training.distributed.world import World
    from rarebeat.training.experiment import Experiment
    from rarebeat.training.settings import TrainSettings


def train(
    shards: Annotated[str, typer.Argument(help="folder written by prepare, or its URL")],
    out: Annotated[Path, typer.Argument(help="model folder to write")],
    curves: Annotated[Path, typer.Option(help="CSV with a row per epoch")] = Path("reports/training.csv"),
    checkpoints: Annotated[Path, typer.Option(help="where a killed run goes on")] = Path(
        "models/checkpoints"
    ),
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, instead of what the file says")
    ] = None,
    folds: Annotated[
        Path | None, typer.Option(help="folder of folds; default: the splits of the shards")
    ] = None,
    fold: Annotated[int, typer.Option(help="with --folds: validate on this fold, train on the others")] = 0,
) -> None:
    """Train, choose thresholds on the validation split, write the model folder, and log it all to MLflow."""
    from rarebeat.core.params import group, read_params
    from rarebeat.core.project import project_root
    from rarebeat.dataset.remote import folder_at
    from rarebeat.training.distributed.launch import agreed, joined, one_message, start_processes
    from rarebeat.training.experiment import fold_experiment, read_experiment
    from rarebeat.training.run import run_experiment
    from rarebeat.training.settings import ModelSettings, TrainSettings

    with one_message():
        content = read_params(params, overrides or [])
        settings = group(content, "train", TrainSettings)
        if start_processes(settings):
            return
        with joined(group(content, "model", ModelSettings), settings) as world:
            tracker = _connect(settings, content) if world.first else None
            world.all(True)  # the others wait for what the first one fetches
            folder = folder_at(shards)
            memory = agreed(settings, folder, world).memory
            content["train"] = {**(content.get("train") or {}), "memory": memory}
            experiment = (
                fold_experiment(content, folder, folds, fold) if folds else read_experiment(content, folder)
            )
            # In the repository that owns a temporary experiment, so that a killed one goes on, too.
            kept = project_root() / checkpoints
            if tracker is None:
                run_experiment(experiment, out, curves, kept, lambda report: None, world)
            else:
                _train(experiment, tracker, out, curves, kept, params, world)


def _connect(settings: "TrainSettings", content: dict[str, Any]) -> "Tracker":
    """Open the tracking server; bring the model that the training starts from out of it, where it is there."""
    from rarebeat.tracking.models import fetch_start
    from rarebeat.tracking.runs import connect

    tracker = connect(content)
    fetch_start(tracker, settings)
    return tracker


def _train(
    experiment: "Experiment",
    tracker: "Tracker",
    out: Path,
    curves: Path,
    checkpoints: Path,
    params: Path,
    world: "World",
) -> None:
    """Train, say what is trained, and log it, as the first of several processes does for all."""
    from rarebeat.tracking.epochs import epoch_log
    from rarebeat.tracking.models import log_model
    from rarebeat.tracking.names import run_name, run_tags
    from rarebeat.tracking.runs import training_run
    from rarebeat.training.run import forget_checkpoints, run_experiment

    if experiment.not_learnt:
        nothing = experiment.source is not None and experiment.source.trains_nothing
        reason = "the model does not know them" if nothing else "for want of a positive training record"
        print(f"left out, {reason}: {', '.join(experiment.not_learnt)}")
    if experiment.source:
        print(experiment.source.summary(experiment.classes))
    key = f"{experiment.heads}-{experiment.key}"
    name = run_name(experiment.cohorts, experiment.heads, params, out.name)
    facts = experiment.describe()
    labels = run_tags(params, out.name, experiment.heads, experiment.model.name, facts["train"])
    with training_run(tracker, key, name, facts, labels) as run_id:
        log = epoch_log(tracker, run_id, experiment.settings)
        run_experiment(experiment, out, curves, checkpoints, log, world)
        log_model(tracker, run_id, out)
    forget_checkpoints(checkpoints, experiment.key)


if __name__ == "__main__":
    run(train)
