"""The model folder: all that prediction needs, and nothing that could run code.

It holds ``weights.safetensors``, ``novelty.safetensors`` (what the training data looked like, see
:mod:`rarebeat.inference.novelty`), ``scores.safetensors`` (what it says of validation records, see
:mod:`rarebeat.metrics.known_scores`), and ``model.yaml`` with everything else: architecture, classes, thresholds,
preprocessing, where the model comes from, the digests of the other files, and a digest over all of that. So nothing in
the folder can change unnoticed. Of a network of one's own (:mod:`rarebeat.models.own`) it says the digest of its code,
which lies elsewhere. Who means to change ``model.yaml`` by hand (another threshold, say) calls :func:`sign_model` after
it. A folder without novelty or scores, as earlier versions wrote them, is read all the same.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save as save_arrays
from safetensors.torch import load_file, save
from torch import nn

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import atomic, check_replaceable, digest
from rarebeat.core.params import parse
from rarebeat.core.yaml_text import load_yaml
from rarebeat.inference.model_card import ModelCard as ModelCard
from rarebeat.inference.novelty import Detector, from_arrays, to_arrays
from rarebeat.metrics.known_scores import KnownScores, scores_from_arrays, scores_to_arrays
from rarebeat.models.layers import heads_of
from rarebeat.models.own import is_own, own_digest
from rarebeat.models.registry import build

WEIGHTS = "weights.safetensors"
NOVELTY = "novelty.safetensors"
SCORES = "scores.safetensors"
CARD = "model.yaml"
FORMAT = 3

_OWN_KEYS = ("format", "digest")  # of model.yaml: the digest is over all other keys
_CODE_DIGEST = "network_digest"  # key of model.yaml: of the file of a network of one's own
_DIGESTS = {
    "weights_digest": WEIGHTS,
    "novelty_digest": NOVELTY,
    "scores_digest": SCORES,
}  # keys of model.yaml
FILES = (CARD, *_DIGESTS.values())
"""All files that a model folder may have."""
_OPTIONAL = ("offsets", "origin", "adapted", "certainty")  # keys of model.yaml that are left out where empty


def save_model(
    folder: Path,
    module: nn.Module,
    card: ModelCard,
    detector: Detector | None = None,
    scores: KnownScores | None = None,
) -> None:
    """Write a model folder, whole or not at all; one that is already there is replaced.

    Args:
        folder: to write.
        module: the network.
        card: what it is; ``settings`` and ``training`` must be plain numbers, strings, lists and mappings.
        detector: knows what the training data looked like; without one, no ECG is said to be unlike them.
        scores: what it says of validation records; without them, nobody can tell whether they are other ones elsewhere.

    Raises:
        RarebeatError: when it cannot be written.
    """
    check_place(folder)
    weights = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    with atomic(folder) as temporary:
        temporary.mkdir()
        (temporary / WEIGHTS).write_bytes(save(weights))  # so that a full disk is an OSError
        if detector is not None:
            (temporary / NOVELTY).write_bytes(_saved(to_arrays(detector)))
        if scores is not None:
            (temporary / SCORES).write_bytes(_saved(scores_to_arrays(scores)))
        _sign_new(temporary, card)


def _saved(arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """Arrays in the format of safetensors, which takes the memory of an array as it lies: not that of a transposed."""
    return save_arrays({name: np.ascontiguousarray(values) for name, values in arrays.items()})


def save_adapted(folder: Path, source: Path, card: ModelCard) -> None:
    """Write a model folder that differs from another one in its card alone, whole or not at all.

    Args:
        folder: to write.
        source: model folder; its other files are copied as they are.
        card: of the new folder.

    Raises:
        RarebeatError: when the source is damaged, or the folder cannot be written.
    """
    check_place(folder)
    content = _read_content(source / CARD)
    _verified(source / CARD, content)
    _check_files(source, content)
    with atomic(folder) as temporary:
        temporary.mkdir()
        for key, name in _DIGESTS.items():
            if key in content:
                (temporary / name).write_bytes((source / name).read_bytes())
        _sign_new(temporary, card)


def _sign_new(folder: Path, card: ModelCard) -> None:
    """Write the card of a folder that has its other files."""
    digests = {key: digest(folder / name) for key, name in _DIGESTS.items() if (folder / name).is_file()}
    if is_own(card.architecture):
        digests[_CODE_DIGEST] = own_digest(card.architecture)
    facts = {key: value for key, value in _plain(asdict(card)).items() if value or key not in _OPTIONAL}
    _write_card(folder / CARD, digests | facts)


def check_place(folder: Path) -> None:
    """Make sure that a model can be written to a folder, before hours of training.

    Args:
        folder: to write; an earlier model may be there.

    Raises:
        RarebeatError: when it holds something else.
    """
    check_replaceable(folder, CARD, list(_DIGESTS.values()))


def sign_model(folder: Path) -> None:
    """Accept what was changed in ``model.yaml`` by hand: check it, and write its digest anew.

    Args:
        folder: written by :func:`save_model`. Its other files must be those that ``model.yaml`` names.

    Raises:
        RarebeatError: when the card holds something that no model can have, or another file is missing or another one.
    """
    check_complete(folder)
    content = _read_content(folder / CARD)
    _parse(folder / CARD, content)
    _check_files(folder, content)
    _write_card(folder / CARD, {key: value for key, value in content.items() if key not in _OWN_KEYS})


def load_model(folder: Path, device: str = "cpu") -> tuple[nn.Module, ModelCard]:
    """Read a model folder and verify it.

    Args:
        folder: written by :func:`save_model`.
        device: where to put the network.

    Returns:
        The network, in evaluation mode and with the offsets of its card, and the card.

    Raises:
        RarebeatError: naming all that is missing or damaged.
    """
    check_complete(folder)
    content = _read_content(folder / CARD)
    card = _verified(folder / CARD, content)
    _check_files(folder, content)
    _check_code(folder, card, content)
    try:
        samples = card.window.of(card.preprocessing.samples)
        module = build(card.architecture, len(card.classes), samples, card.settings)
        weights = load_file(folder / WEIGHTS)
        module.load_state_dict(weights)
    except (ParamsError, SafetensorError, RuntimeError) as error:
        raise RarebeatError(
            f"{folder}: the weights do not fit the network that {CARD} describes: {error}"
        ) from error
    if broken := [name for name, value in weights.items() if not torch.isfinite(value).all()]:
        raise RarebeatError(
            f"{folder / WEIGHTS} holds values that are no numbers, in {broken[0]}: the training failed; train again"
        )
    if card.offsets:
        heads_of(module).shift(torch.tensor([card.offsets.get(name, 0.0) for name in card.classes]))
    return module.to(torch.device(device)).eval(), card


def load_detector(folder: Path) -> Detector | None:
    """Read what a model knows of its training data.

    Args:
        folder: written by :func:`save_model`.

    Returns:
        The detector; None where the model was saved without one.

    Raises:
        RarebeatError: when it is missing or damaged.
    """
    arrays = _read_arrays(folder, "novelty_digest")
    try:
        return None if arrays is None else from_arrays(arrays)
    except ValueError as error:
        raise RarebeatError(f"{folder / NOVELTY} is no detector: {error}") from error


def load_scores(folder: Path) -> KnownScores | None:
    """Read what a model said of its validation records.

    Args:
        folder: written by :func:`save_model`.

    Returns:
        The scores; None where the model was saved without.

    Raises:
        RarebeatError: when they are missing or damaged.
    """
    arrays = _read_arrays(folder, "scores_digest")
    try:
        return None if arrays is None else scores_from_arrays(arrays)
    except ValueError as error:
        raise RarebeatError(f"{folder / SCORES} holds no scores: {error}") from error


def _read_arrays(folder: Path, key: str) -> dict[str, np.ndarray[Any, Any]] | None:
    """The arrays of the file that a key of the card stands for, once the folder is verified; None without it."""
    content = _read_content(folder / CARD)
    _verified(folder / CARD, content)
    _check_files(folder, content)
    if key not in content:
        return None
    try:
        return load_arrays(folder / _DIGESTS[key])
    except SafetensorError as error:
        raise RarebeatError(f"{folder / _DIGESTS[key]} is no table of arrays: {error}") from error


def read_card(folder: Path) -> ModelCard:
    """Read what a model is, without its weights.

    Raises:
        RarebeatError: when there is no card, or it is damaged or was changed.
    """
    return _verified(folder / CARD, _read_content(folder / CARD))


def check_complete(folder: Path) -> None:
    """Check that a folder has all files of a model.

    Raises:
        RarebeatError: naming those that are missing.
    """
    if not folder.exists():
        raise RarebeatError(
            f"{folder} is not a model folder: it is not there (`make repro` trains models/trained)"
        )
    missing = [name for name in (CARD, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise RarebeatError(f"{folder} is not a model folder: it lacks {' and '.join(missing)}")


def weights_digest(folder: Path) -> str:
    """What identifies the weights of a model folder, whatever its card says.

    Raises:
        RarebeatError: when the folder is not complete.
    """
    check_complete(folder)
    return digest(folder / WEIGHTS)


def card_digest(folder: Path) -> str:
    """What identifies a model: the digest that its card is signed with, over thresholds and weights too.

    Raises:
        RarebeatError: as :func:`read_card`.
    """
    content = _read_content(folder / CARD)
    _verified(folder / CARD, content)
    return str(content["digest"])


def _read_content(path: Path) -> dict[str, Any]:
    """What ``model.yaml`` says, unchecked but for its format."""
    if not path.exists():
        check_complete(path.parent)
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RarebeatError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        earlier = isinstance(content, dict) and content.get("format") in range(1, FORMAT)
        reason = "the model was trained by an earlier version: run `dvc repro`, or train again"
        raise RarebeatError(
            f"{path} is not a model card of format {FORMAT}" + (f"; {reason}" if earlier else "")
        )
    return content


def _parse(path: Path, content: Mapping[str, Any]) -> ModelCard:
    facts = {key: value for key, value in content.items() if key not in (*_OWN_KEYS, _CODE_DIGEST, *_DIGESTS)}
    return parse(ModelCard, facts, str(path))


def _verified(path: Path, content: Mapping[str, Any]) -> ModelCard:
    """The card, when it is what was written."""
    card = _parse(path, content)
    if content.get("digest") != _card_digest(content):
        raise RarebeatError(
            f"{path} was changed after it was written: copy the folder anew, or accept the change with "
            "rarebeat.inference.model_folder.sign_model(folder)"
        )
    return card


def _check_files(folder: Path, content: Mapping[str, Any]) -> None:
    """Check that the other files are those that the card was written with."""
    for key, name in _DIGESTS.items():
        if name != WEIGHTS and key not in content:
            continue
        if not (folder / name).is_file():
            raise RarebeatError(f"{folder} is not a whole model folder: it lacks {name}")
        if digest(folder / name) != content.get(key):
            raise RarebeatError(
                f"{folder / name} is damaged, or not the file that {CARD} was written with: "
                "copy the folder anew, or train again"
            )


def _check_code(folder: Path, card: ModelCard, content: Mapping[str, Any]) -> None:
    """Check that a network of one's own is still the code that was trained, before any of it is run."""
    if is_own(card.architecture) and own_digest(card.architecture) != content.get(_CODE_DIGEST):
        raise RarebeatError(
            f"{folder}: the file of {card.architecture} is not the one that was trained: train again, or restore it"
        )


def _write_card(path: Path, facts: Mapping[str, Any]) -> None:
    content = {"format": FORMAT, "digest": _card_digest(facts), **facts}
    with atomic(path) as temporary:
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        temporary.write_text(text, encoding="utf-8")


def _card_digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of all that a card says, the digest of the weights included, however its YAML is laid out."""
    facts = {key: value for key, value in content.items() if key not in _OWN_KEYS}
    return hashlib.sha256(json.dumps(_plain(facts), sort_keys=True, default=str).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Tuples as lists: YAML has no other."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
