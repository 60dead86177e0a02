"""The last stage of a search: its trials in one table, and the params of the best one as a line to run."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def search(
    results: Annotated[Path, typer.Argument(help="folder with a JSON file per trial")],
    models: Annotated[Path, typer.Argument(help="folder with a model folder per trial")],
    page: Annotated[Path, typer.Argument(help="Markdown to write; a table .csv stands beside")],
    about: Annotated[Path, typer.Option(help="Markdown that the page begins with")],
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
) -> None:
    """Rank all trials of a search, and log them to MLflow as children of one run."""
    from rarebeat.core.files import digest
    from rarebeat.core.params import read_params
    from rarebeat.inference.model_folder import card_digest
    from rarebeat.reporting.studies.search_page import write_search
    from rarebeat.tracking.runs import connect, log_parent
    from rarebeat.training.search.results import best_trial, read_results
    from rarebeat.training.search.settings import read_search

    content = read_params(params)
    cells = [int(number) for number in content["cells"]["trial"]]
    found = [one for one in read_results(results) if one.cell in cells]
    write_search(page, found, about.read_text(encoding="utf-8"), read_search(content))
    print(page.read_text(encoding="utf-8"))

    tracker, best = connect(content), best_trial(found)
    files = [page.with_suffix(ending) for ending in (".md", ".csv")]
    children = {
        card_digest(models / str(one.cell)): {
            "validation": {"auprc": one.auprc, "sensitivity": one.sensitivity}
        }
        for one in found
    }
    logged = {name: content[name] for name in ("cells", "search")}
    metrics = {} if best is None else {"best": {"auprc": best.auprc, "sensitivity": best.sensitivity}}
    labels = {"study": params.parent.name}
    log_parent(tracker, digest(files[1]), page.stem, logged, metrics, files, children, labels)


if __name__ == "__main__":
    run(search)
