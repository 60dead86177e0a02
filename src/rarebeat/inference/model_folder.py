"""The model folder: all that prediction needs, and nothing that could run code.

It holds ``weights.safetensors``, ``novelty.safetensors`` (what the training data looked like, see
:mod:`rarebeat.inference.novelty`), ``scores.safetensors`` (what it says of validation records, see
:mod:`rarebeat.metrics.known_scores`), and ``model.yaml`` with everything else: architecture, classes, thresholds,
preprocessing, where the model comes from, the digests of the other files, and a digest over all of that. So nothing in
the folder can change unnoticed. Of a network of one's own (:mod:`rarebeat.models.own`) it says the digest of its code,
which lies elsewhere. Who means to change ``model.yaml`` by hand (another threshold, say) calls :func:`sign_model` after
it. A folder without novelty or scores, as earlier versions wrote them, is read all the same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save as save_arrays
from safetensors.torch import load_file, save
from torch import nn

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import atomic, check_replaceable, digest
from rarebeat.inference.model_card import CARD as CARD
from rarebeat.inference.model_card import (
    CODE_DIGEST,
    DIGESTS,
    card_facts,
    parse_card,
    read_content,
    verified_card,
    write_content,
)
from rarebeat.inference.model_card import ModelCard as ModelCard
from rarebeat.inference.novelty import Detector, from_arrays, to_arrays
from rarebeat.metrics.known_scores import KnownScores, scores_from_arrays, scores_to_arrays
from rarebeat.models.layers import heads_of
from rarebeat.models.own import is_own, own_digest
from rarebeat.models.registry import build

WEIGHTS, NOVELTY, SCORES = DIGESTS.values()
FILES = (CARD, *DIGESTS.values())
"""All files that a model folder may have."""


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
    content, _ = _read(source)
    _check_files(source, content)
    with atomic(folder) as temporary:
        temporary.mkdir()
        for key, name in DIGESTS.items():
            if key in content:
                (temporary / name).write_bytes((source / name).read_bytes())
        _sign_new(temporary, card)


def _sign_new(folder: Path, card: ModelCard) -> None:
    """Write the card of a folder that has its other files."""
    digests = {key: digest(folder / name) for key, name in DIGESTS.items() if (folder / name).is_file()}
    if is_own(card.architecture):
        digests[CODE_DIGEST] = own_digest(card.architecture)
    write_content(folder / CARD, digests | card_facts(card))


def check_place(folder: Path) -> None:
    """Make sure that a model can be written to a folder, before hours of training.

    Args:
        folder: to write; an earlier model may be there.

    Raises:
        RarebeatError: when it holds something else.
    """
    check_replaceable(folder, CARD, list(DIGESTS.values()))


def sign_model(folder: Path) -> None:
    """Accept what was changed in ``model.yaml`` by hand: check it, and write its digest anew.

    Args:
        folder: written by :func:`save_model`. Its other files must be those that ``model.yaml`` names.

    Raises:
        RarebeatError: when the card holds something that no model can have, or another file is missing or another one.
    """
    check_complete(folder)
    content = read_content(folder / CARD)
    parse_card(folder / CARD, content)
    _check_files(folder, content)
    write_content(folder / CARD, content)


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
    content, card = _read(folder)
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
    content, _ = _read(folder)
    _check_files(folder, content)
    if key not in content:
        return None
    try:
        return load_arrays(folder / DIGESTS[key])
    except SafetensorError as error:
        raise RarebeatError(f"{folder / DIGESTS[key]} is no table of arrays: {error}") from error


def read_card(folder: Path) -> ModelCard:
    """Read what a model is, without its weights.

    Raises:
        RarebeatError: when there is no card, or it is damaged or was changed.
    """
    return _read(folder)[1]


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
    return str(_read(folder)[0]["digest"])


def _read(folder: Path) -> tuple[dict[str, Any], ModelCard]:
    """What ``model.yaml`` says, and the card that it holds, when it is what was written."""
    if not (folder / CARD).exists():
        check_complete(folder)
    content = read_content(folder / CARD)
    return content, verified_card(folder / CARD, content)


def _check_files(folder: Path, content: Mapping[str, Any]) -> None:
    """Check that the other files are those that the card was written with."""
    for key, name in DIGESTS.items():
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
    if is_own(card.architecture) and own_digest(card.architecture) != content.get(CODE_DIGEST):
        raise RarebeatError(
            f"{folder}: the file of {card.architecture} is not the one that was trained: train again, or restore it"
        )
