"""The last stage of a study: all its cells in one table and on one page, and as children of one MLflow run."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def compare(
    predictions: Annotated[Path, typer.Argument(help="folder with a table of predictions per cell")],
    models: Annotated[
        Path, typer.Argument(help="folder with a model folder per cell, or one of these per class")
    ],
    page: Annotated[
        Path, typer.Argument(help="Markdown to write; a table .csv and a figure .png stand beside")
    ],
    about: Annotated[Path, typer.Option(help="Markdown that the page begins with")],
    params: Annotated[Path, typer.Option(help="params file, with `cells`: factor to values")] = Path(
        "params.yaml"
    ),
    workers: Annotated[int, typer.Option(min=1, help="processes that score")] = 1,
    sections: Annotated[
        Path | None, typer.Option(help="folder of Markdown files that the page ends with")
    ] = None,
) -> None:
    """Score all cells, with intervals over seeds and over patients, and write down what their differences are worth."""
    from rarebeat.core.files import digest
    from rarebeat.core.params import group, read_params
    from rarebeat.evaluation.evaluate import EvaluateSettings
    from rarebeat.evaluation.studies.cells import CompareSettings, read_cells
    from rarebeat.inference.model_folder import card_digest
    from rarebeat.reporting.studies.compare_page import model_folders, write_comparison
    from rarebeat.tracking.runs import connect, log_parent

    content = read_params(params)
    settings = group(content, "compare", CompareSettings)
    intervals = group(content, "evaluate", EvaluateSettings)
    cells = read_cells(predictions, content.get("cells") or {}, intervals.test_on)
    text = about.read_text(encoding="utf-8")
    ending = [path.read_text(encoding="utf-8") for path in sorted(sections.glob("*.md"))] if sections else []
    scored = write_comparison(page, cells, text, settings, intervals, models, workers, ending)
    print(page.read_text(encoding="utf-8"))

    tracker = connect(content)
    files = [page.with_suffix(ending) for ending in (".md", ".csv", ".png")]
    group_of = "rules" if settings.rules else "classes"
    children = {
        card_digest(model): {group_of: scored.get(cell.name, {})}
        for cell in cells
        for model in model_folders(models / cell.name)
    }
    logged = {name: content[name] for name in ("cells", "compare", "evaluate")}
    labels = {"study": params.parent.name}
    log_parent(tracker, digest(files[1]), page.stem, logged, {}, files, children, labels)


if __name__ == "__main__":
    run(compare)
