"""Classifying single files with a model folder and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from rarebeat.errors import BadRecordError, RarebeatError
from rarebeat.inference import predict_probabilities
from rarebeat.model_folder import ModelCard, load_model
from rarebeat.models.context import persons
from rarebeat.signals import output_scale, preprocess, stored_length
from rarebeat.sources.files import read_file

Answer = dict[str, Any]

UNCALIBRATED = "the amplitude of this record was normalised away, but the model learned from millivolts"


def predict_files(files: Sequence[Path], model: Path) -> list[Answer]:
    """Classify each file.

    Args:
        files: WFDB headers, challenge ``.hea`` or ``.mat`` files, GE MUSE XML files.
        model: model folder.

    Returns:
        One mapping per file, in the order given: ``{"file", "classes": {NAME: {"probability", "threshold",
        "decision"}}}``, or ``{"file", "error"}`` for a file that cannot be answered. A record whose amplitude is
        not calibrated gets a ``"warning"`` when the model learned from millivolts.

    Raises:
        RarebeatError: when the model folder cannot be used.
    """
    module, card = load_model(model)
    scale = output_scale(card.preprocessing)
    answers: list[Answer] = []
    for file in files:
        try:
            record = read_file(file)
            signal = preprocess(record.signal, record.rate, card.preprocessing)
        except (BadRecordError, RarebeatError) as error:
            answers.append({"file": str(file), "error": str(error)})
            continue
        except (OSError, ValueError, ArithmeticError, LookupError) as error:  # what a reader did not foresee
            answers.append({"file": str(file), "error": f"unreadable: {type(error).__name__}: {error}"})
            continue
        length = stored_length(record.signal.shape[1], record.rate, card.preprocessing)
        context = replace(persons([record.age], [record.sex]), lengths=torch.tensor([length]))
        probabilities = predict_probabilities(
            module, signal[None], scale, context=context, windows=card.window
        )[0]
        answer: Answer = {"file": str(file), "classes": _classes(probabilities.tolist(), card)}
        if not record.calibrated and card.preprocessing.normalise == "none":
            answer["warning"] = UNCALIBRATED
        answers.append(answer)
    return answers


def _classes(probabilities: Sequence[float], card: ModelCard) -> dict[str, dict[str, float | bool]]:
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
