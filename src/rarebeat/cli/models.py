"""Commands about models: ``rarebeat models``, ``rarebeat predict`` and ``rarebeat score``."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from rarebeat.cli.console import examples, reader_options
from rarebeat.core.errors import ParamsError

_HEADING = "Models"


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    app.command(rich_help_panel=_HEADING, epilog=examples("rarebeat models --json"))(models)
    predicting = (
        "rarebeat predict ecgs/*.hea --model models/trained --json",
        "rarebeat predict 00001_hr.dat --model models/studies/crossval --age 56 --sex female",
        "rarebeat predict exports --out predictions.parquet",
        "rarebeat predict data/raw/ptb-xl --kind ptb-xl --out predictions.csv",
    )
    app.command(rich_help_panel=_HEADING, epilog=examples(*predicting))(predict)
    scoring = (
        "rarebeat score truth.csv probabilities.csv --threshold 0.3",
        "rarebeat score truth.csv probabilities.csv --binary decisions.csv --vocabulary cinc2020 --json",
    )
    app.command(rich_help_panel=_HEADING, epilog=examples(*scoring))(score)
    app.command(rich_help_panel=_HEADING, epilog=examples("rarebeat send-runs"))(send_runs)


def models(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """List the networks, each as in its paper.

    Parameters, FLOPs of one ECG (two per multiply-add), input and source.
    """
    from dataclasses import asdict

    from rarebeat.models.size import format_sizes, paper_sizes

    sizes = paper_sizes()
    print(json.dumps([asdict(size) for size in sizes], indent=2) if as_json else format_sizes(sizes))


def predict(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="WFDB headers, challenge .hea or .mat files, MUSE XML files; folders: all headers and XML files in "
            "them"
        ),
    ],
    model: Annotated[Path, typer.Option(help="model folder, or folder of an ensemble")] = Path(
        "models/trained"
    ),
    age: Annotated[
        float | None,
        typer.Option(min=0.0, max=120.0, help="years, for all files, instead of what they say"),
    ] = None,
    sex: Annotated[
        str | None, typer.Option(help="female or male, for all files, instead of what they say")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    out: Annotated[
        Path | None, typer.Option(help="write the answers to this file (.parquet, .csv or .jsonl) instead")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="PATHS are archives of this kind, as for ingest: ages and sexes that stand in tables (ptb-xl, wfdb) "
            "are taken, too"
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", help="with --kind: reader option as key=value; may be repeated"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="processes; default: one per core for 256 files or more")
    ] = None,
) -> None:
    """Classify ECG files by a model folder alone.

    Age and sex are used by the networks that take them (se_resnet), and come from the file where it tells them. Exit
    code 0 when every file was answered, 1 when some were not (each has its reason instead), 2 when nothing was done.
    """
    from rarebeat.inference.answer_files import check_suffix, write_answers
    from rarebeat.inference.predict import PredictSettings, format_answers, iterate_answers, open_model

    if as_json and out:
        raise ParamsError("--json prints the answers and --out writes them: give one of the two")
    if out:
        check_suffix(out)
    settings = PredictSettings(kind, reader_options(option or []), age, sex, workers)
    opened = open_model(model)
    answers = iterate_answers(paths, model, opened, settings)
    if out:
        counts = write_answers(out, answers, opened)
        print(f"{', '.join(f'{number} {what}' for what, number in counts.items())} -> {out}")
        failed = counts["not answered"]
    else:
        found = list(answers)
        print(json.dumps(found, indent=2) if as_json else format_answers(found))
        for answer in (refused := [answer for answer in found if "error" in answer]):
            print(f"error: {answer['file']}: {answer['error']}", file=sys.stderr)
        failed = len(refused)
    if failed:
        raise typer.Exit(1)


def score(
    truth: Annotated[Path, typer.Argument(help="CSV: record id, then one column per class; 0, 1 or empty")],
    predictions: Annotated[
        Path, typer.Argument(help="CSV: record id, then one column per class; probability or 0/1")
    ],
    threshold: Annotated[float, typer.Option(min=0.0, max=1.0, help="decision threshold")] = 0.5,
    binary: Annotated[
        Path | None, typer.Option(help="CSV like PREDICTIONS with the decisions, 0/1, instead of a threshold")
    ] = None,
    vocabulary: Annotated[
        str | None,
        typer.Option(
            help="cinc2020 adds the metrics of the PhysioNet/CinC Challenge 2020; columns are SNOMED CT codes, "
            "abbreviations or class ids"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Score a table of predictions against the truth."""
    from rarebeat.evaluation.csv_score import format_score, score_tables

    result = score_tables(truth, predictions, threshold, binary=binary, vocabulary=vocabulary)
    print(json.dumps(result, indent=2) if as_json else format_score(result))


def send_runs(
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
) -> None:
    """Send runs kept in mlflow.db to the MLflow server.

    They were kept while the server, that of MLFLOW_TRACKING_URI, did not answer. Runs that a killed process has left
    open are ended as killed; a training that is started again after that goes on in a new run.
    """
    from rarebeat.core.errors import RarebeatError
    from rarebeat.core.params import TrackingSettings, group, read_params
    from rarebeat.training.kept_runs import send_kept
    from rarebeat.training.server import connect_to

    tracker = connect_to(group(read_params(params), "tracking", TrackingSettings).experiment)
    if tracker.unsent:
        raise RarebeatError("nothing was sent: the runs stay in mlflow.db")
    print(f"{send_kept(tracker, end_killed=True)} runs sent to {tracker.uri}")
