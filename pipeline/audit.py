"""After a cross-validation: where models, labels and signals disagree (`rarebeat labels audit-model` is the same)."""

from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import run


def audit(
    out: Annotated[
        Path, typer.Argument(help="folder to write: summary, ranked disagreements, pages to judge")
    ],
    predictions: Annotated[Path, typer.Argument(help="out_of_fold.parquet of a cross-validation")],
    records: Annotated[Path, typer.Argument(help="folder with a folder per cohort, written by ingest")],
    labels: Annotated[Path, typer.Argument(help="folder with a folder per cohort, written by label")],
    per_class: Annotated[
        int, typer.Option(help="at most so many ECGs of each class and label are drawn")
    ] = 20,
) -> None:
    """Rank records where a cross-validated model and the label disagree, and draw them for a clinician to decide."""
    from rarebeat.audit.folder import write_model_audit
    from rarebeat.audit.model_disagreement import audit_model

    found = audit_model([predictions], records)
    pages = write_model_audit(out, found, records, labels, per_class, blind=True)
    print((out / "summary.md").read_text(encoding="utf-8"))
    print(f"{sum(pages.values())} ECGs on {len(pages)} pages -> {out}")


if __name__ == "__main__":
    run(audit)
