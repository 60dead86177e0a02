"""The model folder: all that prediction needs, and nothing that could run code.

It holds ``weights.safetensors``, and ``model.yaml`` with everything else: architecture, classes, thresholds,
preprocessing, where the model comes from, and the digest of the weights.
"""

from collections.abc import Mapping
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic.dataclasses import dataclass
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import atomic, check_replaceable, digest
from rarebeat.core.params import STRICT, parse
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.windows import WHOLE, WindowSettings
from rarebeat.models.registry import build

WEIGHTS = "weights.safetensors"
CARD = "model.yaml"
FORMAT = 1


@dataclass(frozen=True, config=STRICT)
class ModelCard:
    """What a model is.

    Attributes:
        architecture: a network of :mod:`rarebeat.models.registry`.
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

    def __post_init__(self) -> None:
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise ValueError("classes must name at least one class, each once")
        if set(self.thresholds) != set(self.classes):
            raise ValueError("thresholds must hold one number for each class and no other")


def save_model(folder: Path, module: nn.Module, card: ModelCard) -> None:
    """Write a model folder, whole or not at all; one that is already there is replaced.

    Args:
        folder: to write.
        module: the network.
        card: what it is; ``settings`` and ``training`` must be plain numbers, strings, lists and mappings.

    Raises:
        RarebeatError: when it cannot be written.
    """
    check_replaceable(folder, CARD)
    weights = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    with atomic(folder) as temporary:
        temporary.mkdir()
        save_file(weights, temporary / WEIGHTS)
        content = {"format": FORMAT, "weights_digest": digest(temporary / WEIGHTS)} | _plain(asdict(card))
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        (temporary / CARD).write_text(text, encoding="utf-8")


def load_model(folder: Path, device: str = "cpu") -> tuple[nn.Module, ModelCard]:
    """Read a model folder and verify it.

    Args:
        folder: written by :func:`save_model`.
        device: where to put the network.

    Returns:
        The network, in evaluation mode, and its card.

    Raises:
        RarebeatError: naming all that is missing or damaged.
    """
    missing = [name for name in (CARD, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise RarebeatError(f"{folder} is not a model folder: it lacks {' and '.join(missing)}")
    card, weights_digest = _read(folder)
    if digest(folder / WEIGHTS) != weights_digest:
        raise RarebeatError(
            f"{folder / WEIGHTS} is damaged, or not the file that {CARD} was written with: "
            "copy the folder anew, or train again"
        )
    try:
        samples = card.window.of(card.preprocessing.samples)
        module = build(card.architecture, len(card.classes), samples, card.settings)
        module.load_state_dict(load_file(folder / WEIGHTS))
    except (ParamsError, SafetensorError, RuntimeError) as error:
        raise RarebeatError(
            f"{folder}: the weights do not fit the network that {CARD} describes: {error}"
        ) from error
    return module.to(torch.device(device)).eval(), card


def read_card(folder: Path) -> ModelCard:
    """Read what a model is, without its weights.

    Raises:
        RarebeatError: when there is no card, or it is damaged.
    """
    return _read(folder)[0]


def weights_digest(folder: Path) -> str:
    """What identifies the weights of a model folder."""
    return digest(folder / WEIGHTS)


def _read(folder: Path) -> tuple[ModelCard, str]:
    """The card and the digest of the weights that belong to it."""
    path = folder / CARD
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RarebeatError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RarebeatError(f"{path} is not a model card of format {FORMAT}")
    facts = {key: value for key, value in content.items() if key not in ("format", "weights_digest")}
    return parse(ModelCard, facts, str(path)), str(content.get("weights_digest"))


def _plain(value: Any) -> Any:
    """Tuples as lists: YAML has no other."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
