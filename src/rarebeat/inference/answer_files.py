"""Answers as text to print, or as a file: Parquet, CSV or JSON lines, told by the suffix, with a row per ECG.

Parquet and CSV have the columns ``file``, ``error`` (why it was not answered), ``warning``, and for each class
``probability.<class>`` and ``decision.<class>``, of an ensemble also ``votes.<class>``, and where calibration is stored
with the model ``calibrated.<class>`` and ``certain.<class>``; what there is not is null (Parquet) or empty (CSV). The
schema metadata key ``rarebeat`` of a Parquet file holds thresholds, vocabulary, the classes' short codes and the digest
of the model as JSON. A line of JSON is an answer as :func:`rarebeat.inference.predict.iterate_answers` yields it.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from rarebeat.core.errors import ParamsError
from rarebeat.core.files import atomic
from rarebeat.core.parquet import write_tables
from rarebeat.core.tables import Row, markdown_table
from rarebeat.inference.predict import Answer, Model

_KEY = b"rarebeat"
_ROW_GROUP = 8192
_ABOUT = {"file": pa.string(), "error": pa.string(), "warning": pa.string()}
_LAST = ("warning", "error")  # columns of a printed table
_OF_CLASS = {
    "probability": pa.float32(),
    "decision": pa.bool_(),
    "votes": pa.int32(),
    "calibrated": pa.float32(),
    "certain": pa.string(),
}


def check_format(name: str) -> None:
    """Make sure that answers can be printed so.

    Raises:
        ParamsError: for another format than text, table, json and csv.
    """
    if name not in _PRINTED:
        raise ParamsError(f"answers are printed as {', '.join(_PRINTED)}, not as {name!r}")


def printed_answers(answers: Sequence[Answer], name: str) -> str:
    """Answers as text.

    Args:
        answers: of :func:`rarebeat.inference.predict.iterate_answers`.
        name: "text" (a line per ECG), "json", or "table" and "csv" (a row for each ECG and class: probability,
            threshold, decision, and what else is told; an ECG without an answer has one row with the reason).

    Returns:
        The text.
    """
    return _PRINTED[name](answers)


def _as_lines(answers: Sequence[Answer]) -> str:
    """A line per file with the classes that are decided present, most likely first."""
    lines = []
    for answer in answers:
        if "error" in answer:
            lines.append(f"{answer['file']}: not answered ({answer['error']})")
            continue
        present = {name: entry for name, entry in answer["classes"].items() if entry["decision"]}
        ranked = sorted(present.items(), key=lambda item: -item[1]["probability"])
        found = ", ".join(f"{name} ({_in_brackets(entry)})" for name, entry in ranked)
        lines.append(f"{answer['file']}: {found or 'none of the classes'}")
        if "warning" in answer:
            lines.append(f"  warning: {answer['warning']}")
    return "\n".join(lines)


def _in_brackets(entry: Answer) -> str:
    told = f", calibrated {entry['calibrated']:.2f}" if "calibrated" in entry else ""
    return f"{entry['probability']:.2f}{told}" + (", unsure" if entry.get("certain") == "unsure" else "")


def _class_rows(answers: Sequence[Answer]) -> list[Row]:
    """A row for each ECG and class. All have the same columns: empty where there is nothing to tell."""
    rows = _told_rows(answers)
    columns = list(dict.fromkeys(name for row in rows for name in row if name not in _LAST))
    return [{name: row.get(name, "") for name in (*columns, *_LAST)} for row in rows]


def _told_rows(answers: Sequence[Answer]) -> list[Row]:
    rows: list[Row] = []
    for answer in answers:
        about: Row = {"file": answer["file"]}
        after: Row = {key: answer.get(key, "") for key in _LAST}
        empty: Row = {"class": "", "probability": "", "threshold": "", "decision": ""}
        for found, entry in answer.get("classes", {}).items():
            votes: Row = {key: entry[key] for key in ("votes", "members") if key in entry}
            said: Row = {
                "class": found,
                "probability": round(entry["probability"], 6),
                "threshold": round(entry["threshold"], 6),
                "decision": int(entry["decision"]),
            }
            told: Row = {}
            if "calibrated" in entry:
                told = {"calibrated": round(entry["calibrated"], 6), "certain": entry["certain"]}
            rows.append(about | said | votes | told | after)
        if "error" in answer:
            rows.append(about | empty | after)
    return rows


def _as_csv(answers: Sequence[Answer]) -> str:
    rows, text = _class_rows(answers), io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["file"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().removesuffix("\n")


_PRINTED: dict[str, Callable[[Sequence[Answer]], str]] = {
    "text": _as_lines,
    "table": lambda answers: markdown_table(_class_rows(answers)),
    "json": lambda answers: json.dumps(answers, indent=2, allow_nan=False),
    "csv": _as_csv,
}


def check_suffix(path: Path) -> None:
    """Make sure that a file of answers can have a name.

    Raises:
        ParamsError: for another suffix than .parquet, .csv or .jsonl, or where a folder has that name.
    """
    if path.suffix.lower() not in _WRITERS:
        raise ParamsError(f"answers are written as {', '.join(_WRITERS)}, not as {path.name!r}")
    if path.is_dir():
        raise ParamsError(f"{path} is a folder: name a file for the answers")


def write_answers(path: Path, answers: Iterable[Answer], model: Model) -> Counter[str]:
    """Write answers as they come, whole or not at all. Memory does not grow with their number.

    Args:
        path: file to write; its suffix says how.
        answers: of :func:`rarebeat.inference.predict.iterate_answers`.
        model: that was asked.

    Returns:
        How many ECGs were "answered", of these "with a warning", and "not answered".

    Raises:
        ParamsError: for a suffix that is not known.
        RarebeatError: when the file cannot be written.
    """
    check_suffix(path)
    counts = Counter({"answered": 0, "with a warning": 0, "not answered": 0})

    def counted() -> Iterator[Answer]:
        for answer in answers:
            counts["not answered" if "error" in answer else "answered"] += 1
            counts["with a warning"] += "warning" in answer
            yield answer

    _WRITERS[path.suffix.lower()](path, counted(), model)
    return counts


def _columns(model: Model) -> dict[str, pa.DataType]:
    """The columns of a table and their types."""
    absent = ({"votes"} if model.ensemble is None else set()) | (
        set() if model.tells else {"calibrated", "certain"}
    )
    kinds = [kind for kind in _OF_CLASS if kind not in absent]
    return _ABOUT | {f"{kind}.{name}": _OF_CLASS[kind] for name in model.thresholds for kind in kinds}


def _row(answer: Answer) -> dict[str, Any]:
    """The cells of an answer by their columns; what there is not is left out."""
    classes = answer.get("classes", {})
    cells = {
        f"{kind}.{name}": entry[kind]
        for name, entry in classes.items()
        for kind in _OF_CLASS
        if kind in entry
    }
    return {key: answer[key] for key in _ABOUT if key in answer} | cells


def _write_parquet(path: Path, answers: Iterator[Answer], model: Model) -> None:
    card = model.cards[0]
    content = {"thresholds": model.thresholds, "model": model.digest, "vocabulary": card.vocabulary}
    content["codes"] = {name: code for one in model.cards for name, code in one.codes.items()}
    schema = pa.schema(list(_columns(model).items()), metadata={_KEY: json.dumps(content).encode()})
    rows = map(_row, answers)
    groups = iter(lambda: list(islice(rows, _ROW_GROUP)), [])
    write_tables(path, schema, (pa.Table.from_pylist(group, schema) for group in groups))


def _write_csv(path: Path, answers: Iterator[Answer], model: Model) -> None:
    columns = list(_columns(model))
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in map(_row, answers):
            cells = (row.get(name, "") for name in columns)
            writer.writerow([int(cell) if isinstance(cell, bool) else cell for cell in cells])


def _write_json_lines(path: Path, answers: Iterator[Answer], model: Model) -> None:
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for answer in answers:
            file.write(json.dumps(answer, allow_nan=False) + "\n")


_WRITERS: dict[str, Callable[[Path, Iterator[Answer], Model], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
}
