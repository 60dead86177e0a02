"""Cross-validation, before its cells: divide what may be trained on into folds."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def folds(
    shards: Annotated[Path, typer.Argument(help="folder written by prepare")],
    out: Annotated[Path, typer.Argument(help="folder of the folds to write")],
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
) -> None:
    """Give each record of the training and the validation split a fold: stratified by class, grouped by patient."""
    from rarebeat.core.params import group, read_params
    from rarebeat.dataset.folds import FoldSettings, trainable, write_folds

    settings = group(read_params(params), "folds", FoldSettings)
    summary = write_folds(out, trainable(shards, stream=True), settings)
    print(f"records per fold: {summary['records']}")
    for name, positives in summary["positives"].items():
        print(f"  {name}: {positives}")


if __name__ == "__main__":
    run(folds)
