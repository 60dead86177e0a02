"""Stage 5: score the test split."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def evaluate(
    shards: Annotated[str, typer.Argument(help="folder written by prepare, or its URL")],
    model: Annotated[Path, typer.Argument(help="model folder")],
    out: Annotated[Path, typer.Argument(help="folder for reports")],
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
    records: Annotated[
        Path | None, typer.Option(help="folder of the cohorts' records: whose ECGs may be drawn")
    ] = None,
    studies: Annotated[Path | None, typer.Option(help="list of studies that the page shows")] = None,
    labels: Annotated[Path | None, typer.Option(help="folder of the cohorts' labels: their coverage")] = None,
    answers: Annotated[
        Path | None, typer.Option(help="what people have answered in the TRIPOD+AI sheet")
    ] = None,
    track: Annotated[bool, typer.Option(help="log the scores to the model's MLflow run")] = True,
) -> None:
    """Predict the validation and the test split, score the test split, write the reports and log them to MLflow."""
    from rarebeat.core.params import group, read_params
    from rarebeat.dataset.remote import folder_at
    from rarebeat.evaluation.certainty.measures import claims_of
    from rarebeat.evaluation.evaluate import EvaluateSettings, evaluate
    from rarebeat.evaluation.metrics_file import metrics_content
    from rarebeat.inference.model_folder import card_digest
    from rarebeat.inference.predictions import write_predictions
    from rarebeat.inference.splits import predict_splits
    from rarebeat.reporting.folder import write_reports
    from rarebeat.reporting.page.index import Sources, gather, write_index
    from rarebeat.reporting.resampling import write_resampling
    from rarebeat.reporting.results import heading
    from rarebeat.reporting.sheets.facts import read_facts
    from rarebeat.reporting.sheets.folder import write_sheets
    from rarebeat.tracking.names import run_name, run_tags
    from rarebeat.tracking.runs import connect, log_evaluation

    content = read_params(params)
    settings = group(content, "evaluate", EvaluateSettings)
    folder = folder_at(shards)
    predictions, card = predict_splits(folder, model, ("validation", "test"))
    validated = card.training.get("validated_on")
    predictions = predictions.of_cohorts("validation", validated, f"{model}, validated_on")
    predictions = predictions.of_cohorts("test", settings.test_on, "evaluate.test_on")
    write_predictions(out / "predictions.parquet", predictions)

    test = predictions.only("test")
    evaluation = evaluate(test, settings, claims=claims_of(card, test))
    tested = list(dict.fromkeys(test.cohorts.tolist()))
    title = heading(card.heads, card.cohorts, tested, validated or ())
    training_records, table = write_resampling(out, folder)
    files = [*write_reports(out, test, evaluation, title, training_records, card), table]
    sources = Sources(folder, model, records, studies)
    findings = gather(sources, test, evaluation, card, settings, title)
    files.append(write_index(out / "index.html", findings, sources))
    files += write_sheets(out, read_facts(findings, sources.shards, labels), answers)
    print((out / "results.md").read_text(encoding="utf-8"))
    if not track:
        return

    tracker = connect(content)
    params_logged = {
        "heads": card.heads,
        "cohorts": ",".join(card.cohorts),
        "tested_on": ",".join(tested),
        "model": {"name": card.architecture, **card.settings},
        "evaluate": content["evaluate"],
    }
    name = run_name(card.cohorts, card.heads, params, model.name)
    metrics = metrics_content(evaluation)
    tags = run_tags(params, model.name, card.heads, card.architecture, card.training)
    log_evaluation(tracker, card_digest(model), name, params_logged, metrics, files, labels=tags)


if __name__ == "__main__":
    run(evaluate)
