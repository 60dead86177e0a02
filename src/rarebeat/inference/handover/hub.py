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

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import atomic, check_replaceable, read_json, write_json
from rarebeat.core.records import LEADS
from rarebeat.core.tables import Row, markdown_table
from rarebeat.inference.ensemble import is_ensemble
from rarebeat.inference.handover.card_text import (
    INTENDED,
    NOT_INTENDED,
    SIMULATED_ALONE,
    input_text,
    limits_of,
    title_of,
)
from rarebeat.inference.model_folder import (
    CARD,
    FILES,
    ModelCard,
    card_digest,
    load_model,
    read_card,
)

README, THRESHOLDS, CONFIG, ONNX = "README.md", "thresholds.json", "config.json", "model.onnx"

_UNSTATED = "other"  # what the hub calls a licence that it does not know


def write_hub_folder(
    model: Path,
    out: Path,
    licence: str | None = None,
    metrics: Path | None = None,
    onnx: bool = False,
    run_card: Path | None = None,
) -> list[str]:
    """Write the folder of a repository, whole or not at all.

    Args:
        model: model folder.
        out: folder to write; an earlier one is replaced.
        licence: of the weights, as the hub names it ("mit", "cc-by-4.0"); None says that none was stated.
        metrics: ``reports/metrics.json`` of the evaluation of this model; None leaves scores out.
        onnx: whether the model is exported, too.
        run_card: ``reports/model-card.md`` of the evaluation of this model, the text of ``README.md`` then, with data,
            labels, scores and calibration; None writes what the model alone tells.

    Returns:
        The names of the files.

    Raises:
        ParamsError: for a card and scores at once: the card has them; for ``out`` being ``model``.
        RarebeatError: for an ensemble, a model that cannot be read or exported, or scores or the card of another model.
    """
    if run_card is not None and metrics is not None:
        raise ParamsError("the card of a run holds the scores already: name the one or the other")
    if is_ensemble(model):
        raise RarebeatError(f"{model} is an ensemble: publish its members, {model}/members/*, one by one")
    if out.resolve() == model.resolve():
        raise ParamsError(f"{out} is the model itself, which the next training replaces: name another folder")
    check_replaceable(out, CARD, [*FILES, README, THRESHOLDS, CONFIG, ONNX])
    load_model(model)
    card, digest = read_card(model), card_digest(model)
    scores = None if metrics is None else _scores(metrics, card)
    written = None if run_card is None else _run_card(run_card, digest)
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
        text = _body(card, digest, scores) if written is None else written
        scored = written is not None or scores is not None
        parts = [_head(licence, scored, onnx), text, _how_to_use(onnx), _licence(licence)]
        (temporary / README).write_text("\n".join(parts), encoding="utf-8")
        load_model(temporary)  # whoever downloads it must be able to
    return sorted(path.name for path in out.iterdir())


def _scores(path: Path, card: ModelCard) -> Mapping[str, Any]:
    found: Mapping[str, Any] = read_json(path)
    classes = found.get("classes", {}) if isinstance(found, dict) else {}
    if not isinstance(classes, dict) or set(classes) != set(card.classes):
        raise RarebeatError(f"{path} does not hold the scores of this model: it has other classes")
    for name, scores in classes.items():
        told = scores.get("threshold") if isinstance(scores, dict) else None
        same = isinstance(told, int | float) and math.isclose(
            told, card.thresholds[name], rel_tol=1e-4, abs_tol=1e-9
        )
        if not same:
            raise RarebeatError(
                f"{path} does not hold the scores of this model: its threshold of {name} is {told}, "
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


def _run_card(path: Path, digest: str) -> str:
    """The card that the evaluation of this very model has written."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RarebeatError(f"cannot read {path}: {error}") from error
    if digest not in text:
        raise RarebeatError(
            f"{path} is not the card of this model: the digest {digest} is not in it. Evaluate this model "
            "(`dvc repro`, or pipeline/evaluate.py), or leave the card out."
        )
    return text


def _head(licence: str | None, scored: bool, onnx: bool) -> str:
    """The hub's metadata."""
    head: dict[str, Any] = {
        "license": licence or _UNSTATED,
        **({} if licence else {"license_name": "not-stated"}),
        "library_name": "rarebeat",
        "pipeline_tag": "other",
        "tags": ["ecg", "electrocardiography", "12-lead", "multi-label-classification", "safetensors"]
        + (["onnx"] if onnx else []),
    }
    if scored:
        head["metrics"] = ["f1", "roc_auc", "average_precision"]
    return f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n"


def _body(card: ModelCard, digest: str, scores: Mapping[str, Any] | None) -> str:
    """What the model alone tells, with scores where they are at hand."""
    parts = [
        f"# {title_of(card)}\n",
        _what_it_is(card, digest),
        f"## What it is for\n\n{INTENDED}\n",
        f"## What it is not for\n\n{NOT_INTENDED}\n",
        f"## Input\n\n{input_text(card)}\n",
        _classes(card, scores),
        _limits(card, scores),
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


def _limits(card: ModelCard, scores: Mapping[str, Any] | None) -> str:
    points = limits_of(card)
    if set(card.cohorts) == {"simulated"}:
        points.append(SIMULATED_ALONE)
    if scores is None:
        points.append("No scores were given when this card was written.")
    return "\n".join(["## Limits\n", *(f"- {point}" for point in points), ""])


def _licence(licence: str | None) -> str:
    stated = (
        f"{licence}."
        if licence
        else "No licence was stated; those of the training data may bind the weights, too."
    )
    return f"## Licence\n\n{stated}\n"
