"""Feeding ECGs to a network: where their signals lie, and which examples make which batch."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rarebeat.core.context import UNKNOWN, Context
from rarebeat.dataset.split import Int8, Int16, Split
from rarebeat.dataset.stored import StoredSignals
from rarebeat.dataset.stream import StreamedSignals

SHARE_OF_GPU = 0.5
"""How much of a GPU's free memory the signals may take; the rest is for the network's activations."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Examples:
    """ECGs as tensors.

    Attributes:
        signals: int16, shape (n, 12, samples): on the device where they fit, otherwise in main memory, or in shards.
        labels: int8, shape (n, classes), on the device or in main memory: 1 present, 0 absent, -1 masked.
        scale: signals times scale is in the unit that the network learns from.
        device: where batches are computed on.
        context: what is known of all records besides, in main memory.
        window: samples of the network's input.
    """

    signals: Tensor | StreamedSignals
    labels: Tensor
    scale: float
    device: torch.device
    context: Context
    window: int

    def __len__(self) -> int:
        return len(self.signals)

    @property
    def whole(self) -> bool:
        """Whether the network sees the recordings whole."""
        return self.window == self.signals.shape[2]

    @property
    def lengths(self) -> Indices:
        """Samples of each recording before its padding, shape (n,)."""
        lengths = self.context.lengths
        return np.full(len(self), self.signals.shape[2]) if lengths is None else lengths.numpy()

    def part(self, rows: slice) -> "Examples":
        """Some examples in a row, without a copy."""
        context = self.context.batch(rows, torch.device("cpu"))
        return replace(self, signals=self.signals[rows], labels=self.labels[rows], context=context)

    def with_labels(self, more: Int8) -> "Examples":
        """The same examples with further columns of labels, shape (n, m), behind those that there are."""
        columns = torch.from_numpy(more).to(self.labels.device)
        return replace(self, labels=torch.cat([self.labels, columns], dim=1))

    def order(self, batch: int, seed: int, epoch: int) -> list[Indices]:
        """Divide one pass over the examples into batches of one size, in an order that seed and epoch decide.

        Args:
            batch: examples per batch, at most.
            seed: of the training.
            epoch: counted from zero.

        Returns:
            Arrays of indices: see :func:`shuffled_batches`, and for signals in shards
            :func:`rarebeat.dataset.stream.buffered_order`.
        """
        if not isinstance(self.signals, StreamedSignals):
            return shuffled_batches(len(self), batch, seed, epoch)
        batches, size = batch_shape(len(self), batch)
        return np.split(self.signals.order(size * batches, seed, epoch), batches)

    def following(self, batches: Sequence[Indices], part: slice = slice(None)) -> Iterable[Indices]:
        """Give batches of indices out one by one; where signals are in shards, they are read before they are needed.

        Args:
            batches: all that will be asked for, in their order.
            part: of each batch, where another process takes the rest.

        Returns:
            The same batches. Before the next one is taken, :meth:`batch` is called with this part of it.
        """
        return self.signals.following(batches, part) if isinstance(self.signals, StreamedSignals) else batches

    def random_starts(self, indices: Indices, samples: int | Indices, random: np.random.Generator) -> Indices:
        """Draw where a piece of each of some examples starts, anywhere within the recording.

        Args:
            indices: shape (k,), which examples.
            samples: of a piece, or of each of them, shape (k,).
            random: where the starts are drawn from.

        Returns:
            Shape (k,), the first samples.
        """
        starts: Indices = random.integers(0, np.maximum(self.lengths[indices] - samples, 0), endpoint=True)
        return starts

    def batch(
        self, indices: Indices, starts: Indices | None = None, samples: int | None = None
    ) -> tuple[Tensor, Context, Tensor]:
        """Put some examples on the device.

        Args:
            indices: shape (k,), which examples; any may come several times.
            starts: shape (k,), first sample of a piece of each; None where recordings are taken whole.
            samples: of the pieces; None for those of a window.

        Returns:
            Signals (float32, shape (k, 12, samples), in the unit of the shards), context, and labels of shape
            (k, classes).
        """
        chosen = torch.from_numpy(indices)
        context = self.context.batch(chosen, self.device)
        if self.signals.device.type != "cpu":
            chosen = chosen.pin_memory().to(self.device, non_blocking=True)
        signals, labels = self.signals[chosen], self.labels[chosen]
        if signals.device.type != self.device.type:
            signals = signals.pin_memory().to(self.device, non_blocking=True)
            labels = labels.pin_memory().to(self.device, non_blocking=True)
        if starts is not None:
            first = torch.from_numpy(starts).to(self.device)
            signals = window_at(signals, first, samples or self.window)
            context = context.window(first, samples or self.window)
        return signals.float() * self.scale, context, labels


