"""Layers that networks on ECGs share.

Signals inside a network have the shape (batch, channels, 1, time) in the channels-last memory format.
Two-dimensional convolution with kernels of height one is the same arithmetic as one-dimensional
convolution, but only the former has fast channels-last code, on CPUs as on GPUs.

The road of a signal: standardised at the entrance, convolved and pooled in the trunk (batch norm may be told what is
padding), and judged by the heads at the end.
"""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from rarebeat.core.context import UNKNOWN, Context
from rarebeat.core.errors import ParamsError
from rarebeat.core.records import LEADS
from rarebeat.models.long_kernels import has_avx512, long_convolution, needs_help

MOMENTUM = 0.1
"""How far the running statistics of batch norm move towards those of a batch: PyTorch's own."""


def same_padding(length: int, kernel: int, stride: int) -> tuple[int, int]:
    """The zeros left and right of a signal that make a convolution return ``ceil(length / stride)`` samples.

    An odd total puts its extra zero on the right, as TensorFlow's SAME padding does.

    Args:
        length: samples of the signal.
        kernel: taps.
        stride: in samples.

    Returns:
        Samples to add on the left and on the right.

    Example:
        >>> same_padding(2500, kernel=16, stride=1), same_padding(2500, kernel=16, stride=2)
        ((7, 8), (7, 7))
        >>> same_padding(625, kernel=16, stride=2)
        (7, 8)
    """
    outputs = -(-length // stride)
    total = max((outputs - 1) * stride + kernel - length, 0)
    return total // 2, total - total // 2


class TwoStepNetwork(nn.Module, ABC):
    """A network in two steps: what it finds in a recording, and the logits that this gives."""

    @abstractmethod
    def features(self, x: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn signals of shape (batch, 12, samples) into features of shape (batch, channels, ...).

        They say nothing but what the signals show: age and sex come in later.
        """

    @abstractmethod
    def classify(self, features: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn features into logits of shape (batch, classes)."""

    def forward(self, x: Tensor, context: Context = UNKNOWN) -> Tensor:
        """Turn signals of shape (batch, 12, samples) into logits of shape (batch, classes)."""
        return self.classify(self.features(x, context), context)


def pooled(features: Tensor) -> Tensor:
    """The mean of each channel over time.

    Args:
        features: shape (batch, channels, ...).

    Returns:
        Shape (batch, channels); what has no time axis is returned as it is.

    Example:
        >>> pooled(torch.tensor([[[1.0, 3.0], [5.0, 5.0]]])).tolist()
        [[2.0, 5.0]]
    """
    return features.flatten(2).mean(dim=2) if features.ndim > 2 else features


class SameConv(nn.Conv2d):
    """Convolution along time whose output has ``ceil(time / stride)`` samples, also for even kernels.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: taps.
        stride: along time.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, (1, kernel), (1, stride))

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (batch, channels in, 1, time) to (batch, channels out, 1, ceil(time / stride))."""
        kernel, stride, weight = self.kernel_size[1], self.stride[1], self.weight
        left, right = same_padding(input.shape[-1], kernel, stride)
        on_cpu = input.device.type == "cpu"
        if on_cpu and needs_help(kernel, self.in_channels):
            assert self.bias is not None
            return long_convolution(functional.pad(input, (left, right)), weight, self.bias, stride)
        widest = max(left, right)
        if left != right and on_cpu and has_avx512() and input.shape[-1] > 1:
            # There a tap of zeros takes less time than the copy of the input that zeros on one side alone take. (Of a
            # single sample oneDNN leaves parts of the gradient unwritten, in bf16 with AMX and a stride of 2.)
            weight = functional.pad(weight, (widest - left, widest - right))
        elif left != right:
            input, widest = functional.pad(input, (left, right)), 0
        return functional.conv2d(input, weight, self.bias, self.stride, (0, widest))


def centred_conv(inputs: int, outputs: int, kernel: int, stride: int = 1, bias: bool = False) -> nn.Conv2d:
    """Convolution along time with as many zeros left as right, for odd kernels.

    The output has ``ceil(time / stride)`` samples. Unlike TensorFlow's SAME padding, that of PyTorch's ResNets
    keeps the first output in the middle of its kernel whatever the stride.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: taps, an odd number.
        stride: along time.
        bias: whether there is one; behind a batch norm it would say the same twice.

    Returns:
        The layer, with fresh weights.
    """
    return nn.Conv2d(inputs, outputs, (1, kernel), (1, stride), (0, kernel // 2), bias=bias)


class Halve(nn.Module):
    """Max-pooling by two along time; an odd last sample is a pool of its own (1250, 625, 313, ...)."""

    def forward(self, x: Tensor) -> Tensor:
        """Pool (batch, channels, 1, time) to (batch, channels, 1, ceil(time / 2))."""
        return functional.max_pool2d(x, (1, 2), ceil_mode=True)


class Standardise(nn.Module):
    """The entrance of a network: signals less the mean of their lead, divided by its deviation.

    Mean and deviation are those of the training split. They are buffers: stored with the weights, but not
    trained.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layout = torch.channels_last
        self.register_buffer("mean", torch.zeros(len(LEADS)))
        self.register_buffer("deviation", torch.ones(len(LEADS)))

    def set(self, mean: Tensor, deviation: Tensor) -> None:
        """Take the statistics of the training split.

        Args:
            mean: of each lead, shape (12,), in the unit of the signals.
            deviation: standard deviation of each lead, shape (12,), in the same unit; 0 counts as 1.
        """
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(deviation > 0, deviation, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        """Standardise (batch, 12, time) and return it as (batch, 12, 1, time), in the network's memory format."""
        x = (x - self.mean[:, None]) / self.deviation[:, None]
        return x.unsqueeze(2).to(memory_format=self.layout)


def arrange(network: nn.Module, layout: torch.memory_format) -> None:
    """Put the weights of a network, and the signals at its entrance, into a memory format.

    Args:
        network: begins with a :class:`Standardise`.
        layout: ``torch.channels_last``, in which networks are made, or ``torch.contiguous_format``. The
            arithmetic is the same; which is faster depends on the device and the precision.
    """
    network.to(memory_format=layout)  # type: ignore[call-overload]
    for module in network.modules():
        if isinstance(module, Standardise):
            module.layout = layout


def inside(lengths: Tensor, time: int) -> Tensor:
    """Which samples belong to their recordings.

    Args:
        lengths: shape (batch,), samples of each recording.
        time: samples of the padded signals.

    Returns:
        bool, shape (batch, 1, time).

    Example:
        >>> inside(torch.tensor([1, 3]), time=3).int().tolist()
        [[[1, 0, 0]], [[1, 1, 1]]]
    """
    return torch.arange(time, device=lengths.device) < lengths[:, None, None]


class MaskedBatchNorm(nn.BatchNorm2d):
    """Batch norm whose statistics come from the recordings alone, and which leaves zeros in their padding.

    A recording then meets in its padding what it would meet beyond its end without: the zeros of the next
    convolution.
    """

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalise features.

        Args:
            input: shape (batch, channels, 1, time).
            mask: that of :func:`inside`, or None without padding.

        Returns:
            The same shape and type; zero outside the mask.
        """
        if mask is None:
            return super().forward(input)
        x, within = input.to(self.weight.dtype), mask[:, None]
        mean, variance = self._statistics(x, within) if self.training else self._running()
        scale = self.weight * (variance + self.eps).rsqrt()
        normalised = (x - mean[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]
        return (normalised * within).to(input.dtype)

    def _statistics(self, x: Tensor, within: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of each channel in this batch; the running ones move towards them."""
        count = within.sum().clamp(min=2)  # of fewer samples nobody can tell the variance
        mean = (x * within).sum(dim=(0, 2, 3)) / count
        variance = ((x - mean[:, None, None]).square() * within).sum(dim=(0, 2, 3)) / count
        running_mean, running_variance = self._running()
        with torch.no_grad():
            running_mean.lerp_(mean, MOMENTUM)
            running_variance.lerp_(variance * count / (count - 1), MOMENTUM)
        return mean, variance

    def _running(self) -> tuple[Tensor, Tensor]:
        assert self.running_mean is not None
        assert self.running_var is not None
        return self.running_mean, self.running_var


class Regressions(nn.Linear):
    """A linear layer that adds up in fp64 when it is not learning.

    Libraries of linear algebra choose the order of their sums by the number of rows. Over thousands of features that
    moved probabilities by 1e-5 in fp32: an example was answered otherwise alone than among others.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Turn features of shape (batch, features) into logits of shape (batch, classes), of the type of ``x``."""
        if self.training:
            return super().forward(x)
        return functional.linear(x.double(), self.weight.double(), self.bias.double()).to(x.dtype)


class Heads(nn.Module):
    """Independent logistic regressions; one class or many differ in nothing but the size of this layer.

    Args:
        features: features per example, channels times samples.
        classes: number of classes.
    """

    offsets: Tensor | None

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.regressions = Regressions(features, classes)
        self.register_buffer("offsets", None, persistent=False)

    def shift(self, offsets: Tensor) -> None:
        """Add a number to the logits of each class from now on.

        The numbers are no weights: they adapt a model to a site whose records have the classes in other shares, are
        stored in the model's card, and are part of no ``state_dict``.

        Args:
            offsets: shape (classes,).
        """
        self.offsets = offsets.to(self.regressions.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Turn features of shape (batch, ...) into logits of shape (batch, classes), always in fp32."""
        with torch.autocast(x.device.type, enabled=False):  # logits of bf16 would have two digits
            logits: Tensor = self.regressions(x.flatten(1).to(self.regressions.weight.dtype))
            return logits if self.offsets is None else logits + self.offsets


def heads_of(network: nn.Module) -> Heads:
    """The heads of a network, as those of all networks of the package are.

    Args:
        network: of :mod:`rarebeat.models.registry`, or one's own.

    Returns:
        The layer.

    Raises:
        ParamsError: for a network of one's own whose heads are of another kind.
    """
    heads = network.heads
    if not isinstance(heads, Heads):
        raise ParamsError(
            f"the heads of {type(network).__name__} are {type(heads).__name__}, which takes no offsets and no measured "
            "tasks: make them rarebeat.models.layers.Heads"
        )
    return heads


def he_normal(module: nn.Module, mode: Literal["fan_in", "fan_out"] = "fan_in") -> None:
    """Initialise every convolution of a network as He et al. do, with biases of zero.

    Args:
        module: the network.
        mode: "fan_in" keeps the variance of the features from layer to layer, "fan_out" that of the gradients.

    Source:
        He et al. 2015, arXiv 1502.01852, equations 10 and 14.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode=mode, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
