"""Commands that have a person check labels: ``rarebeat labels audit`` and its like, with verdicts read back."""

import json
from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import examples

_HEADING = "Audit"


def register(labels: typer.Typer) -> None:
    """Add the commands to the group ``labels``."""
    drawing = "rarebeat labels audit data/audit data/labels/ptb-xl --per-kind 10 --class avnrt"
    labels.command(rich_help_panel=_HEADING, epilog=examples(drawing))(audit)
    reading = "rarebeat labels verdicts data/audit/sample.csv verdicts-*.csv --json"
    labels.command(rich_help_panel=_HEADING, epilog=examples(reading))(verdicts)
    ranking = "rarebeat labels audit-model data/disputed reports/studies/crossval/out_of_fold.parquet --per-class 10"
    labels.command(rich_help_panel=_HEADING, epilog=examples(ranking))(audit_model)
    deciding = "rarebeat labels model-verdicts data/disputed/to_judge.csv verdicts-*.csv --json"
    labels.command(rich_help_panel=_HEADING, epilog=examples(deciding))(model_verdicts)


def audit(
    out: Annotated[Path, typer.Argument(help="folder to write: audit.html and sample.csv")],
    labels: Annotated[
        list[Path], typer.Argument(help="label folders of cohorts, such as data/labels/ptb-xl")
    ],
    records: Annotated[
        Path, typer.Option(help="folder that holds the records of each cohort by the same name")
    ] = Path("data/records"),
    vocabulary: Annotated[
        str, typer.Option(help="name of a vocabulary, or path of a .yaml file")
    ] = "hughes24",
    per_kind: Annotated[
        int, typer.Option(min=0, help="at most so many hits, uncertain ones and near misses of each class")
    ] = 20,
    statements: Annotated[int, typer.Option(min=0, help="frequent statements that matched nothing")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="equal seeds draw equal samples")] = 0,
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="class id; may be repeated; default: all")
    ] = None,
) -> None:
    """Draw labels to be checked by hand, as one page."""
    from rarebeat.audit.page import write_audit
    from rarebeat.audit.sample import Cohort, draw_audit

    cohorts = [Cohort(folder.resolve().name, records / folder.resolve().name, folder) for folder in labels]
    drawn = draw_audit(cohorts, vocabulary, classes or (), per_kind, statements, seed)
    write_audit(out, drawn)
    print(f"{len(drawn.items)} items of {drawn.records} records -> {out / 'audit.html'}")


def verdicts(
    sample: Annotated[Path, typer.Argument(help="sample.csv beside the page")],
    files: Annotated[
        list[Path], typer.Argument(help="CSV files exported from the page, by one or more readers")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="print JSON, with each item that was wrong")
    ] = False,
) -> None:
    """Precision of labels by what readers decided.

    With intervals, for hits, uncertain ones and near misses of each class, and kappa between readers.
    """
    from rarebeat.audit.precision import format_verdicts, read_sample, summarise_verdicts
    from rarebeat.audit.verdicts import read_verdicts

    items = read_sample(sample)
    result = summarise_verdicts(items, read_verdicts(files, items))
    print(json.dumps(result, indent=2) if as_json else format_verdicts(result))


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
    least_positives: Annotated[
        int,
        typer.Option(min=1, help="classes with fewer patients who have a positive label are not ranked"),
    ] = 10,
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
    """Rank records where model and label disagree.

    The model has not been trained on them, as in a cross-validation; they are drawn for a clinician to decide.
    """
    from rarebeat.audit.folder import SAMPLE, WRITTEN, write_model_audit
    from rarebeat.audit.model_disagreement import audit_model as compare
    from rarebeat.core.files import check_replaceable

    check_replaceable(out, SAMPLE, WRITTEN)  # before minutes of measuring
    audit = compare(predictions, records, classes or (), bootstrap, workers, least_positives)
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
    """Who was wrong, label or model, by clinicians.

    And how far the decisions of each clinician agree with label, model and signal.
    """
    from rarebeat.audit.adjudication import read_decisions, read_disputed, verdict_content, verdict_table

    decisions = read_decisions(files, read_disputed(sample))
    print(json.dumps(verdict_content(decisions), indent=2) if as_json else verdict_table(decisions))
