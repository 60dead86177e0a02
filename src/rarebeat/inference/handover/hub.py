"""A model folder that a repository on the Hugging Face hub could be; nothing is sent anywhere.

The folder stays a model folder: ``rarebeat predict --model`` takes it as it was downloaded. Beside the model's own
files lie ``README.md`` (a model card with the hub's metadata), ``thresholds.json`` and ``config.json``, and where
wanted ``model.onnx``.
"""

import math
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic, check_replaceable, read_json, write_json
from rarebeat.core.records import LEADS
from rarebeat.core.tables import Row, markdown_table
from rarebeat.inference.ensemble import is_ensemble
from rarebeat.inference.model_folder import (
    CARD,
    FILES,
    ModelCard,
    card_digest,
    load_model,
    read_card,
)
from rarebeat.models.own import is_own

README, THRESHOLDS, CONFIG, ONNX = "README.md", "thresholds.json", "config.json", "model.onnx"

_UNSTATED = "other"  # what the hub calls a licence that it does not know


def write_hub_folder(
    model: Path, out: Path, licence: str | None = None, metrics: Path | None = None, onnx: bool = False
) -> list[str]:
    """Write the folder of a repository, whole or not at all.

    Args:
        model: model folder.
        out: folder to write; an earlier one is replaced.
        licence: of the weights, as the hub names it ("mit", "cc-by-4.0"); None says that none was stated.
        metrics: ``reports/metrics.json`` of the evaluation of this model; None leaves scores out.
        onnx: whether the model is exported, too.

    Returns:
        The names of the files.

    Raises:
        RarebeatError: for an ensemble, a model that cannot be read or exported, or scores of another model.
    """
    if is_ensemble(model):
        raise RarebeatError(f"{model} is an ensemble: publish its members, {model}/members/*, one by one")
    check_replaceable(out, CARD, [*FILES, README, THRESHOLDS, CONFIG, ONNX])
    load_model(model)
    card, digest = read_card(model), card_digest(model)
    scores = None if metrics is None else _scores(metrics, card)
    with atomic(out) as temporary:
        temporary.mkdir()
        for name in FILES:  # the card is signed over all of them
            if (model / name).is_file():
                shutil.copyfile(model / name, temporary / name)
        if onnx:
            from rarebeat.inference.handover.onnx_export import export_onnx  # needs the extra `export`

            export_onnx(model, temporary / ONNX)
        write_json(temporary / THRESHOLDS, dict(card.thresholds))
        write_json(temporary / CONFIG, _config(card, digest))
        (temporary / README).write_text(_readme(card, digest, licence, scores, onnx), encoding="utf-8")
        load_model(temporary)  # whoever downloads it must be able to
    return sorted(path.name for path in out.iterdir())


def _scores(path: Path, card: ModelCard) -> Mapping[str, Any]:
    found: Mapping[str, Any] = read_json(path)
    classes = found.get("classes", {}) if isinstance(found, dict) else {}
    if set(classes) != set(card.classes):
        raise RarebeatError(f"{path} does not hold the scores of this model: it has other classes")
    for name, scores in classes.items():
        if not math.isclose(scores["threshold"], card.thresholds[name], rel_tol=1e-4, abs_tol=1e-9):
            raise RarebeatError(
                f"{path} does not hold the scores of this model: its threshold of {name} is {scores['threshold']}, "
                f"the model's {card.thresholds[name]:.5g}"
            )
    return found


def _config(card: ModelCard, digest: str) -> dict[str, Any]:
    """What a program wants to know without reading YAML."""
    return {
        "model_type": "rarebeat",
        "architecture": card.architecture,
        "settings": card.settings,
        "classes": list(card.classes),
        "leads": list(LEADS),
        "rate": card.preprocessing.rate,
        "samples": card.window.of(card.preprocessing.samples),
        "units": card.units,
        "preprocessing": asdict(card.preprocessing),
        "uses_person": card.uses_person,
        "digest": digest,
    }


def _readme(
    card: ModelCard, digest: str, licence: str | None, scores: Mapping[str, Any] | None, onnx: bool
) -> str:
    head: dict[str, Any] = {
        "license": licence or _UNSTATED,
        **({} if licence else {"license_name": "not-stated"}),
        "library_name": "rarebeat",
        "pipeline_tag": "other",
        "tags": ["ecg", "electrocardiography", "12-lead", "multi-label-classification", "safetensors"]
        + (["onnx"] if onnx else []),
    }
    if scores is not None:
        head["metrics"] = ["f1", "roc_auc", "average_precision"]
    parts = [
        f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n",
        f"# {card.architecture}: {len(card.classes)} classes on 12-lead ECGs\n",
        _what_it_is(card, digest),
        _how_to_use(onnx),
        _input(card),
        _classes(card, scores),
        _limits(card, licence, scores),
    ]
    return "\n".join(parts)


