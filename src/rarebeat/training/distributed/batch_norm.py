"""Batch norm over the examples of all processes.

With statistics of its own part alone, each process would train another network than one process does, and a worse one
where its part is small. ``torch.nn.SyncBatchNorm`` does the same on GPUs alone, and knows no padding; this one takes it
there, and runs wherever a training does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from rarebeat.training.distributed.world import World, sum_with_gradient


@contextmanager
def synchronised(network: nn.Module, world: World) -> Iterator[None]:
    """Let every batch norm of a network see the examples of all processes, for a while.

    Args:
        network: its batch norms are exchanged and put back. Weights, buffers and their names stay what they are.
        world: the processes; where there is one, nothing happens.

    Yields:
        Nothing.
    """
    found = [] if world.size == 1 else list(_batch_norms(network))
    for parent, name, layer in found:
        setattr(parent, name, SyncedBatchNorm(layer, world))
    try:
        yield
    finally:
        for parent, name, layer in found:
            setattr(parent, name, layer.train(parent.training))


def _batch_norms(network: nn.Module) -> Iterator[tuple[nn.Module, str, _BatchNorm]]:
    for parent in network.modules():
        for name, layer in parent.named_children():
            if isinstance(layer, _BatchNorm):
                yield parent, name, layer


class SyncedBatchNorm(nn.Module):
    """A batch norm whose statistics in training are those of all processes; in evaluation it is the layer itself.

    Args:
        layer: whose weights and buffers it shares.
        world: the processes.
    """

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(self, layer: _BatchNorm, world: World) -> None:
        super().__init__()
        self.world = world
        self.weight, self.bias = layer.weight, layer.bias
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, getattr(layer, name))
        # In a tuple they are no parts of this module, and stay in the mode that they are in.
        self._layers = (layer.eval(), _on_gpu(layer))

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalise features.

        Args:
            input: shape (batch, channels, ...).
            mask: as of :class:`rarebeat.models.layers.MaskedBatchNorm`.

        Returns:
            The same shape and type.
        """
        layer, on_gpu = self._layers
        if not self.training:
            return cast(Tensor, layer(input) if mask is None else layer(input, mask))
        if input.is_cuda and mask is None:
            return cast(Tensor, on_gpu(input))
        x = input.to(
            torch.promote_types(input.dtype, torch.float32)
        )  # statistics of bf16 would have two digits
        within = None if mask is None else mask[:, None]
        mean, variance = self._statistics(x, within)
        scale = (variance + layer.eps).rsqrt()
        if self.weight is not None:
            scale = scale * self.weight
        shift = -mean * scale if self.bias is None else self.bias - mean * scale
        shape = (1, -1) + (1,) * (x.ndim - 2)
        normalised = x * scale.view(shape) + shift.view(shape)
        return (normalised if within is None else normalised * within).to(input.dtype)

    def _statistics(self, x: Tensor, within: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and variance of each channel over all processes; the running ones move towards them.

        Source:
            Chan, Golub and LeVeque 1979: what parts add to the sum of squares of the whole.
        """
        over = [0, *range(2, x.ndim)]
        shape = (1, -1) + (1,) * (x.ndim - 2)
        count = x.new_tensor(x.numel() // x.shape[1]) if within is None else within.sum().to(x.dtype)
        inner = x if within is None else x * within
        mean = inner.sum(dim=over) / count.clamp(min=1)
        off = x - mean.view(shape) if within is None else (x - mean.view(shape)) * within
        parts = x.new_zeros(self.world.size, 3, x.shape[1])
        parts[self.world.rank] = torch.stack([count.expand_as(mean), mean, off.square().sum(dim=over)])
        counts, means, squares = sum_with_gradient(parts).unbind(dim=1)
        total = counts.sum(dim=0).clamp(min=1 if within is None else 2)
        mean = (counts * means).sum(dim=0) / total
        variance = (squares + counts * (means - mean).square()).sum(dim=0) / total
        self._move(mean.detach(), variance.detach(), total.detach(), counted=within is None)
        return mean, variance

    def _move(self, mean: Tensor, variance: Tensor, total: Tensor, counted: bool) -> None:
        """Move the running statistics as the layer itself does."""
        layer, _ = self._layers
        momentum = layer.momentum
        if counted and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            momentum = 1 / float(self.num_batches_tracked) if momentum is None else momentum
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.lerp_(mean, momentum or 0.0)
            self.running_var.lerp_(variance * total / (total - 1).clamp(min=1), momentum or 0.0)


def _on_gpu(layer: _BatchNorm) -> nn.SyncBatchNorm:
    """Torch's own layer, with the weights and the buffers of another one."""
    other = nn.SyncBatchNorm(
        layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats
    )
    other.weight, other.bias = layer.weight, layer.bias
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        setattr(other, name, getattr(layer, name))
    return other.train()
