"""The network with global skips of Vicar et al. 2020 (Computing in Cardiology, doi 10.22489/CinC.2020.189).

The team is BUTTeam, its code https://github.com/tomasvicar/BUTTeam. Six levels of three convolutions, each
level at half the rate of the one before. What leaves a level is what its first and its last convolution
found, and beside it the averaged features of the stem: the global skip. The largest value over time of each
feature goes to the heads, so recordings may have any length; 2,665,464 parameters with 24 classes.

The published code looks for the end of a recording at length / 32 in a map at 1 / 64 of the rate. Recordings
of 10 s are thus not masked at all, and the answer depends on the padding; 922 zeros behind every recording
weaken that. Here a recording's padding is masked in every layer, so that it has no effect, also on the
statistics of batch norm, and nothing is appended.
"""

from typing import Annotated

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from rarebeat.core.context import UNKNOWN, Context
from rarebeat.core.errors import ParamsError
from rarebeat.core.params import STRICT
from rarebeat.core.records import LEADS
from rarebeat.models.layers import (
    Heads,
    MaskedBatchNorm,
    SameConv,
    Standardise,
    TwoStepNetwork,
    he_normal,
    inside,
)

LEVELS = 6
KERNEL = 7
SHRINKAGE = 2**LEVELS
"""Samples per value of the last feature map. What is left over at the end does not reach it."""


@dataclass(frozen=True, config=STRICT)
class GlobalSkipSettings:
    """What may vary in the network.

    Attributes:
        width: channels of the stem and the first level; level n has n times as many. The authors submitted 30
            and tried 48.
    """

    width: Annotated[int, Field(ge=1, le=4096)] = 30


class Unit(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = SameConv(inputs, outputs, KERNEL)
        self.norm = MaskedBatchNorm(outputs)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (batch, inputs, 1, time) to (batch, outputs, 1, time), zero outside the mask."""
        return functional.relu(self.norm(self.convolution(x), mask), inplace=True)


class Level(nn.Module):
    """Three units at one rate."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = Unit(inputs, outputs)
        self.second = Unit(outputs, outputs)
        self.third = Unit(outputs, outputs)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (batch, inputs, 1, time) to (batch, 2 outputs, 1, time): the last unit's output, then the first's."""
        first = self.first(x, mask)
        third = self.third(self.second(first, mask), mask)
        return torch.cat([third, first], dim=1)


class GlobalSkip(TwoStepNetwork):
    """The network: standardise, stem, levels, one more unit, the largest value over time, heads.

    Args:
        classes: number of classes.
        samples: samples per lead, at least 64.
        settings: see :class:`GlobalSkipSettings`.

    Raises:
        ParamsError: for fewer samples.
    """

    def __init__(self, classes: int, samples: int, settings: GlobalSkipSettings) -> None:
        super().__init__()
        if samples < SHRINKAGE:
            raise ParamsError(
                f"network global_skip needs {SHRINKAGE} samples per lead or more, found {samples}"
            )
        inputs = width = settings.width
        self.standardise = Standardise()
        self.stem = Unit(len(LEADS), width)
        self.levels = nn.ModuleList()
        for level in range(1, LEVELS + 1):
            self.levels.append(Level(inputs, level * width))
            inputs = 2 * level * width + width
        self.last = Unit(inputs, LEVELS * width)
        self.heads = Heads(LEVELS * width, classes)
        he_normal(self)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, x: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn signals of shape (batch, 12, samples) into the largest value of each channel, (batch, channels).

        The lengths of the context are used: logits, gradients and statistics of batch norm are those of the
        recordings without their padding. One of fewer than 64 samples gets the biases of the heads.
        """
        lengths = context.lengths
        x, mask = _cut(self.standardise(x), lengths)
        x = stem = self.stem(x, mask)
        for number, level in enumerate(self.levels):
            skip = functional.avg_pool2d(stem, (1, 2**number))
            x = functional.max_pool2d(torch.cat([skip, level(x, mask)], dim=1), (1, 2))
            lengths = None if lengths is None else lengths // 2
            x, mask = _cut(x, lengths)
        # None is negative: the zeros of the padding do not win.
        largest: Tensor = self.last(x, mask).amax(dim=(2, 3))
        return largest

    def classify(self, features: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn features into logits of shape (batch, classes); no context is used."""
        logits: Tensor = self.heads(features)
        return logits


def _cut(x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The features with zeros from each recording's length on, and the mask that says where."""
    if lengths is None:
        return x, None
    mask = inside(lengths, x.shape[-1])
    return x * mask[:, None], mask