def _what_it_is(card: ModelCard, digest: str) -> str:
    training = card.training
    facts = [
        ("network", f"{card.architecture}, {card.settings or 'its own settings'}"),
        ("trained on the cohorts", ", ".join(card.cohorts)),
        ("training records", str(training.get("records", "not told"))),
        ("classes of the vocabulary", card.vocabulary),
        ("label set", card.heads),
        ("digest of the model", f"`{digest}`"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts), ""])


def _how_to_use(onnx: bool) -> str:
    lines = ["## How to use it\n", "```sh", "rarebeat predict ECG.hea --model FOLDER --json", "```\n"]
    lines.append(
        "The folder holds weights (safetensors), the preprocessing, thresholds and the digests of its files; "
        "nothing in it is a program."
    )
    if onnx:
        lines.append(
            "`model.onnx` holds the same network; its metadata say what its inputs and outputs are, and "
            "`rarebeat.inference.handover.onnx_model` runs it without torch."
        )
    return "\n".join([*lines, ""])


def _input(card: ModelCard) -> str:
    steps = card.preprocessing
    seconds = card.window.of(steps.samples) / steps.rate
    return (
        "## Input\n\n"
        f"Twelve leads in the order {', '.join(LEADS)}, in {card.units}, {steps.rate:g} Hz, {seconds:g} s: "
        f"crop {steps.crop}, band-pass {list(steps.bandpass) if steps.bandpass else 'none'}, "
        f"normalisation {steps.normalise}. Shorter recordings are padded with zeros, longer ones judged by windows. "
        + ("Age and sex are used.\n" if card.uses_person else "Age and sex are not used.\n")
    )


def _classes(card: ModelCard, scores: Mapping[str, Any] | None) -> str:
    rows: list[Row] = []
    for name in card.classes:
        row: Row = {
            "class": name,
            "code": card.codes.get(name, ""),
            "threshold": round(card.thresholds[name], 4),
        }
        if scores is not None:
            found = scores["classes"][name]
            row |= {
                key: "" if found.get(key) is None else round(found[key], 3)
                for key in ("positives", "f1", "auroc", "auprc")
            }
        rows.append(row)
    title = "## Classes and thresholds" + (" with scores on the test split" if scores is not None else "")
    return f"{title}\n\n{markdown_table(rows)}\n"


def _limits(card: ModelCard, licence: str | None, scores: Mapping[str, Any] | None) -> str:
    points = [
        "For research. It is no medical device, and no diagnosis may rest on it alone.",
        _thresholds_from(card),
        _probabilities(card),
    ]
    if set(card.cohorts) == {"simulated"}:
        points.append(
            "It has seen simulated ECGs alone: what it is worth on people is not told by its scores."
        )
    if scores is None:
        points.append("No scores were given when this card was written.")
    if is_own(card.architecture):
        points.append(
            f"The code of {card.architecture} is not in this folder: it must be had from its author."
        )
    if licence is None:
        points.append("No licence was stated; those of the training data may bind the weights, too.")
    return "\n".join(["## Limits\n", *(f"- {point}" for point in points), ""])


def _probabilities(card: ModelCard) -> str:
    """Whose the probabilities are, and what is told beside them."""
    if card.offsets:
        plain = "Probabilities are those of the network with the offsets of `model.yaml` added to its logits"
    else:
        plain = "Probabilities are as the network gives them"
    if card.certainty is None:
        return f"{plain}." if card.offsets else f"{plain}: no calibration is stored with this model."
    rare = [name for name, one in card.certainty.classes.items() if one.no_below is None]
    never = f' Too few patients had {", ".join(rare)} for any "no".' if rare else ""
    return (
        f"{plain}; `calibrated` beside them is fitted to {_fitted_to(card)}, as common as classes were there. "
        f'`certain` leaves {card.certainty.coverage:.0%} of the records with a class without a "no", and of those '
        f'without it without a "yes", at a site like that one.{never}'
    )


def _fitted_to(card: ModelCard) -> str:
    return "the labelled records of one site" if card.adapted else "the validation split"


def _thresholds_from(card: ModelCard) -> str:
    """Where the thresholds come from: the training, a site's labelled records, or a site's own choice."""
    if card.adapted:
        chosen = f"fitted to {card.adapted['records']} labelled records of one site"
    elif "site" in card.training:
        chosen = "set by one site"
    else:
        chosen = "chosen on the validation split of its cohorts"
    return f"Thresholds were {chosen}; another site needs its own."
