"""Commands on label inconsistency: ``rarebeat labels audit-model`` and ``rarebeat labels model-verdicts``."""

import json
from pathlib import Path
from typing import Annotated

import typer


def audit_model(
    out: Annotated[
        Path, typer.Argument(help="folder to write: summary, ranked disagreements, pages to judge")
    ],
    predictions: Annotated[
        list[Path],
        typer.Argument(
            help="tables of predictions on records that the model was not trained on: out_of_fold.parquet of a "
            "cross-validation, or predictions.parquet of the test split. A model agrees with the labels that it "
            "was trained on, also with the wrong ones"
        ),
    ],
    records: Annotated[
        Path, typer.Option(help="folder that holds the records of each cohort by its name")
    ] = Path("data/records"),
    labels: Annotated[
        Path, typer.Option(help="folder that holds the labels of each cohort by its name")
    ] = Path("data/labels"),
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="class id; may be repeated; default: all")
    ] = None,
    per_class: Annotated[
        int, typer.Option(min=0, help="at most so many ECGs of each class and label are drawn")
    ] = 20,
    blind: Annotated[
        bool,
        typer.Option("--blind/--open", help="hide what label, model and signal say until a decision is made"),
    ] = True,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="replicates of the intervals of kappa; 0 for none")
    ] = 1000,
    workers: Annotated[
        int | None, typer.Option(min=1, help="processes that measure; default: one per core")
    ] = None,
) -> None:
    """Rank records where a cross-validated model and the label disagree, and draw them for a clinician to decide."""
    from rarebeat.audit.folder import SAMPLE, write_model_audit
    from rarebeat.audit.model_disagreement import audit_model as compare
    from rarebeat.core.files import check_replaceable

    check_replaceable(out, SAMPLE)  # before minutes of measuring
    audit = compare(predictions, records, classes or (), bootstrap, workers)
    pages = write_model_audit(out, audit, records, labels, per_class, blind)
    print((out / "summary.md").read_text(encoding="utf-8"))
    print(f"{sum(pages.values())} ECGs on {len(pages)} pages -> {out}")


def model_verdicts(
    sample: Annotated[Path, typer.Argument(help="to_judge.csv beside the pages")],
    files: Annotated[
        list[Path], typer.Argument(help="CSV files exported from the pages, by one or more readers")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="print JSON, with each label that was wrong")
    ] = False,
) -> None:
    """Who was wrong, label or model, by what clinicians decided; and how far they agree with each."""
    from rarebeat.audit.adjudication import read_decisions, read_disputed, verdict_content, verdict_table

    decisions = read_decisions(files, read_disputed(sample))
    print(json.dumps(verdict_content(decisions), indent=2) if as_json else verdict_table(decisions))
