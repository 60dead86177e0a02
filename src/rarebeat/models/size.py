"""How large networks are: parameters and arithmetic."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from rarebeat.core.records import LEADS
from rarebeat.models.registry import NETWORKS, build

_COUNTED = (nn.Conv1d, nn.Conv2d, nn.Linear)


def parameters(network: nn.Module) -> int:
    """How many numbers training changes.

    Example:
        >>> parameters(nn.Linear(3, 2))
        8
    """
    return sum(weight.numel() for weight in network.parameters())


def flops(network: nn.Module, samples: int) -> int:
    """Floating point operations of one forward pass of one ECG, a multiplication with its addition counted as two.

    The convolutions and linear layers that are modules are counted, by their weights and the outputs that they have;
    normalisation, activations and pooling are not.

    Args:
        network: on the CPU; is put in evaluation mode.
        samples: samples per lead.

    Returns:
        The count of one forward pass.
    """
    counts = []

    def count(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(layer, _COUNTED)
        counts.append(2 * output.numel() * layer.weight[0].numel())

    layers = [layer for layer in network.modules() if isinstance(layer, _COUNTED)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, len(LEADS), samples))
    finally:
        for hook in hooks:
            hook.remove()
    return sum(counts)


@dataclass(frozen=True)
class Size:
    """A network at its paper's setting; see :class:`rarebeat.models.registry.Paper`."""

    name: str
    parameters: int
    flops: int
    classes: int
    samples: int
    rate: int
    source: str
    code: str | None


def paper_sizes() -> list[Size]:
    """The sizes of all networks, each with the classes and the input of its paper.

    Returns:
        In the order of :data:`rarebeat.models.registry.NETWORKS`.
    """
    sizes = []
    for name, kind in NETWORKS.items():
        network = build(name, kind.paper.classes, kind.paper.samples, {})
        counts = parameters(network), flops(network, kind.paper.samples)
        sizes.append(Size(name, *counts, **asdict(kind.paper)))
    return sizes


def format_sizes(sizes: Sequence[Size]) -> str:
    """A table for a person.

    Args:
        sizes: one row each.

    Returns:
        Lines of text.
    """
    rows = [("network", "parameters", "FLOPs", "input", "classes", "source")]
    for size in sizes:
        rows.append(
            (
                size.name,
                f"{size.parameters:,}",
                f"{size.flops / 1e9:.2f} G",
                f"{len(LEADS)} x {size.samples}, {size.rate} Hz",
                str(size.classes),
                size.source if size.code is None else f"{size.source}, {size.code}",
            )
        )
    name, *numbers = (max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1])
    lines = []
    for first, *cells, last in rows:
        right = (cell.rjust(width) for cell, width in zip(cells, numbers, strict=True))
        lines.append("  ".join([first.ljust(name), *right, last]))
    return "\n".join(lines)
