"""A cell of a search: ask what to try, train it, and score it by the validation split."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def trial(
    shards: Annotated[str, typer.Argument(help="folder written by prepare, or its URL")],
    out: Annotated[Path, typer.Argument(help="model folder to write; its name is the number of the trial")],
    predictions: Annotated[
        Path, typer.Argument(help="table of predictions to write, of the validation split")
    ],
    result: Annotated[
        Path, typer.Argument(help="JSON to write, in the folder with those of the other trials")
    ],
    curves: Annotated[Path, typer.Option(help="CSV with a row per epoch")],
    checkpoints: Annotated[Path, typer.Option(help="where a killed trial goes on")] = Path(
        "models/checkpoints"
    ),
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
) -> None:
    """Train one trial of a search, and log it to MLflow. Trials share a journal beside the checkpoints."""
    from dataclasses import asdict

    from rarebeat.core.files import write_json
    from rarebeat.core.params import group, read_params
    from rarebeat.core.project import project_root
    from rarebeat.dataset.remote import folder_at
    from rarebeat.inference.predictions import write_predictions
    from rarebeat.inference.splits import predict_all_classes
    from rarebeat.tracking.epochs import epoch_log
    from rarebeat.tracking.models import fetch_start, log_model
    from rarebeat.tracking.names import run_name, run_tags
    from rarebeat.tracking.runs import connect, log_metrics, training_run
    from rarebeat.training.experiment import learning_splits, make_experiment
    from rarebeat.training.run import forget_checkpoints, run_experiment
    from rarebeat.training.search.results import judge
    from rarebeat.training.search.settings import override_text, read_search, with_values
    from rarebeat.training.search.trials import propose, search_name, tell
    from rarebeat.training.settings import TrainSettings

    content = read_params(params)
    settings, cell = read_search(content), int(out.name)
    tracker, kept = connect(content), project_root() / checkpoints
    fetch_start(tracker, group(content, "train", TrainSettings))
    train, validation = learning_splits(content, folder_at(shards))
    name = search_name(make_experiment(content, train, validation).key, settings)
    journal = kept / f"{params.parent.name or 'search'}.journal"
    values = propose(journal, name, settings, content, cell, result.parent)
    print(f"trial {cell}: {' '.join(override_text(*item) for item in values.items())}")
    experiment = make_experiment(with_values(content, values), train, validation)
    facts = experiment.describe() | {"search": name}
    labels = run_tags(params, out.name, experiment.heads, experiment.model.name, facts["train"])
    title = run_name(experiment.cohorts, experiment.heads, params, out.name)
    with training_run(tracker, f"{name}-{cell}-{experiment.key}", title, facts, labels) as run_id:
        log = epoch_log(tracker, run_id, experiment.settings)
        run_experiment(experiment, out, curves, kept, log)
        log_model(tracker, run_id, out)
        found = predict_all_classes(out, {"validation": validation})
        write_predictions(predictions, found)
        scored = judge(found, name, cell, values, settings)
        numbers = {"auprc": scored.auprc, "sensitivity": scored.sensitivity, "feasible": int(scored.feasible)}
        log_metrics(tracker, run_id, {"search": numbers})
    write_json(result, asdict(scored))
    tell(journal, settings, scored)
    forget_checkpoints(kept, experiment.key)


if __name__ == "__main__":
    run(trial)
