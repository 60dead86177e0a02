"""The card of a model: all that its folder says of it in words and single numbers."""

import math
import re
from dataclasses import field
from typing import Any

from pydantic.dataclasses import dataclass

from rarebeat.core.params import STRICT
from rarebeat.core.signals import Preprocessing, output_units
from rarebeat.dataset.windows import WHOLE, WindowSettings
from rarebeat.metrics.certainty import Certainty
from rarebeat.models.registry import uses_person

_CLASS_ID = re.compile(r"[a-z0-9_]+")
_NEVER = (
    1 + 2**-23
)  # a threshold that float32 probabilities of 1 do not reach: how a rule says "never call it"
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
        adapted: what a model was adapted on by ``rarebeat adapt``, for people to read.
        certainty: calibration and conformal limits; None for a model that was trained before there were such.
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
        certain = {} if self.certainty is None else self.certainty.classes
        for name, entries in (("codes", self.codes), ("offsets", self.offsets), ("certainty", certain)):
            if stray := set(entries) - set(self.classes):
                raise ValueError(f"{name} must name classes of the model, found {', '.join(sorted(stray))}")
