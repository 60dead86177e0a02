"""The 34-layer residual network of Hughes et al. 2018 (arXiv 1812.00497), after Rajpurkar et al. 2017.

One convolution, sixteen pre-activation blocks of two convolutions (He et al. 2016, arXiv 1603.05027), one
dense layer. Every second block halves the time axis, rounding up: 2500, 1250, 625, 313, 157, 79, 40, 20,
10. Every fourth block adds channels; shortcuts carry them as zeros. The text of the paper contradicts
itself on the channels ("64, times two every eight layers", yet 256 at the end). Both readings that end at
256 are offered:

- A (default): 64, 128, 192, 256, as the text of Rajpurkar et al. says; 15,228,120 parameters with 24 classes;
- B: ``width=32, growth="double"``: 32, 64, 128, 256, as their code does; 10,532,216 parameters.
"""

from typing import Annotated, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from rarebeat.core.context import UNKNOWN, Context
from rarebeat.core.params import STRICT
from rarebeat.core.records import LEADS
from rarebeat.models.layers import Halve, Heads, SameConv, Standardise, TwoStepNetwork, he_normal

BLOCKS = 16
BLOCKS_PER_WIDTH = 4
BLOCKS_PER_HALVING = 2

Positive = Annotated[int, Field(ge=1, le=4096)]


@dataclass(frozen=True, config=STRICT)
class Hughes34Settings:
    """What may vary in the network.

    Attributes:
        width: channels of the first blocks.
        growth: "linear" (width times 1, 2, 3, 4) or "double" (width times 1, 2, 4, 8).
        kernel: taps of every convolution.
        dropout: share of activations dropped between the two convolutions of a block. The paper
            mentions none; Rajpurkar et al. use 0.2, which costs a fifth of the speed on a CPU.
        pool: "stride" (the first convolution of a halving block skips every second sample, and its
            shortcut is max-pooled, as Rajpurkar et al. do) or "max" (max-pooling after each group of
            four convolutions, as the paper words it: a third more arithmetic, the same parameters).
    """

    width: Positive = 64
    growth: Literal["linear", "double"] = "linear"
    kernel: Positive = 16
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    pool: Literal["stride", "max"] = "stride"

    def channels(self, block: int) -> int:
        """Channels that a block puts out.

        Args:
            block: counted from zero.

        Returns:
            Their number.

        Example:
            >>> [Hughes34Settings().channels(block) for block in (0, 4, 15)]
            [64, 128, 256]
        """
        step = block // BLOCKS_PER_WIDTH
        return self.width * (1 + step if self.growth == "linear" else 2**step)


class Block(nn.Module):
    """Two convolutions beside a shortcut, each after batch norm and ReLU.

    The first block begins with its convolution: the stem has just done the batch norm and the ReLU.
    """

    def __init__(
        self, inputs: int, outputs: int, settings: Hughes34Settings, halve: bool, first: bool
    ) -> None:
        super().__init__()
        self.new_channels = outputs - inputs
        self.shortcut = Halve() if halve else nn.Identity()
        self.residual = nn.Sequential(
            *([] if first else activation(inputs)),
            SameConv(inputs, outputs, settings.kernel, stride=2 if halve else 1),
            *activation(outputs),
            *([nn.Dropout(settings.dropout)] if settings.dropout else []),
            SameConv(outputs, outputs, settings.kernel),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, 1, time) to (batch, outputs, 1, time), time halved where the block halves."""
        shortcut = self.shortcut(x)
        if self.new_channels:
            shortcut = functional.pad(shortcut, (0, 0, 0, 0, 0, self.new_channels))
        total: Tensor = self.residual(x).add_(shortcut)  # in place: no other step needs the residual
        return total


class Hughes34(TwoStepNetwork):
    """The network: standardise, trunk, heads.

    Args:
        classes: number of classes.
        samples: samples per lead.
        settings: see :class:`Hughes34Settings`.
    """

    def __init__(self, classes: int, samples: int, settings: Hughes34Settings) -> None:
        super().__init__()
        channels = settings.channels(0)
        layers: list[nn.Module] = [SameConv(len(LEADS), channels, settings.kernel), *activation(channels)]
        for block in range(BLOCKS):
            inputs, channels = channels, settings.channels(block)
            halve = block % BLOCKS_PER_HALVING == BLOCKS_PER_HALVING - 1
            strided = halve and settings.pool == "stride"
            layers.append(Block(inputs, channels, settings, halve=strided, first=block == 0))
            if halve:
                samples = -(-samples // 2)
                if not strided:
                    layers.append(Halve())
        self.standardise = Standardise()
        self.trunk = nn.Sequential(*layers, *activation(channels))
        self.heads = Heads(channels * samples, classes)
        he_normal(self)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, x: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn signals of shape (batch, 12, samples) into (batch, channels, 1, time); no context is used."""
        features: Tensor = self.trunk(self.standardise(x))
        return features

    def classify(self, features: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn features into logits of shape (batch, classes); no context is used."""
        logits: Tensor = self.heads(features)
        return logits


def activation(channels: int) -> list[nn.Module]:
    """Batch norm and ReLU."""
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
