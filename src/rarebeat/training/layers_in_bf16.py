"""Convolutions that compute something else in bf16 than in fp32, found before a network is trained.

There are kernels that do. On processors with AMX, oneDNN (as torch 2.13 has it) gets convolutions altogether wrong that
have fewer than 16 channels and as many taps as the first layer of hughes34 (:mod:`rarebeat.models.long_kernels` avoids
them; a network of one's own may not). A network learns through that all the same, its loss falls, and its weights mean
nothing to any other processor or precision. The loss of a batch at the start does not give it away.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

LAYER_TOLERANCE = 0.1
"""How far a layer's output or gradients may lie from those in fp32, relative to them: rounding alone makes 0.003."""

_KINDS = (nn.Conv1d, nn.Conv2d)


def wrong_layers(
    network: nn.Module, forward: Callable[[nn.Module], Tensor], device: torch.device
) -> list[str]:
    """Compare every convolution of a network with itself in fp32, on the inputs that it gets from one batch.

    Args:
        network: stays as it is.
        forward: from a network to anything, on one batch.
        device: where the network is.

    Returns:
        The names of the convolutions whose output or gradients in bf16 are off by more than :data:`LAYER_TOLERANCE`.
    """
    errors: dict[str, list[float]] = {}  # of each call: a layer may stand in several places

    def comparing(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def compare(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
            errors.setdefault(name, []).extend(_errors(layer, given[0].detach().float(), device))

        return compare

    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, _KINDS)}
    hooks = [layer.register_forward_pre_hook(comparing(name)) for name, layer in layers.items()]
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []), torch.no_grad():
            forward(network)
    finally:
        for hook in hooks:
            hook.remove()
    return [name for name, found in errors.items() if not all(error <= LAYER_TOLERANCE for error in found)]


def _errors(layer: nn.Module, given: Tensor, device: torch.device) -> list[float]:
    """The relative errors of a layer in bf16, of its output (with gradients or without) and its gradients."""
    exact = _output_and_gradients(layer, given, None)
    with torch.autocast(device.type, torch.bfloat16):
        rounded = _output_and_gradients(layer, given, exact[0])
        with torch.no_grad():  # as the validation is computed, which may be by another kernel
            alone = layer.forward(given)
    pairs = [*zip(rounded, exact, strict=True), (alone, exact[0])]
    return [_relative(found, right) for found, right in pairs]


def _output_and_gradients(layer: nn.Module, given: Tensor, upstream: Tensor | None) -> list[Tensor]:
    """The output, and the gradients of its half square (or of its product with ``upstream``)."""
    wanted: list[Any] = [given.requires_grad_(), *(each for each in layer.parameters() if each.requires_grad)]
    with torch.enable_grad():
        output = layer.forward(given)
    if upstream is None:
        upstream = output.detach()
    return [output.detach(), *torch.autograd.grad(output, wanted, upstream.to(output.dtype))]


def _relative(found: Tensor, right: Tensor) -> float:
    """Euclidean norm of the difference relative to that of the right values; 0 where both are zero."""
    off, size = (found.float() - right.float()).norm().item(), right.float().norm().item()
    return off / size if size else float("inf") if off else 0.0
