"""The model folder: all that prediction needs, and nothing that could run code.

It holds ``weights.safetensors``, ``novelty.safetensors`` (what the training data looked like, see
:mod:`rarebeat.inference.novelty`), and ``model.yaml`` with everything else: architecture, classes, thresholds,
preprocessing, where the model comes from, the digests of the other files, and a digest over all of that. So nothing in
the folder can change unnoticed. Of a network of one's own (:mod:`rarebeat.models.own`) it says the digest of its code,
which lies elsewhere. Who means to change ``model.yaml`` by hand (another threshold, say) calls
:func:`sign_model` after it.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic.dataclasses import dataclass
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save as save_arrays
from safetensors.torch import load_file, save
from torch import nn

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import atomic, check_replaceable, digest
from rarebeat.core.params import STRICT, parse
from rarebeat.core.signals import Preprocessing, output_units
from rarebeat.core.yaml_text import load_yaml
from rarebeat.dataset.windows import WHOLE, WindowSettings
from rarebeat.inference.novelty import Detector, from_arrays, to_arrays
from rarebeat.models.layers import heads_of
from rarebeat.models.own import is_own, own_digest
from rarebeat.models.registry import build, uses_person

WEIGHTS = "weights.safetensors"
NOVELTY = "novelty.safetensors"
CARD = "model.yaml"
FORMAT = 3

_CLASS_ID = re.compile(r"[a-z0-9_]+")
_OWN_KEYS = ("format", "digest")  # of model.yaml: the digest is over all other keys
_CODE_DIGEST = "network_digest"  # key of model.yaml: of the file of a network of one's own
_DIGESTS = {"weights_digest": WEIGHTS, "novelty_digest": NOVELTY}  # keys of model.yaml, each for another file
_NEVER = (
    1 + 2**-23
)  # a threshold that float32 probabilities of 1 do not reach: how a rule says "never call it"
_OF_ADAPTED = ("offsets", "origin")
_RESERVED = ("error", "warning")  # columns of the served model's answer


@dataclass(frozen=True, config=STRICT)
class ModelCard:
    """What a model is.

    Attributes:
        architecture: a network of :mod:`rarebeat.models.registry`, or one's own, ``my_module:MyNet``.
        settings: of that network.
        classes: class ids, in the order of the network's outputs.
        thresholds: probability from which each class counts as present.
        preprocessing: how a recording becomes the network's input.
        units: of the network's input, "mV" or "z".
        heads: name of the label set.
        cohorts: the cohorts that it learnt from.
        vocabulary: that the class ids belong to.
        codes: class id to its short code in the vocabulary.
        window: what of a recording the network sees at a time.
        training: how it was trained, for people to read.
        offsets: class id to the number that is added to its logits, which adapts a model to another site; none for a
            class that is not named.
        origin: where the weights come from, for people to read: the model that the training started from.
    """

    architecture: str
    settings: dict[str, Any]
    classes: tuple[str, ...]
    thresholds: dict[str, float]
    preprocessing: Preprocessing
    units: str
    heads: str
    cohorts: tuple[str, ...]
    vocabulary: str
    codes: dict[str, str] = field(default_factory=dict)
    window: WindowSettings = WHOLE
    training: dict[str, Any] = field(default_factory=dict)
    offsets: dict[str, float] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)

    @property
    def uses_person(self) -> bool:
        """Whether the network uses age and sex."""
        return uses_person(self.architecture, self.settings)

    def __post_init__(self) -> None:
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise ValueError("classes must name at least one class, each once")
        if set(self.thresholds) != set(self.classes):
            raise ValueError("thresholds must hold one number for each class and no other")
        for name in self.classes:
            if not _CLASS_ID.fullmatch(name) or name in _RESERVED:
                raise ValueError(f"classes: {name!r} is no class id (a-z, 0-9 and _; not error or warning)")
            if not 0 <= self.thresholds[name] <= _NEVER:
                raise ValueError(f"thresholds.{name} must be between 0 and 1, found {self.thresholds[name]}")
        if not math.isfinite(self.preprocessing.rate):
            raise ValueError(f"preprocessing.rate must be finite, found {self.preprocessing.rate}")
        if self.units != (expected := output_units(self.preprocessing)):
            raise ValueError(f"units must be {expected!r}, which preprocessing makes, found {self.units!r}")
        for name, entries in (("codes", self.codes), ("offsets", self.offsets)):
            if stray := set(entries) - set(self.classes):
                raise ValueError(f"{name} must name classes of the model, found {', '.join(sorted(stray))}")


def save_model(folder: Path, module: nn.Module, card: ModelCard, detector: Detector | None = None) -> None:
    """Write a model folder, whole or not at all; one that is already there is replaced.

    Args:
        folder: to write.
        module: the network.
        card: what it is; ``settings`` and ``training`` must be plain numbers, strings, lists and mappings.
        detector: knows what the training data looked like; without one, no ECG is said to be unlike them.

    Raises:
        RarebeatError: when it cannot be written.
    """
    check_place(folder)
    weights = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    with atomic(folder) as temporary:
        temporary.mkdir()
        (temporary / WEIGHTS).write_bytes(save(weights))  # so that a full disk is an OSError
        if detector is not None:
            (temporary / NOVELTY).write_bytes(save_arrays(to_arrays(detector)))
        digests = {
            key: digest(temporary / name) for key, name in _DIGESTS.items() if (temporary / name).is_file()
        }
        if is_own(card.architecture):
            digests[_CODE_DIGEST] = own_digest(card.architecture)
        _write_card(temporary / CARD, digests | _facts(card))


def _facts(card: ModelCard) -> dict[str, Any]:
    """What a card says; what only adapted models have is left out of the others'."""
    facts: dict[str, Any] = _plain(asdict(card))
    return {key: value for key, value in facts.items() if value or key not in _OF_ADAPTED}


def check_place(folder: Path) -> None:
    """Make sure that a model can be written to a folder, before hours of training.

    Args:
        folder: to write; an earlier model may be there.

    Raises:
        RarebeatError: when it holds something else.
    """
    check_replaceable(folder, CARD, [WEIGHTS, NOVELTY])


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
    content = _read_content(folder / CARD)
    _verified(folder / CARD, content)
    _check_files(folder, content)
    if "novelty_digest" not in content:
        return None
    try:
        return from_arrays(load_arrays(folder / NOVELTY))
    except (SafetensorError, ValueError) as error:
        raise RarebeatError(f"{folder / NOVELTY} is no detector: {error}") from error


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
