"""The xresnet1d101 of Strodthoff et al. 2020 (arXiv 2004.13701), which benchmarks on PTB-XL compare with.

Their code is https://github.com/helme/ecg_ptbxl_benchmarking. A ResNet-101 with the changes of He et al. 2018
(arXiv 1812.01187): a stem of three convolutions, the stride in a block's middle convolution, average pooling
in the shortcut, and a last batch norm that begins at zero, so that a block begins as its shortcut. Unlike
their model for images, no stage has more channels than another; 1,880,775 parameters with 71 classes.
"""

from typing import Annotated

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from rarebeat.core.context import UNKNOWN, Context
from rarebeat.core.params import STRICT
from rarebeat.core.records import LEADS
from rarebeat.models.layers import Heads, Standardise, TwoStepNetwork, centred_conv, he_normal

BLOCKS_PER_STAGE = (3, 4, 23, 3)
KERNEL = 5
EXPANSION = 4
HIDDEN = 128


@dataclass(frozen=True, config=STRICT)
class XResNet1d101Settings:
    """What may vary in the network.

    Attributes:
        width: channels of the stem's last convolution and inside the blocks; four times as many leave them.
        dropout: share of features dropped before the heads; half of it before the hidden layer.
    """

    width: Annotated[int, Field(ge=2, le=4096)] = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5


class Block(nn.Module):
    """A bottleneck of three convolutions beside a shortcut."""

    def __init__(self, inputs: int, inner: int, stride: int) -> None:
        super().__init__()
        outputs = inner * EXPANSION
        shortcut: list[nn.Module] = []
        if stride != 1:
            shortcut.append(nn.AvgPool2d((1, 2), ceil_mode=True))
        if inputs != outputs:
            shortcut += [centred_conv(inputs, outputs, 1), nn.BatchNorm2d(outputs)]
        self.shortcut = nn.Sequential(*shortcut)
        self.residual = nn.Sequential(
            *unit(inputs, inner, 1),
            *unit(inner, inner, KERNEL, stride),
            centred_conv(inner, outputs, 1),
        )
        self.norm = nn.BatchNorm2d(outputs)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, 1, time) to (batch, 4 inner, 1, ceil(time / stride))."""
        total: Tensor = self.norm(self.residual(x)) + self.shortcut(x)
        return total.relu_()


class XResNet1d101(TwoStepNetwork):
    """The network: standardise, trunk, largest value and mean over time, one hidden layer, heads.

    Args:
        classes: number of classes.
        samples: samples per lead; any number will do.
        settings: see :class:`XResNet1d101Settings`.
    """

    def __init__(self, classes: int, samples: int, settings: XResNet1d101Settings) -> None:
        super().__init__()
        width = settings.width
        layers: list[nn.Module] = [
            *unit(len(LEADS), width // 2, KERNEL, stride=2),
            *unit(width // 2, width // 2, KERNEL),
            *unit(width // 2, width, KERNEL),
            nn.MaxPool2d((1, 3), (1, 2), (0, 1)),
        ]
        channels = width
        for stage, blocks in enumerate(BLOCKS_PER_STAGE):
            for block in range(blocks):
                layers.append(Block(channels, width, stride=2 if stage and not block else 1))
                channels = width * EXPANSION
        self.standardise = Standardise()
        self.trunk = nn.Sequential(*layers)
        self.hidden = nn.Sequential(
            nn.BatchNorm1d(2 * channels),
            nn.Dropout(settings.dropout / 2),
            nn.Linear(2 * channels, HIDDEN),
            nn.ReLU(inplace=True),
            nn.BatchNorm1d(HIDDEN),
            nn.Dropout(settings.dropout),
        )
        self.heads = Heads(HIDDEN, classes)
        he_normal(self)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, x: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn signals of shape (batch, 12, samples) into the largest value and the mean of each channel.

        Their shape is (batch, 2 channels); no context is used.
        """
        found = self.trunk(self.standardise(x))
        return torch.cat([found.amax(dim=(2, 3)), found.mean(dim=(2, 3))], dim=1)

    def classify(self, features: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn features into logits of shape (batch, classes); no context is used."""
        logits: Tensor = self.heads(self.hidden(features))
        return logits


def unit(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """Convolution, batch norm and ReLU."""
    return [centred_conv(inputs, outputs, kernel, stride), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
