"""Feeding a split to the network: where its signals lie, and which examples make which batch."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rarebeat.errors import RarebeatError
from rarebeat.shards import Split

SHARE_OF_GPU = 0.5
"""How much of a GPU's free memory the signals may take; the rest is for the network's activations."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Examples:
    """A split as tensors.

    Attributes:
        signals: int16, shape (n, 12, samples): on the device where they fit, otherwise in main memory.
        labels: int8, shape (n, classes), beside the signals: 1 present, 0 absent, -1 uncertain.
        scale: signals times scale is in the unit of the shards.
        device: where batches are computed on.
    """

    signals: Tensor
    labels: Tensor
    scale: float
    device: torch.device

    def __len__(self) -> int:
        return len(self.signals)

    def batch(self, indices: Indices) -> tuple[Tensor, Tensor]:
        """Signals (float32, in the unit of the shards) and labels of some examples, on the device."""
        chosen = torch.from_numpy(indices)
        if self.signals.device.type != "cpu":
            chosen = chosen.pin_memory().to(self.device, non_blocking=True)
        signals, labels = self.signals[chosen], self.labels[chosen]
        if signals.device.type != self.device.type:
            signals = signals.pin_memory().to(self.device, non_blocking=True)
            labels = labels.pin_memory().to(self.device, non_blocking=True)
        return signals.float() * self.scale, labels


def load_examples(split: Split, classes: Sequence[str], device: torch.device) -> Examples:
    """Put a split where it is read fastest, with the labels of the given classes.

    The signals stay int16, and are converted batch by batch on the device: 41,522 records take 2.5 GB.

    Raises:
        RarebeatError: for a class that the shards do not hold.
    """
    missing = [name for name in classes if name not in split.meta.classes]
    if missing:
        raise RarebeatError(
            f"the label set names {', '.join(missing)}, but the shards hold {', '.join(split.meta.classes)}: "
            "change the label set, or run prepare again"
        )
    columns = [split.meta.classes.index(name) for name in classes]
    with warnings.catch_warnings():
        # Signals may be memory that must not be written: nothing here writes to them.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        signals = torch.from_numpy(split.signals)
    labels = torch.from_numpy(np.ascontiguousarray(split.labels[:, columns]))
    if device.type != "cpu" and signals.nbytes < SHARE_OF_GPU * torch.cuda.mem_get_info(device)[0]:
        signals, labels = signals.to(device), labels.to(device)
    return Examples(signals, labels, split.meta.scale, device)


def shuffled_batches(examples: int, batch: int, seed: int, epoch: int) -> list[Indices]:
    """The examples of one epoch in batches that differ in size by one at most.

    The order depends on the seed and the epoch alone, so that a resumed training goes on with the same
    batches.

    Args:
        examples: number of examples.
        batch: examples per batch, at most.
        seed: of the training.
        epoch: counted from zero.
    """
    order = np.random.default_rng([seed, epoch]).permutation(examples)
    return np.array_split(order, -(-examples // batch))


def ordered_batches(examples: int, batch: int) -> list[Indices]:
    """The examples in order, in batches of ``batch`` and a smaller last one."""
    return [np.arange(start, min(start + batch, examples)) for start in range(0, examples, batch)]


def lead_statistics(split: Split, chunk: int = 256) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each lead, float32 of shape (12,), in the unit of the shards."""
    count = 0
    total = np.zeros(split.signals.shape[1])
    squares = np.zeros(split.signals.shape[1])
    for start in range(0, len(split.signals), chunk):
        part = split.signals[start : start + chunk].astype(np.float64)
        count += part.shape[0] * part.shape[2]
        total += part.sum(axis=(0, 2))
        squares += np.einsum("nct,nct->c", part, part)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    scaled = np.stack([mean, deviation]) * split.meta.scale
    result = torch.from_numpy(scaled.astype(np.float32))
    return result[0], result[1]
