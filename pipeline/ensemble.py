"""Cross-validation, after its cells: bring the fold models together, and score them on the test split."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def ensemble(
    predictions: Annotated[
        Path, typer.Argument(help="folder with 0.parquet, 1.parquet ..., a table per fold")
    ],
    models: Annotated[Path, typer.Argument(help="folder with the fold models in members/")],
    out: Annotated[Path, typer.Argument(help="folder for reports")],
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
) -> None:
    """Let the fold models vote on the test split, write ensemble, out-of-fold table and reports, log to MLflow."""
    from rarebeat.core.files import digest
    from rarebeat.core.params import group, read_params
    from rarebeat.dataset.folds import FoldSettings
    from rarebeat.evaluation.evaluate import EvaluateSettings
    from rarebeat.evaluation.members import known_to_any
    from rarebeat.evaluation.metrics_file import metrics_content
    from rarebeat.inference.ensemble import CARD, member_folder, save_ensemble
    from rarebeat.inference.model_folder import read_card
    from rarebeat.inference.predictions import read_predictions
    from rarebeat.inference.voting import EnsembleSettings
    from rarebeat.reporting.crossval_folder import write_crossval_reports
    from rarebeat.reporting.results import heading
    from rarebeat.tracking.names import run_name, run_tags
    from rarebeat.tracking.runs import connect, log_parent

    content = read_params(params)
    numbers = group(content, "folds", FoldSettings).numbers
    voting = group(content, "ensemble", EnsembleSettings)
    settings = group(content, "evaluate", EvaluateSettings)
    cards = [read_card(member_folder(models, number)) for number in numbers]
    tables = [read_predictions(predictions / f"{number}.parquet") for number in numbers]
    members = known_to_any(
        [table.of_cohorts("test", settings.test_on, "evaluate.test_on") for table in tables]
    )
    cohorts = list(dict.fromkeys(name for card in cards for name in card.cohorts))
    tested = list(dict.fromkeys(members[0].only("test").cohorts.tolist()))
    heads = cards[0].heads
    title = f"Ensemble of {len(numbers)} fold models: {heading(heads, cohorts, tested)}"
    report = write_crossval_reports(out, members, title, voting, settings, cards)
    ensemble = save_ensemble(models, numbers, report.classes, voting)
    print((out / "results.md").read_text(encoding="utf-8"))

    tracker = connect(content)
    logged = {"heads": heads, "cohorts": ",".join(cohorts), "tested_on": ",".join(tested)} | {
        name: content[name] for name in ("folds", "ensemble", "evaluate")
    }
    children = {
        model: metrics_content(scores)
        for model, scores in zip(ensemble.members.values(), report.members, strict=True)
    }
    metrics, key = metrics_content(report.ensemble), digest(models / CARD)
    name = run_name(cohorts, heads, params, "ensemble")
    labels = run_tags(params, "ensemble", heads, cards[0].architecture, {})
    log_parent(tracker, key, name, logged, metrics, report.files, children, labels)


if __name__ == "__main__":
    run(ensemble)
