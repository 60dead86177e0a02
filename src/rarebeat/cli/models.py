"""Commands about models: ``rarebeat models``, ``rarebeat predict`` and ``rarebeat score``."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rarebeat.cli.console import examples, reader_options, refuse
from rarebeat.core.errors import ParamsError

if TYPE_CHECKING:
    from rarebeat.core.records import Record
    from rarebeat.inference.predict import Answer, Model, PredictSettings

_HEADING = "Models"

MOST_BYTES = 1 << 26
"""Of standard input: no file of a 12-lead ECG has so many."""


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    app.command(rich_help_panel=_HEADING, epilog=examples("rarebeat models --json"))(models)
    predicting = (
        "rarebeat predict ecgs/*.hea --model models/trained --json",
        "rarebeat predict 00001_hr.dat --model models/studies/crossval --age 56 --sex female",
        "rarebeat predict exports --out predictions.parquet",
        "rarebeat predict ecg.xml --picture ecg.png --evidence atrial_fibrillation",
        "rarebeat predict - --format csv < ecg.xml",
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
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="WFDB headers, challenge .hea or .mat files, files of the formats of docs/formats.md; folders: all "
            "such files in them; -: standard input, one file of such a format or the names of files, one a line"
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
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, as --format json")] = False,
    format: Annotated[
        str,
        typer.Option(
            help="what is printed: text (what is called), json, or table or csv, with a row for each ECG and class"
        ),
    ] = "text",
    picture: Annotated[
        Path | None,
        typer.Option(
            help="draw each ECG on ECG paper with its answer, and what speaks for a class: a file (.png, .pdf or "
            ".svg) for one ECG, a folder for more"
        ),
    ] = None,
    evidence: Annotated[
        str | None, typer.Option(help="with --picture: the class; default: the likeliest of those called")
    ] = None,
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
    from rarebeat.inference.answer_files import check_format, check_suffix, printed_answers, write_answers
    from rarebeat.inference.predict import PredictSettings, iterate_answers, open_model

    if as_json and out:
        raise ParamsError("--json prints the answers and --out writes them: give one of the two")
    if as_json and format not in ("text", "json"):
        raise ParamsError(f"--json prints JSON, and --format {format} another text: give one of the two")
    if out and format != "text":
        raise ParamsError("--format says what is printed, and --out writes a file: give one of the two")
    if out and picture:
        raise ParamsError("--picture goes with answers that are printed, not with --out")
    if evidence and not picture:
        raise ParamsError("--evidence goes with --picture")
    check_format(format)
    if out:
        check_suffix(out)
    settings = PredictSettings(kind, reader_options(option or []), age, sex, workers)
    opened = open_model(model)
    if picture:
        from rarebeat.reporting.answer_page import check_wish

        check_wish(picture, evidence, opened.thresholds)
    paths, content = _standard_input(paths) if Path("-") in paths else (paths, b"")
    if content:
        refuse(context, ("kind", "option", "workers"), "an ECG on standard input")
    if picture and not content:
        _check_picture(picture, paths, settings)
    record: Record | None = None
    answers: Iterable[Answer]
    if content:
        record, answers = _answer(opened, content, settings)
    else:
        answers = iterate_answers(paths, model, opened, settings)
    if out:
        counts = write_answers(out, answers, opened)
        print(f"{', '.join(f'{number} {what}' for what, number in counts.items())} -> {out}")
        failed = counts["not answered"]
    else:
        found = list(answers)
        print(printed_answers(found, "json" if as_json else format))
        for answer in (refused := [answer for answer in found if "error" in answer]):
            print(f"error: {answer['file']}: {answer['error']}", file=sys.stderr)
        failed = len(refused)
    if picture and not out:
        drawn = _draw(picture, paths, record, found, opened, settings, evidence)
        print(f"{drawn} drawn -> {picture}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


def _standard_input(paths: Sequence[Path]) -> tuple[list[Path], bytes]:
    """The paths that standard input names, or the ECG file that it holds."""
    from rarebeat.readers.files.formats import HEAD
    from rarebeat.readers.files.in_memory import tell_content

    if list(paths) != [Path("-")]:
        raise ParamsError("- stands for standard input, and for no other file beside it")
    content = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ParamsError(f"standard input holds more than {MOST_BYTES >> 20} MB: no ECG does")
    told = tell_content(content[:HEAD])
    if not isinstance(told, str):
        return [], content
    if b"\0" in content:
        raise ParamsError(f"standard input holds neither an ECG file nor names of files: it is {told}")
    try:
        names = [Path(line) for line in content.decode().splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ParamsError(
            f"standard input holds neither an ECG file nor names of files: it is {told}"
        ) from error
    if not names:
        raise ParamsError("standard input names no file: expected one ECG file, or names of files")
    if len(names) > 1 and not any(
        name.exists() for name in names
    ):  # which may be a report: it is not repeated
        raise ParamsError(
            f"standard input holds {len(names)} lines of text, and none names a file that there is (a WFDB record is "
            "two files: name its header)"
        )
    return names, b""


def _answer(
    model: "Model", content: bytes, settings: "PredictSettings"
) -> "tuple[Record | None, list[Answer]]":
    """The ECG that standard input holds, and its answer."""
    from rarebeat.core.errors import BadRecordError
    from rarebeat.inference.gate import known_person
    from rarebeat.inference.predict import answer_records
    from rarebeat.readers.files.in_memory import read_contents

    told = known_person(settings.age, settings.sex)
    try:
        record = read_contents({"-": content})
    except BadRecordError as error:
        return None, [{"file": "-", "error": str(error)}]
    return record, [{"file": "-"} | answer_records(model, [record], [told])[0]]


def _check_picture(out: Path, paths: "Sequence[Path]", settings: "PredictSettings") -> None:
    """Make sure, before any ECG is answered, that one picture is not meant for several."""
    from rarebeat.readers.read_file import find_recordings
    from rarebeat.reporting.answer_page import check_picture

    if out.suffix:
        check_picture(out, sum(1 for _ in find_recordings(paths, settings.kind, settings.options)))


def _draw(
    out: Path,
    paths: Sequence[Path],
    record: "Record | None",
    answers: "Sequence[Answer]",
    model: "Model",
    settings: "PredictSettings",
    evidence: str | None,
) -> int:
    """Draw the ECGs that were answered; the files are read again."""
    from rarebeat.inference.gate import known_person
    from rarebeat.readers.read_file import find_recordings, read_recording
    from rarebeat.reporting.answer_page import write_pictures

    told = known_person(settings.age, settings.sex)
    if not paths:
        return write_pictures(out, [record], answers, model, told, evidence)
    # By name: where a folder is written to meanwhile, it may offer others in another order.
    found = {one.name: one for one in find_recordings(paths, settings.kind, settings.options)}
    records = (
        read_recording(found[answer["file"]], settings.kind, settings.options)
        if "error" not in answer and answer["file"] in found
        else None
        for answer in answers
    )
    return write_pictures(out, records, answers, model, told, evidence)


def score(
    context: typer.Context,
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

    if binary is not None:
        refuse(context, ("threshold",), "--binary, which has the decisions,")
    result = score_tables(truth, predictions, threshold, binary=binary, vocabulary=vocabulary)
    print(json.dumps(result, indent=2) if as_json else format_score(result))


def send_runs(
    params: Annotated[Path, typer.Option(help="params file")] = Path("params.yaml"),
) -> None:
    """Send runs kept in mlflow.db to the MLflow server.

    They were kept while the server, that of MLFLOW_TRACKING_URI, did not answer; those of another one stay, and are
    told. Runs that a killed process has left open are ended as killed; a training that is started again after that
    goes on in a new run.
    """
    from rarebeat.core.errors import RarebeatError
    from rarebeat.core.params import TrackingSettings, group, read_params
    from rarebeat.tracking.kept_runs import kept_for, send_kept
    from rarebeat.tracking.server import connect_to

    tracker = connect_to(group(read_params(params), "tracking", TrackingSettings).experiment)
    if tracker.unsent:
        raise RarebeatError("nothing was sent: the runs stay in mlflow.db")
    sent = send_kept(tracker, killed_too=True)
    others = ", ".join(
        f"{number} run{' is' if number == 1 else 's are'} kept for {uri}"
        for uri, number in sorted(kept_for().items())
        if uri != tracker.uri
    )
    if others and not sent:
        raise RarebeatError(f"nothing was sent to {tracker.uri}: {others} (set MLFLOW_TRACKING_URI to it)")
    print(f"{sent} runs sent to {tracker.uri}")
    if others:
        print(f"warning: {others}", file=sys.stderr)
