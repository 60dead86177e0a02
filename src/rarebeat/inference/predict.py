"""Classifying single files with a model folder, or an ensemble of them, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from rarebeat.core.context import Context, persons
from rarebeat.core.errors import BadRecordError, RarebeatError
from rarebeat.core.signals import output_scale
from rarebeat.dataset.split import Int16
from rarebeat.inference.ensemble import EnsembleCard, Member, is_ensemble, load_ensemble, vote_on_record
from rarebeat.inference.gate import input_windows, joined, known_person, network_input, person_warning
from rarebeat.inference.model_folder import ModelCard, load_model
from rarebeat.inference.probabilities import predict_probabilities
from rarebeat.readers.fields import Person
from rarebeat.readers.read_file import read_file

Answer = dict[str, Any]


def predict_files(
    files: Sequence[Path], model: Path, age: float | None = None, sex: str | None = None
) -> list[Answer]:
    """Classify each file.

    Args:
        files: WFDB headers, challenge ``.hea`` or ``.mat`` files, GE MUSE XML files.
        model: model folder, or the folder of an ensemble (see :mod:`rarebeat.inference.ensemble`).
        age: years (0 to 120), for all files; None takes what each file says.
        sex: "female" or "male" (also F or M), for all files; None takes what each file says.

    Returns:
        One mapping per file, in the order given: ``{"file", "classes": {NAME: {"probability", "threshold",
        "decision"}}}``, or ``{"file", "error"}`` for a file that cannot be answered. There is also a ``"warning"``
        for a record that is much shorter than the network's input, one that is longer (judged by windows over all of
        it), and one whose amplitude is not calibrated when the model learned from millivolts. Of an ensemble,
        probability and threshold are means, the decision is the vote's, and ``"votes"`` of ``"members"`` call the
        class.

    Raises:
        ParamsError: for an age or a sex that nobody has.
        RarebeatError: when the model folder cannot be used.
    """
    told = known_person(age, sex)
    members, ensemble = load_ensemble(model) if is_ensemble(model) else ([load_model(model)], None)
    answers: list[Answer] = []
    for file in files:
        try:
            record = read_file(file)
            found = network_input(record.signal, record.rate, record.calibrated, members[0][1])
        except (BadRecordError, RarebeatError) as error:
            answers.append({"file": str(file), "error": str(error)})
            continue
        except (OSError, ValueError, ArithmeticError, LookupError) as error:  # what a reader did not foresee
            answers.append({"file": str(file), "error": f"unreadable: {type(error).__name__}: {error}"})
            continue
        person = told.otherwise(Person(record.age, record.sex))
        context = replace(persons([person.age], [person.sex]), lengths=torch.tensor([found.length]))
        answer: Answer = {"file": str(file), "classes": _ask(members, ensemble, found.signal, context)}
        if warning := joined(found.warning, person_warning(person, [card for _, card in members])):
            answer["warning"] = warning
        answers.append(answer)
    return answers


def _ask(
    members: Sequence[Member], ensemble: EnsembleCard | None, signal: Int16, context: Context
) -> dict[str, Answer]:
    """What one model says of one record, or the members of an ensemble together."""
    rows = []
    for module, card in members:
        scale = output_scale(card.preprocessing)
        windows = input_windows(card)
        found = predict_probabilities(module, signal[None], scale, context=context, windows=windows)
        rows.append(found[0].tolist())
    cards = [card for _, card in members]
    return _classes(rows[0], cards[0]) if ensemble is None else vote_on_record(rows, cards, ensemble)


def _classes(probabilities: Sequence[float], card: ModelCard) -> dict[str, Answer]:
    return {
        name: {
            "probability": probability,
            "threshold": card.thresholds[name],
            "decision": probability >= card.thresholds[name],
        }
        for name, probability in zip(card.classes, probabilities, strict=True)
    }


def format_answers(answers: Sequence[Answer]) -> str:
    """The answers for a person: a line per file with the classes that are decided present, most likely first."""
    lines = []
    for answer in answers:
        if "error" in answer:
            lines.append(f"{answer['file']}: not answered ({answer['error']})")
            continue
        present = {name: entry for name, entry in answer["classes"].items() if entry["decision"]}
        ranked = sorted(present.items(), key=lambda item: -item[1]["probability"])
        found = ", ".join(f"{name} ({entry['probability']:.2f})" for name, entry in ranked)
        lines.append(f"{answer['file']}: {found or 'none of the classes'}")
        if "warning" in answer:
            lines.append(f"  warning: {answer['warning']}")
    return "\n".join(lines)
