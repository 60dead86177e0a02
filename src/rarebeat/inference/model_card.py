"""The card of a model: all that its folder says of it in words and single numbers, and its file, ``model.yaml``.

The file has a digest over all that it says, so that nothing in it can change unnoticed.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

import yaml
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.core.params import STRICT, parse
from rarebeat.core.signals import Preprocessing, output_units
from rarebeat.core.yaml_text import load_yaml
from rarebeat.dataset.windows import WHOLE, WindowSettings
from rarebeat.metrics.certainty import Certainty
from rarebeat.models.registry import uses_person

_CLASS_ID = re.compile(r"[a-z0-9_]+")
_NEVER = (
    1 + 2**-23
)  # a threshold that float32 probabilities of 1 do not reach: how a rule says "never call it"
_RESERVED = ("error", "warning")  # columns of the served model's answer

CARD = "model.yaml"
FORMAT = 3

DIGESTS = {
    "weights_digest": "weights.safetensors",
    "novelty_digest": "novelty.safetensors",
    "scores_digest": "scores.safetensors",
}
"""Keys of ``model.yaml`` beside those of the card: of the digest of another file of the model folder, and that file."""

CODE_DIGEST = "network_digest"
"""Key of ``model.yaml``: of the digest of the file of a network of one's own."""

_OWN_KEYS = ("format", "digest")  # the digest is over all other keys
# Keys that are left out where empty.
_OPTIONAL = ("offsets", "origin", "adapted", "certainty", "trained_certainty")


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
        adapted: what a model was adapted on by ``rarebeat adapt``, for people to read.
        certainty: calibration and conformal limits; None for a model that was trained before there were such.
        trained_certainty: what ``certainty`` was before the model was adapted; None where it was not, and where an
            earlier version has adapted it.
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
    adapted: dict[str, Any] = field(default_factory=dict)
    certainty: Certainty | None = None
    trained_certainty: Certainty | None = None

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
        certain, trained = (
            {} if one is None else one.classes for one in (self.certainty, self.trained_certainty)
        )
        named: dict[str, Mapping[str, Any]] = {"codes": self.codes, "offsets": self.offsets}
        named |= {"certainty": certain, "trained_certainty": trained}
        for name, entries in named.items():
            if stray := set(entries) - set(self.classes):
                raise ValueError(f"{name} must name classes of the model, found {', '.join(sorted(stray))}")


def read_content(path: Path) -> dict[str, Any]:
    """Read what ``model.yaml`` says, unchecked but for its format.

    Raises:
        RarebeatError: when there is no such file, or of another format.
    """
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


def parse_card(path: Path, content: Mapping[str, Any]) -> ModelCard:
    """The card that a file holds.

    Args:
        path: of the file, for messages.
        content: of :func:`read_content`.

    Raises:
        ParamsError: naming every key that no model can have.
    """
    facts = {key: value for key, value in content.items() if key not in (*_OWN_KEYS, CODE_DIGEST, *DIGESTS)}
    return parse(ModelCard, facts, str(path))


def verified_card(path: Path, content: Mapping[str, Any]) -> ModelCard:
    """The card that a file holds, when it is what was written.

    Args:
        path: of the file, for messages.
        content: of :func:`read_content`.

    Raises:
        ParamsError: as :func:`parse_card`.
        RarebeatError: when the file was changed.
    """
    card = parse_card(path, content)
    if content.get("digest") != _digest(content):
        raise RarebeatError(
            f"{path} was changed after it was written: copy the folder anew, or accept the change with "
            "rarebeat.inference.model_folder.sign_model(folder)"
        )
    return card


def card_facts(card: ModelCard) -> dict[str, Any]:
    """What a card says, as YAML has it."""
    return {key: value for key, value in _plain(asdict(card)).items() if value or key not in _OPTIONAL}


def write_content(path: Path, facts: Mapping[str, Any]) -> None:
    """Write ``model.yaml`` with its format and its digest, whole or not at all.

    Args:
        path: of the file.
        facts: of the card, and digests; format and digest of an earlier file are passed over.

    Raises:
        RarebeatError: when it cannot be written.
    """
    rest = {key: value for key, value in facts.items() if key not in _OWN_KEYS}
    content = {"format": FORMAT, "digest": _digest(rest), **rest}
    with atomic(path) as temporary:
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        temporary.write_text(text, encoding="utf-8")


def _digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of all that a card says, the digest of the weights included, however its YAML is laid out."""
    facts = {key: value for key, value in content.items() if key not in _OWN_KEYS}
    return hashlib.sha256(json.dumps(_plain(facts), sort_keys=True, default=str).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Tuples as lists: YAML has no other."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
