"""Classifying single files with a model folder, or an ensemble of them, and nothing else."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rarebeat.core.context import Context, persons
from rarebeat.core.errors import BadRecordError, RarebeatError
from rarebeat.core.signals import output_scale
from rarebeat.dataset.split import Int16
from rarebeat.inference.ensemble import (
    EnsembleCard,
    Member,
    is_ensemble,
    load_detectors,
    load_ensemble,
    vote_on_record,
)
from rarebeat.inference.gate import input_windows, known_age, known_sex, network_input
from rarebeat.inference.model_folder import ModelCard, load_model
from rarebeat.inference.novelty import Detector, novelty_warnings
from rarebeat.inference.probabilities import predict_with_features
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
        it), one whose amplitude is not calibrated when the model learned from millivolts, and one that is unlike the
        training data (see :mod:`rarebeat.inference.novelty`). Of an ensemble,
        probability and threshold are means, the decision is the vote's, and ``"votes"`` of ``"members"`` call the
        class.

    Raises:
        ParamsError: for an age or a sex that nobody has.
        RarebeatError: when the model folder cannot be used.
    """
    age, sex = known_age(age), known_sex(sex)
    members, ensemble = load_ensemble(model) if is_ensemble(model) else ([load_model(model)], None)
    detectors = load_detectors(model)
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
        person = persons([record.age if age is None else age], [sex or record.sex])
        context = replace(person, lengths=torch.tensor([found.length]))
        classes, unlike = _ask(members, detectors, ensemble, found.signal, context)
        answer: Answer = {"file": str(file), "classes": classes}
        if not all(math.isfinite(entry["probability"]) for entry in answer["classes"].values()):
            answers.append({"file": str(file), "error": "the network gave no number for it"})
            continue
        if warning := "; ".join(filter(None, [found.warning, unlike])):
            answer["warning"] = warning
        answers.append(answer)
    return answers


def _ask(
    members: Sequence[Member],
    detectors: Sequence[Detector | None],
    ensemble: EnsembleCard | None,
    signal: Int16,
    context: Context,
) -> tuple[dict[str, Answer], str]:
    """What one model says of one record, or the members of an ensemble together, and how it is unlike the training."""
    rows, features = [], []
    for module, card in members:
        scale = output_scale(card.preprocessing)
        windows = input_windows(card)
        found, seen = predict_with_features(module, signal[None], scale, context=context, windows=windows)
        rows.append(found[0].tolist())
        features.append(seen)
    cards = [card for _, card in members]
    assert context.lengths is not None
    lengths = np.asarray(context.lengths.numpy())
    (unlike,) = novelty_warnings(detectors, features, signal[None], lengths, cards[0].preprocessing)
    classes = _classes(rows[0], cards[0]) if ensemble is None else vote_on_record(rows, cards, ensemble)
    return classes, unlike


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