def window_at(signals: Tensor, starts: Tensor, samples: int) -> Tensor:
    """Take a window of each recording.

    Args:
        signals: shape (batch, leads, n).
        starts: shape (batch,), the first sample of each window.
        samples: of a window.

    Returns:
        Shape (batch, leads, samples); beyond the end of a recording its last sample is repeated.
    """
    index = starts[:, None, None] + torch.arange(samples, device=signals.device)
    index = index.clamp(max=signals.shape[2] - 1)
    return signals.gather(2, index.expand(-1, signals.shape[1], -1))


def load_examples(
    split: Split,
    classes: Sequence[str],
    device: torch.device,
    window: int | None = None,
    learning: bool = False,
) -> Examples:
    """Put a split where it is read fastest, with the labels of the given classes.

    Args:
        split: the records.
        classes: the label set.
        device: where batches are wanted.
        window: samples of the network's input; None takes the recordings whole.
        learning: whether uncertain labels are what ``prepare.uncertain`` says; otherwise they are masked.

    Returns:
        The examples.

    Raises:
        RarebeatError: for a class that the shards do not hold.
    """
    labels = split.targets(classes) if learning else split.columns(classes)
    return make_examples(split.signals, split.meta.scale, device, split.context, window, labels)


def make_examples(
    signals: Int16 | StoredSignals,
    scale: float,
    device: torch.device,
    context: Context = UNKNOWN,
    window: int | None = None,
    labels: Int8 | None = None,
) -> Examples:
    """Put ECGs where they are read fastest.

    The signals stay int16, and are converted batch by batch on the device: 41,522 records take 2.5 GB. Those in shards
    stay there.

    Args:
        signals: shape (n, 12, samples).
        scale: signals times scale is in the unit that the network learns from.
        device: where batches are wanted.
        context: what is known of the ECGs besides, in main memory.
        window: samples of the network's input; None takes the recordings whole.
        labels: shape (n, classes), for training and validation.

    Returns:
        The examples.
    """
    known = np.empty((len(signals), 0), dtype=np.int8) if labels is None else np.ascontiguousarray(labels)
    if isinstance(signals, StoredSignals):
        streamed = StreamedSignals(signals)
        return Examples(streamed, torch.from_numpy(known), scale, device, context, window or signals.shape[2])
    with warnings.catch_warnings():
        # Signals may be memory that must not be written: nothing here writes to them.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        stored, states = torch.from_numpy(signals), torch.from_numpy(known)
    if device.type != "cpu" and stored.nbytes < SHARE_OF_GPU * torch.cuda.mem_get_info(device)[0]:
        stored, states = stored.to(device), states.to(device)
    return Examples(stored, states, scale, device, context, window or signals.shape[2])


def batch_shape(examples: int, batch: int) -> tuple[int, int]:
    """Tell how the examples of one epoch are divided into batches of one size.

    Args:
        examples: number of examples.
        batch: examples per batch, at most.

    Returns:
        The number of batches, and the examples in each: together as many as there are, or a few more.

    Example:
        >>> batch_shape(100, 32), batch_shape(33, 32)
        ((4, 25), (2, 17))
    """
    batches = -(-examples // batch)
    return batches, -(-examples // batches)


def shuffled_batches(examples: int, batch: int, seed: int, epoch: int) -> list[Indices]:
    """Divide the examples of one epoch into batches of one size.

    One size, so that a compiled step serves all batches. Where the number of examples is no multiple of it, the first
    examples of the order come again at its end: fewer than one for each batch.

    The order depends on the seed and the epoch alone, so that a resumed training goes on with the same
    batches.

    Args:
        examples: number of examples.
        batch: examples per batch, at most.
        seed: of the training.
        epoch: counted from zero.

    Returns:
        As many arrays of indices as are needed, all of one length.
    """
    order = np.random.default_rng([seed, epoch]).permutation(examples)
    batches, size = batch_shape(examples, batch)
    return np.split(np.resize(order, size * batches), batches)


def ordered_batches(examples: int, batch: int) -> list[Indices]:
    """Divide the examples into batches, in order.

    Args:
        examples: number of examples.
        batch: examples per batch; the last one may have fewer.

    Returns:
        Arrays of indices.
    """
    return [np.arange(start, min(start + batch, examples)) for start in range(0, examples, batch)]
