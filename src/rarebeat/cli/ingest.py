"""The commands of ``rarebeat``. Heavy libraries are imported inside, so that ``--help`` answers at once."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from rarebeat.core.errors import ParamsError


def ingest(
    kind: Annotated[
        str,
        typer.Argument(
            help="simulated, ptb-xl, challenge, ludb, muse-xml or wfdb; or `cohort`, to take kind, root and options "
            "of the cohort named ROOT in the params file"
        ),
    ],
    root: Annotated[str, typer.Argument(help="folder of the archive (anything for `simulated`)")],
    out: Annotated[Path, typer.Argument(help="folder to write")],
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", help="reader option as key=value; may be repeated")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="processes; default: one per core")] = None,
    params: Annotated[Path, typer.Option(help="where KIND `cohort` looks cohorts up")] = Path("params.yaml"),
) -> None:
    """Read an archive of ECGs into Parquet: int16 microvolts at the native rate, with a quarantine for the rest."""
    from rarebeat.core.project import resolve_root
    from rarebeat.readers.ingest import ingest_cohort

    name, options = out.name, _options(option or [])
    if kind == "cohort":
        name = root
        cohort = _cohort(params, name)
        kind, root, options = cohort["kind"], cohort["root"], cohort["options"] | options
        place = resolve_root(root, params)
    else:
        place = Path(root).expanduser()
    summary = ingest_cohort(kind, place, out, cohort=name, options=options, workers=workers)
    print(f"{name}: {summary['records']} records, {summary['quarantined']} quarantined -> {out}")


def _cohort(params: Path, name: str) -> dict[str, Any]:
    from rarebeat.core.params import read_params

    cohorts = read_params(params).get("cohorts") or {}
    if name not in cohorts:
        raise ParamsError(f"{params}: no cohort {name!r} under `cohorts`; there are: {', '.join(cohorts)}")
    cohort = {"root": "", "options": {}} | (cohorts[name] or {})
    if unknown := set(cohort) - {"kind", "root", "options"} or "kind" not in cohort:
        raise ParamsError(f"{params}: cohort {name!r} must have kind, root and options (wrong: {unknown})")
    return {**cohort, "root": cohort["root"] or "", "options": cohort["options"] or {}}


def _options(pairs: list[str]) -> dict[str, Any]:
    options = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator:
            raise ParamsError(f"--option takes key=value, found {pair!r}")
        options[key] = yaml.safe_load(value)
    return options


def predict(
    files: Annotated[
        list[Path], typer.Argument(help="WFDB headers, challenge .hea or .mat files, MUSE XML files")
    ],
    model: Annotated[Path, typer.Option(help="model folder, or folder of an ensemble")] = Path(
        "models/trained"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Classify ECG files. Needs the model folder alone; exit code 1 when a file could not be answered."""
    from rarebeat.inference.predict import format_answers, predict_files

    answers = predict_files(files, model)
    print(json.dumps(answers, indent=2) if as_json else format_answers(answers))
    failed = [answer for answer in answers if "error" in answer]
    for answer in failed:
        print(f"error: {answer['file']}: {answer['error']}", file=sys.stderr)
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
    """Score one table of predictions against one table of truth."""
    from rarebeat.evaluation.csv_score import format_score, score_tables

    result = score_tables(truth, predictions, threshold, binary=binary, vocabulary=vocabulary)
    print(json.dumps(result, indent=2) if as_json else format_score(result))
