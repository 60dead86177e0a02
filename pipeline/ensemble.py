"""Cross-validation, stage 3: bring the fold models together, and score them on the test split."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def ensemble(
    shards: Annotated[Path, typer.Argument(help="folder written by prepare")],
    folds: Annotated[Path, typer.Argument(help="folder of the folds")],
    models: Annotated[Path, typer.Argument(help="folder with the fold models in members/")],
    out: Annotated[Path, typer.Argument(help="folder for reports")],
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
) -> None:
    """Predict each fold by its own model and the test split by all, write ensemble and reports, log to MLflow."""
    from rarebeat.core.files import digest
    from rarebeat.core.params import group, read_params
    from rarebeat.dataset.folds import FoldSettings
    from rarebeat.evaluation.evaluate import EvaluateSettings, metrics_content
    from rarebeat.inference.ensemble import CARD, member_folder, save_ensemble
    from rarebeat.inference.voting import EnsembleSettings
    from rarebeat.reporting.crossval_folder import write_crossval_reports
    from rarebeat.training import tracking
    from rarebeat.training.folds import predict_folds

    content = read_params(params)
    numbers = group(content, "folds", FoldSettings).numbers
    voting = group(content, "ensemble", EnsembleSettings)
    settings = group(content, "evaluate", EvaluateSettings)
    predictions, cards = predict_folds(shards, folds, [member_folder(models, number) for number in numbers])
    cohorts = ", ".join(dict.fromkeys(name for card in cards for name in card.cohorts))
    heads, title = cards[0].heads, f"Ensemble of {len(numbers)} fold models"
    title = f"{title}, label set {heads}, trained and tested on {cohorts}"
    report = write_crossval_reports(out, predictions, title, voting, settings)
    ensemble = save_ensemble(models, numbers, report.classes, voting)
    print((out / "results.md").read_text(encoding="utf-8"))

    tracker = tracking.connect((content.get("tracking") or {}).get("experiment", "rarebeat"))
    weights = list(ensemble.members.values())
    for member, scores in zip(weights, report.members, strict=True):
        if tracker.find(tracking.WEIGHTS, member, unfinished=True):  # trained anew, not taken from the cache
            tracking.log_evaluation(tracker, member, heads, {}, metrics_content(scores), [])
    logged = {"heads": heads, "cohorts": cohorts} | {
        name: content[name] for name in ("folds", "ensemble", "evaluate")
    }
    metrics, key = metrics_content(report.ensemble), digest(models / CARD)
    tracking.log_evaluation(tracker, key, f"{heads}, ensemble", logged, metrics, report.files, weights)


if __name__ == "__main__":
    run(ensemble)
