"""The DenseNet-121 in one dimension that Avetisyan et al. 2023 trained on large sets and fine-tuned on small ones.

Their public library is https://github.com/ispras/EcgLib. Huang et al. 2017 (arXiv 1608.06993) with kernels along time:
a stem (7 taps, stride 2, max-pooling by 2), four dense blocks of 6, 12, 24 and 16 layers whose every layer adds 32
channels to all that came before it, and between them transitions that halve channels and time. Unlike those of Huang et
al., convolutions have biases. 5,535,681 parameters with one head.
"""

from typing import Annotated

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from rarebeat.core.context import UNKNOWN, Context
from rarebeat.core.params import STRICT
from rarebeat.core.records import LEADS
from rarebeat.models.layers import Heads, Standardise, TwoStepNetwork, centred_conv, he_normal, pooled

LAYERS_PER_BLOCK = (6, 12, 24, 16)
STEM = 7
KERNEL = 3
BOTTLENECK = 4


@dataclass(frozen=True, config=STRICT)
class DenseNet1d121Settings:
    """What may vary in the network.

    Attributes:
        width: channels that a layer adds to those before it; the stem has twice as many.
        dropout: share of the channels that a layer adds that is dropped.
    """

    width: Annotated[int, Field(ge=1, le=4096)] = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class DenseLayer(nn.Module):
    """A layer of a dense block: a bottleneck of one tap, a convolution of three, both behind batch norm and ReLU."""

    def __init__(self, inputs: int, settings: DenseNet1d121Settings) -> None:
        super().__init__()
        inner = BOTTLENECK * settings.width
        self.added = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            centred_conv(inputs, inner, 1, bias=True),
            nn.BatchNorm2d(inner),
            nn.ReLU(inplace=True),
            centred_conv(inner, settings.width, KERNEL, bias=True),
            nn.Dropout(settings.dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, 1, time) to (batch, inputs + width, 1, time)."""
        return torch.cat([x, self.added(x)], dim=1)


class DenseNet1d121(TwoStepNetwork):
    """The network: standardise, stem, dense blocks and transitions, mean over time, heads.

    Args:
        classes: number of classes.
        samples: samples per lead; 32 or more.
        settings: see :class:`DenseNet1d121Settings`.
    """

    def __init__(self, classes: int, samples: int, settings: DenseNet1d121Settings) -> None:
        super().__init__()
        channels = 2 * settings.width
        layers: list[nn.Module] = [
            centred_conv(len(LEADS), channels, STEM, stride=2, bias=True),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.MaxPool2d((1, 3), (1, 2), (0, 1)),
        ]
        for block, count in enumerate(LAYERS_PER_BLOCK):
            if block:
                layers += transition(channels)
                channels //= 2
            layers += [DenseLayer(channels + layer * settings.width, settings) for layer in range(count)]
            channels += count * settings.width
        self.standardise = Standardise()
        self.trunk = nn.Sequential(*layers, nn.BatchNorm2d(channels))
        self.heads = Heads(channels, classes)
        he_normal(self)
        nn.init.zeros_(self.heads.regressions.bias)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, x: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn signals of shape (batch, 12, samples) into the mean of each channel, shape (batch, channels).

        No context is used.
        """
        return pooled(functional.relu(self.trunk(self.standardise(x))))

    def classify(self, features: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn features into logits of shape (batch, classes); no context is used."""
        logits: Tensor = self.heads(features)
        return logits


def transition(channels: int) -> list[nn.Module]:
    """What stands between two dense blocks: half of the channels, and half of the time."""
    return [
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        centred_conv(channels, channels // 2, 1, bias=True),
        nn.AvgPool2d((1, 2)),
    ]
