"""The squeeze-and-excitation network of Zhao et al. 2020 (Computing in Cardiology, doi 10.22489/CinC.2020.112).

Their code is https://github.com/ZhaoZhibin/Physionet2020model. A ResNet-18 (He et al. 2015, arXiv 1512.03385)
with kernels of 7 samples, 15 in the stem, whose every block weighs its channels (Hu et al. 2018, arXiv
1709.01507). Age and sex join the averaged features before the heads; 8,837,060 parameters with 24 classes.

Two things differ from that code. Its flag for an unknown age is never set; here it is. The title promises
"adaptive lead weighted", but the code only weighs channels behind the stem; ``lead_gate`` adds weights for
the twelve leads themselves.
"""

from typing import Annotated

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from rarebeat.core.context import FEMALE, MALE, UNKNOWN, UNKNOWN_SEX, Context
from rarebeat.core.params import STRICT
from rarebeat.core.records import LEADS
from rarebeat.models.layers import Heads, Standardise, TwoStepNetwork, centred_conv, he_normal

STAGES = 4
BLOCKS_PER_STAGE = 2
STEM_KERNEL = 15
KERNEL = 7
REDUCTION = 16
PERSON = 5
PERSON_FEATURES = 10


@dataclass(frozen=True, config=STRICT)
class SEResNetSettings:
    """What may vary in the network.

    Attributes:
        width: channels of the stem and the first stage; each later stage has twice as many as the one before.
        dropout: share of activations dropped between the two convolutions of a block.
        lead_gate: whether a recording's leads are weighted at the entrance. Not in the paper's code; 312
            parameters more.
        person: whether age and sex are used, as in the paper. Where training records always have them and
            others do not, ``train.augment.hide_person`` teaches the network to do without.
    """

    width: Annotated[int, Field(ge=1, le=4096)] = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    lead_gate: bool = False
    person: bool = True


class LeadGate(nn.Module):
    """Weights between 0 and 2 for the leads of each recording, from the mean absolute value of every lead.

    All are 1 before the training.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(len(LEADS), len(LEADS))
        self.output = nn.Linear(len(LEADS), len(LEADS))
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def weights(self, x: Tensor) -> Tensor:
        """The weights, shape (batch, 12), for signals of shape (batch, 12, 1, time)."""
        sizes = x.abs().mean(dim=(2, 3))
        weights: Tensor = 2 * self.output(self.hidden(sizes).relu()).sigmoid()
        return weights

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the leads of (batch, 12, 1, time)."""
        return x * self.weights(x)[:, :, None, None]


class SqueezeExcite(nn.Module):
    """Weights between 0 and 1 for the channels of each recording, from their means over time."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // REDUCTION)
        self.gate = nn.Sequential(
            nn.Linear(channels, hidden, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the channels of (batch, channels, 1, time)."""
        weights: Tensor = self.gate(x.mean(dim=(2, 3)))
        return x * weights[:, :, None, None]


class Block(nn.Module):
    """Two convolutions and a squeeze-and-excitation beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.shortcut = nn.Sequential()
        if stride != 1:
            self.shortcut.extend([centred_conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)])
        self.residual = nn.Sequential(
            centred_conv(inputs, outputs, KERNEL, stride),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            centred_conv(outputs, outputs, KERNEL),
            nn.BatchNorm2d(outputs),
            SqueezeExcite(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, 1, time) to (batch, outputs, 1, ceil(time / stride))."""
        total: Tensor = self.residual(x) + self.shortcut(x)
        return total.relu_()


class SEResNet(TwoStepNetwork):
    """The network: standardise, lead gate where wanted, trunk, mean over time beside age and sex, heads.

    Args:
        classes: number of classes.
        samples: samples per lead; any number will do.
        settings: see :class:`SEResNetSettings`.
    """

    def __init__(self, classes: int, samples: int, settings: SEResNetSettings) -> None:
        super().__init__()
        channels = settings.width
        layers: list[nn.Module] = [
            centred_conv(len(LEADS), channels, STEM_KERNEL, stride=2),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.MaxPool2d((1, 3), (1, 2), (0, 1)),
        ]
        for block in range(STAGES * BLOCKS_PER_STAGE):
            stage, later = divmod(block, BLOCKS_PER_STAGE)
            inputs, channels = channels, settings.width * 2**stage
            stride = 1 if stage == 0 or later else 2
            layers.append(Block(inputs, channels, stride, settings.dropout))
        self.standardise = Standardise()
        self.lead_gate = LeadGate() if settings.lead_gate else nn.Identity()
        self.trunk = nn.Sequential(*layers)
        self.person = nn.Linear(PERSON, PERSON_FEATURES) if settings.person else None
        self.heads = Heads(channels + (PERSON_FEATURES if settings.person else 0), classes)
        he_normal(self, "fan_out")
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, x: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn signals of shape (batch, 12, samples) into the mean of each channel, (batch, channels).

        The lengths of the context are not used: as in the paper, padding counts as signal.
        """
        means: Tensor = self.trunk(self.lead_gate(self.standardise(x))).mean(dim=(2, 3))
        return means

    def classify(self, features: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn features, and age and sex of the context, into logits of shape (batch, classes)."""
        if self.person is not None:
            person = self.person(person_vector(context, features))
            features = torch.cat([person, features], dim=1)
        logits: Tensor = self.heads(features)
        return logits


def person_vector(context: Context, like: Tensor) -> Tensor:
    """Age and sex as numbers.

    Args:
        context: of the batch.
        like: shape (batch, ...); gives device and type.

    Returns:
        Shape (batch, 5): age / 100 (0 where unknown), age unknown, female, male, sex known.
    """
    age, sex = context.age, context.sex
    if age is None:
        age = like.new_full(like.shape[:1], torch.nan)
    if sex is None:
        sex = like.new_full(like.shape[:1], UNKNOWN_SEX)
    columns = [age.nan_to_num() / 100, age.isnan(), sex == FEMALE, sex == MALE, sex != UNKNOWN_SEX]
    return torch.stack([column.to(like.dtype) for column in columns], dim=1)
