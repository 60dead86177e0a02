"""After the cells of a study: score them once more under other readings of codes that are not complete."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def incomplete_codes(
    predictions: Annotated[
        Path, typer.Argument(help="folder with a table of predictions per cell, or one table")
    ],
    labels: Annotated[
        Path,
        typer.Argument(
            help="folder with a folder per cohort, written by label with incomplete_codes: negative"
        ),
    ],
    out: Annotated[
        Path, typer.Argument(help="section to write (Markdown); empty where all codes are complete")
    ],
    models: Annotated[
        Path | None, typer.Option(help="folder with a model folder per cell: to compare threshold rules, too")
    ] = None,
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, instead of what the file says")
    ] = None,
) -> None:
    """Score stored predictions with unknown classes left out, on complete records alone, and counted as absent."""
    from rarebeat.core.files import atomic
    from rarebeat.core.params import group, read_params
    from rarebeat.dataset.prepare import PrepareSettings
    from rarebeat.evaluation.evaluate import EvaluateSettings
    from rarebeat.evaluation.studies.cells import Cell, CompareSettings, read_cells
    from rarebeat.evaluation.studies.incomplete_codes import truth_as_complete
    from rarebeat.inference.model_folder import read_card
    from rarebeat.inference.predictions import read_predictions
    from rarebeat.metrics.bagged_thresholds import MIN_POSITIVES
    from rarebeat.reporting.studies.incomplete_codes_section import incomplete_codes_section

    content = read_params(params, overrides or [])
    settings = group(content, "evaluate", EvaluateSettings)
    test_on = settings.test_on  # the records that the page above is of
    if predictions.is_dir():
        cells = read_cells(predictions, content.get("cells") or {}, test_on)
    else:
        table = read_predictions(predictions).of_cohorts("test", test_on, "evaluate.test_on")
        cells = [Cell({"model": predictions.stem}, table)]
    rules = group(content, "compare", CompareSettings).rules if models else ()
    cards = {cell.name: read_card(models / cell.name) for cell in cells} if models else {}
    least = {name: card.training.get("min_positives", MIN_POSITIVES) for name, card in cards.items()}
    origins = group(content, "prepare", PrepareSettings).labels
    truth = truth_as_complete(cells[0].predictions.only("test"), labels, origins)
    text = incomplete_codes_section(cells, truth, settings, rules, least)
    with atomic(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(text or "every list of codes is complete")


if __name__ == "__main__":
    run(incomplete_codes)
