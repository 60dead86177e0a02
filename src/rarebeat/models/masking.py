"""Padding that a network does not see: which samples belong to a recording, and batch norm over those alone."""

import torch
from torch import Tensor, nn

MOMENTUM = 0.1  # of the running statistics: PyTorch's own for batch norm


def inside(lengths: Tensor, time: int) -> Tensor:
    """Which samples belong to their recordings.

    Args:
        lengths: shape (batch,), samples of each recording.
        time: samples of the padded signals.

    Returns:
        bool, shape (batch, 1, time).
    """
    return torch.arange(time, device=lengths.device) < lengths[:, None, None]


class MaskedBatchNorm(nn.BatchNorm2d):
    """Batch norm whose statistics come from the recordings alone, and which leaves zeros in their padding.

    A recording then meets in its padding what it would meet beyond its end without: the zeros of the next
    convolution.
    """

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalise (batch, channels, 1, time); ``mask`` is that of :func:`inside`, or None without padding."""
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
