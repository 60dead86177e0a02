"""A cell of a study: a network of its own for each class of the label set, all in one table of predictions."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def one_head_each(
    shards: Annotated[Path, typer.Argument(help="folder written by prepare")],
    models: Annotated[Path, typer.Argument(help="folder to write a model folder per class to")],
    predictions: Annotated[
        Path, typer.Argument(help="table to write, as if one model had predicted all classes")
    ],
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, instead of what the file says")
    ] = None,
    curves: Annotated[Path, typer.Option(help="folder for a CSV per class with a row per epoch")] = Path(
        "reports/training"
    ),
    checkpoints: Annotated[Path, typer.Option(help="folder that killed trainings go on from")] = Path(
        "models/checkpoints"
    ),
) -> None:
    """Train each class of the label set alone, and predict the validation and the test split."""
    from rarebeat.core.files import atomic
    from rarebeat.core.params import group, read_params
    from rarebeat.core.project import project_root
    from rarebeat.dataset.shards import open_split
    from rarebeat.evaluation.studies.label_sets import join_classes
    from rarebeat.inference.predictions import write_predictions
    from rarebeat.inference.splits import predict_all_classes, with_doubts
    from rarebeat.tracking.models import fetch_start
    from rarebeat.tracking.runs import connect
    from rarebeat.training.experiment import read_experiment
    from rarebeat.training.run import forget_checkpoints, run_experiment
    from rarebeat.training.settings import TrainSettings, is_mlflow_model

    content = read_params(params, overrides or [])
    settings, kept = group(content, "train", TrainSettings), project_root() / checkpoints
    if settings.init and is_mlflow_model(settings.init):
        fetch_start(connect(content), settings)
    together = read_experiment(content, shards)
    if together.not_learnt:
        print(f"left out, for want of a positive training record: {', '.join(together.not_learnt)}")
    splits = {name: open_split(shards, name) for name in ("validation", "test")}
    tables, keys = [], []
    with atomic(models) as temporary:
        for name in together.classes:
            alone = read_experiment(content | {"heads": name, "label_sets": {name: [name]}}, shards)
            run_experiment(
                alone,
                temporary / name,
                curves / f"{name}.csv",
                kept,
                lambda report, name=name: print(f"{name}, {report}"),  # type: ignore[misc]
            )
            tables.append(predict_all_classes(temporary / name, splits))
            keys.append(alone.key)
    write_predictions(predictions, with_doubts(join_classes(tables), shards))
    for key in keys:  # until here: a cell that is killed goes on at the class that it had come to
        forget_checkpoints(kept, key)


if __name__ == "__main__":
    run(one_head_each)
