"""An ECG on paper with a model's answer beside it, and shaded what speaks for one of its classes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rarebeat.core.context import persons
from rarebeat.core.errors import ParamsError, did_you_mean
from rarebeat.core.files import atomic
from rarebeat.core.records import Record
from rarebeat.core.signals import output_scale, resampled_length
from rarebeat.inference.attribution import attribute
from rarebeat.inference.gate import input_windows, network_input
from rarebeat.inference.predict import Answer, Model
from rarebeat.readers.fields import Person
from rarebeat.reporting.ecg_page import KINDS, Shading, ecg_picture

_MOST_CALLS = 4  # that the page names


def evidence_class(answer: Answer, wanted: str | None = None) -> str | None:
    """The class whose evidence is shown: the one that is wanted, or the likeliest of those that are called.

    Args:
        answer: of :func:`rarebeat.inference.predict.answer_records`.
        wanted: a class id; None leaves the choice.

    Returns:
        A class id; None where nothing is called, or the ECG was not answered.

    Raises:
        ParamsError: when the model does not have the class that is wanted.
    """
    classes: Mapping[str, Any] = answer.get("classes", {})
    if wanted is not None:
        if classes and wanted not in classes:
            raise ParamsError(f"the model has no class {wanted!r}{did_you_mean(wanted, classes)}")
        return wanted if classes else None
    called = [name for name, entry in classes.items() if entry["decision"]]
    return max(called, key=lambda name: float(classes[name]["probability"]), default=None)


def find_evidence(record: Record, model: Model, name: str, person: Person) -> Shading:
    """What of an ECG speaks for a class, and what against it.

    Args:
        record: an ECG that the model has answered.
        model: of an ensemble, the mean over the members that know the class is taken.
        name: the class id.
        person: age and sex, as they were told to the model.

    Returns:
        The shading, at the model's rate.
    """
    found = network_input(record.signal, record.rate, record.calibrated, model.cards[0])
    context = replace(persons([person.age], [person.sex]), lengths=torch.tensor([found.length]))
    values = [
        attribute(
            module,
            found.signal[None],
            output_scale(card.preprocessing),
            np.array([card.classes.index(name)]),
            context,
            input_windows(card),
        ).values[0]
        for module, card in model.members
        if name in card.classes
    ]
    settings = model.cards[0].preprocessing
    excess = resampled_length(record.signal.shape[1], record.rate, settings.rate) - found.signal.shape[1]
    start = max(excess, 0) // 2 / settings.rate if settings.crop == "center" else 0.0
    of = name.replace("_", " ")
    return Shading(np.mean(values, axis=0)[:, : found.length], settings.rate, of, start)


def answer_lines(answer: Answer) -> str:
    """The answer in a few lines, for the head of a page, without its warning."""
    if "error" in answer:
        return f"Not answered: {answer['error']}"
    ranked = sorted(answer["classes"].items(), key=lambda item: -item[1]["probability"])
    called = [_said(name, entry) for name, entry in ranked if entry["decision"]]
    others = [_said(name, entry) for name, entry in ranked if not entry["decision"]]
    lines = [f"Called: {', '.join(called[:_MOST_CALLS]) or 'none of the classes'}"]
    if others:
        lines.append(f"Likeliest of the others: {others[0]}")
    return "\n".join(lines)


def _said(name: str, entry: Mapping[str, Any]) -> str:
    votes = f", {entry['votes']} of {entry['members']} votes" if "votes" in entry else ""
    told = f", calibrated {entry['calibrated']:.2f}" if "calibrated" in entry else ""
    told += ", unsure" if entry.get("certain") == "unsure" else ""
    return f"{name.replace('_', ' ')} {entry['probability']:.2f} (from {entry['threshold']:.2f}{votes}{told})"


def picture_of_answer(
    record: Record, answer: Answer, title: str, kind: str = "png", shading: Shading | None = None
) -> bytes:
    """Draw an ECG with its answer.

    Args:
        record: the ECG; its report is not drawn.
        answer: of the model.
        title: heading of the page.
        kind: "png", "pdf" or "svg".
        shading: what speaks for a class, where it is shown.

    Returns:
        The content of a file.
    """
    shown = replace(record, text=answer_lines(answer), codes=())
    warning = f"Warning: {answer['warning']}" if "warning" in answer else ""
    return ecg_picture(shown, kind, title, shading=shading, warning=warning)


def check_wish(out: Path, wanted: str | None, classes: Collection[str]) -> None:
    """Make sure, before any ECG is answered, that pictures of that kind can be drawn.

    Args:
        out: a file, or a folder.
        wanted: class whose evidence is to be shown, if one was named.
        classes: those of the model.

    Raises:
        ParamsError: for another suffix, a folder where a file is to be or a file where a folder is, or a class that the
            model does not have.
    """
    if out.suffix and out.suffix.lower().removeprefix(".") not in KINDS:
        raise ParamsError(f"{out}: a picture is written as .png, .pdf or .svg")
    if out.exists() and out.is_dir() == bool(out.suffix):
        there, wished = ("folder", "file") if out.suffix else ("file", "folder")
        raise ParamsError(f"{out} is a {there}: name another {wished} for pictures")
    if wanted is not None and wanted not in classes:
        raise ParamsError(f"the model has no class {wanted!r}{did_you_mean(wanted, classes)}")


def check_picture(out: Path, ecgs: int) -> None:
    """Make sure that pictures can have a name: a file for one ECG, a folder for several.

    Raises:
        ParamsError: for a file for several ECGs.
    """
    if out.suffix and ecgs != 1:
        raise ParamsError(f"{out} is a file, and there are {ecgs} ECGs: name a folder")


def write_pictures(
    out: Path,
    records: Iterable[Record | None],
    answers: Sequence[Answer],
    model: Model,
    told: Person,
    wanted: str | None = None,
) -> int:
    """Draw ECGs with their answers.

    Args:
        out: a file for one ECG, or a folder to write PNG files to.
        records: n ECGs, of which one is in memory at a time; None for one that is not drawn.
        answers: n answers.
        model: that gave them.
        told: what was told of the persons besides.
        wanted: class whose evidence is shown; see :func:`evidence_class`.

    Returns:
        How many were drawn.

    Raises:
        ParamsError: as :func:`check_picture` and :func:`evidence_class`.
        RarebeatError: when a file cannot be written.
    """
    check_picture(out, len(answers))
    single = bool(out.suffix)
    drawn: set[str] = set()
    for number, (record, answer) in enumerate(zip(records, answers, strict=True)):
        if record is None:
            continue
        name = evidence_class(answer, wanted)
        person = told.otherwise(Person(record.age, record.sex))
        shading = None if name is None else find_evidence(record, model, name, person)
        kind = out.suffix.lower().removeprefix(".") if single else "png"
        title = _new_name(record.record_id, number, drawn)
        drawn.add(title)
        with atomic(out if single else out / f"{title}.png") as temporary:
            temporary.write_bytes(picture_of_answer(record, answer, title, kind, shading))
    return len(drawn)


def _new_name(name: str, number: int, taken: Collection[str]) -> str:
    """A name that no other picture has; files of several folders may be called alike."""
    names = chain([name, f"{name}-{number}"], (f"{name}-{number}-{more}" for more in count(2)))
    return next(one for one in names if one not in taken)
