"""A cell of a study, after its training: predict, for `compare` to read."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def predict(
    shards: Annotated[str, typer.Argument(help="folder written by prepare, or its URL")],
    model: Annotated[Path, typer.Argument(help="model folder")],
    out: Annotated[Path, typer.Argument(help="table of predictions to write")],
    folds: Annotated[
        Path | None,
        typer.Option(
            help="folder of folds: predict the fold that was held out instead of the validation split, and say which "
            "records are unlike the training data or doubtful"
        ),
    ] = None,
    fold: Annotated[int, typer.Option(help="with --folds: which one was held out")] = 0,
    validate_on: Annotated[
        list[str] | None, typer.Option(help="cohort of the validation split; may be repeated; default: all")
    ] = None,
    test_on: Annotated[
        list[str] | None, typer.Option(help="cohort of the test split; may be repeated; default: all")
    ] = None,
) -> None:
    """Predict the test split and the validation split (or the held-out fold), with columns for all classes."""
    from rarebeat.dataset.folds import held_out
    from rarebeat.dataset.remote import folder_at
    from rarebeat.dataset.shards import open_split
    from rarebeat.dataset.split import of_cohorts
    from rarebeat.inference.model_folder import load_detector
    from rarebeat.inference.predictions import write_predictions
    from rarebeat.inference.splits import predict_all_classes, with_doubts

    folder = folder_at(shards)
    if folds is None:
        chosen, held = "validation", open_split(folder, "validation")
    else:
        chosen, held = f"fold-{fold}", held_out(folder, folds, fold)
    test = open_split(folder, "test")
    if validate_on:
        held = of_cohorts(held, validate_on, "--validate-on")
    if test_on:
        test = of_cohorts(test, test_on, "--test-on")
    # Ensembles say what single models say; in a comparison of many cells nobody reads it, and it costs time.
    detector = None if folds is None else load_detector(model)
    predictions = predict_all_classes(model, {chosen: held, "test": test}, detector)
    predictions = with_doubts(predictions, folder)
    write_predictions(out, predictions)
    print(f"{len(predictions.record_ids)} records predicted -> {out}")


if __name__ == "__main__":
    run(predict)
