"""The group ``search`` of the params file, and how values that are tried stand in the params."""

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import STRICT, Seed, changed_params, group
from rarebeat.training.settings import ModelSettings

Value = bool | int | float | str
"""What a search may try."""


@dataclass(frozen=True, config=STRICT)
class Dimension:
    """The values that one param may take: those of a range, or those of a list.

    Attributes:
        low: lowest value of a range.
        high: highest value.
        log: whether a range is searched by ratios.
        whole: whether its values are whole numbers.
        choices: instead of a range.
    """

    low: float | None = None
    high: float | None = None
    log: bool = False
    whole: bool = False
    choices: tuple[Value, ...] = ()

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "Dimension":
        if self.choices and (self.low, self.high) == (None, None):
            return self
        if self.choices or self.low is None or self.high is None or not self.low < self.high:
            raise ValueError("a dimension has low and high, low being the smaller one, or choices")
        if self.whole and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError("a range of whole numbers begins and ends with one")
        if self.log and self.low <= 0:
            raise ValueError("a range that is searched by ratios begins above 0")
        return self

    @property
    def ends(self) -> tuple[Value, ...]:
        """The values that must be possible if all are to be."""
        if self.choices:
            return self.choices
        assert self.low is not None
        assert self.high is not None
        return (int(self.low), int(self.high)) if self.whole else (self.low, self.high)


@dataclass(frozen=True, config=STRICT)
class SearchSettings:
    """What is searched.

    Attributes:
        space: dotted name of a param (of ``train`` or ``model``) to the values that it may take.
        least_sensitivity: the floor of the macro sensitivity.
        at_least: classes with fewer positive patients in the validation split do not count.
        random: trials before the first one that learns from the others.
        seed: of the proposals.
    """

    space: dict[str, Dimension] = field(default_factory=dict, hash=False)
    least_sensitivity: Annotated[float, Field(ge=0, le=1)] = 0.8
    at_least: Annotated[int, Field(ge=1)] = 10
    random: Annotated[int, Field(ge=1)] = 8
    seed: Seed = 0

    @model_validator(mode="after")
    def _varies_what_a_training_reads(self) -> "SearchSettings":
        if strange := [name for name in self.space if name.split(".")[0] not in ("train", "model")]:
            raise ValueError(f"space may vary params of train and model, not {', '.join(strange)}")
        return self


_DIGITS = 4  # of a value that is tried: enough, and short on a command line


def read_search(content: Mapping[str, Any]) -> SearchSettings:
    """Read the group ``search`` of the params.

    Args:
        content: the params.

    Returns:
        The settings; their space holds no params of other networks than the one that is trained.

    Raises:
        ParamsError: for a group that cannot be used, or has nothing to vary.
    """
    settings = group(content, "search", SearchSettings)
    own = f"model.{group(content, 'model', ModelSettings).name}."
    space = {
        name: one
        for name, one in settings.space.items()
        if not name.startswith("model.") or name.startswith(own)
    }
    if not space:
        raise ParamsError(f"search.space names no param of train or of {own.rstrip('.')}")
    return replace(settings, space=space)


def value_of(content: Mapping[str, Any], name: str) -> Any:
    """What the params say under a dotted name.

    Raises:
        ParamsError: where they say nothing.
    """
    found: Any = content
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise ParamsError(f"the params have no {name}")
        found = found[part]
    return found


def short_value(value: Value, dimension: Dimension) -> Value:
    """A value with four digits, as it stands on a command line; a choice, and an end of a range, with all it has.

    Args:
        value: what was proposed.
        dimension: where it is from.

    Returns:
        What is tried, which lies in the dimension, too.

    Example:
        >>> short_value(0.00123456, Dimension(low=0.0, high=1.0)), short_value(16, Dimension(choices=(8, 16)))
        (0.001235, 16)
    """
    if dimension.choices or not isinstance(value, float):
        return value
    low, high = map(float, dimension.ends)
    return min(max(float(f"{value:.{_DIGITS}g}"), low), high)


def override_text(name: str, value: Value) -> str:
    """``key=value`` for ``--set`` and for ``-S`` of DVC.

    Example:
        >>> override_text("train.l2", 0.00001), override_text("train.augment.gain", 2.0), override_text("model.x", True)
        ('train.l2=0.00001', 'train.augment.gain=2.0', 'model.x=true')
    """
    if isinstance(value, bool):
        return f"{name}={str(value).lower()}"
    text = np.format_float_positional(value, trim="0") if isinstance(value, float) else str(value)
    return f"{name}={text}"


def with_values(content: Mapping[str, Any], values: Mapping[str, Value]) -> dict[str, Any]:
    """The params with what a trial tries."""
    return changed_params(content, [override_text(*item) for item in values.items()])
