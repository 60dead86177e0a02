"""Signals that stay in their shards, as batches: the order of training, and reading ahead in the background.

The order of an epoch, where signals are streamed: the shards come in random order, each from its beginning to its end,
into a buffer with room for 192 MiB of signals (:data:`rarebeat.dataset.stored.KEPT_MOST`). Each example is drawn at
random from the buffer, and the next record read takes its place; when all are read, what is left comes in random order.
It depends on the seed, the epoch, the shards and the length of a recording alone: not on the machine, on threads, or on
how a training was interrupted. A split that fits into the buffer has the order of signals in memory, to the last one.
"""

import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rarebeat.core.signals import Int16
from rarebeat.dataset.stored import StoredSignals

Indices = npt.NDArray[np.int64]

AHEAD = 64 * 2**20
"""Bytes of batches that are read before they are asked for."""

LEAST_AHEAD = 2
"""Batches that are read before they are asked for, at least."""


def buffered_order(shards: Indices, places: int, examples: int, seed: int, epoch: int) -> Indices:
    """Put examples in the order of an epoch that is streamed.

    Args:
        shards: shape (n,), the shard that each example is in; of one shard, they stand in its order.
        places: room of the buffer, in examples.
        examples: how long the order is, n or more: after the last shard comes the first one again.
        seed: of the training.
        epoch: counted from zero.

    Returns:
        Indices, shape (examples,).

    Example:
        >>> order = buffered_order(np.array([0, 0, 0, 1, 1, 1]), places=2, examples=6, seed=0, epoch=0)
        >>> sorted(order.tolist())
        [0, 1, 2, 3, 4, 5]
    """
    random = np.random.default_rng([seed, epoch])
    if len(shards) <= places:
        return np.resize(random.permutation(len(shards)), examples)
    there = np.unique(shards)
    turn = random.permutation(len(there))[np.searchsorted(there, shards)]
    reading = np.resize(np.argsort(turn, kind="stable"), examples)
    buffer, order = reading[:places].tolist(), []
    draws = random.integers(0, places, examples - places).tolist()
    for draw, following in zip(draws, reading[places:].tolist(), strict=True):
        order.append(buffer[draw])
        buffer[draw] = following
    return np.array([*order, *random.permutation(buffer).tolist()], dtype=np.int64)


class StreamedSignals:
    """Signals in shards, as batches in main memory; takes the place of a tensor of shape (n, 12, samples)."""

    device = torch.device("cpu")

    def __init__(self, stored: StoredSignals) -> None:
        """Nothing is read yet.

        Args:
            stored: the signals.
        """
        self.stored = stored
        self._ready: tuple[Indices, Int16] | None = None

    def __len__(self) -> int:
        return len(self.stored)

    @property
    def shape(self) -> tuple[int, int, int]:
        """As a tensor would have it."""
        return self.stored.shape

    @overload
    def __getitem__(self, chosen: Tensor) -> Tensor: ...

    @overload
    def __getitem__(self, chosen: slice) -> "StreamedSignals": ...

    def __getitem__(self, chosen: "Tensor | slice") -> "Tensor | StreamedSignals":
        """The signals of some records: those of the batch that :meth:`following` is at, or others, which takes longer.

        Args:
            chosen: indices, shape (k,); or a slice.

        Returns:
            Int16, shape (k, 12, samples); for a slice, signals that stay in their shards.
        """
        if isinstance(chosen, slice):
            return StreamedSignals(self.stored[chosen])
        rows = chosen.numpy()
        if self._ready is not None and np.array_equal(self._ready[0], rows):
            return torch.from_numpy(self._ready[1])
        return torch.from_numpy(np.asarray(self.stored[rows]))

    def order(self, examples: int, seed: int, epoch: int) -> Indices:
        """The order of an epoch: see :func:`buffered_order`."""
        by_place = np.argsort(self.stored.rows, kind="stable")
        shards = self.stored.shard_of[by_place]
        if len(self) <= self.stored.places:  # the order of signals in memory knows no shards
            by_place = np.arange(len(self))
        return by_place[buffered_order(shards, self.stored.places, examples, seed, epoch)]

    def following(self, batches: Sequence[Indices], part: slice = slice(None)) -> Generator[Indices]:
        """Give batches out one by one, while a thread reads those that come next.

        Args:
            batches: all of them, in their order.
            part: of each batch, whose signals will be asked for.

        Yields:
            Each batch, when the signals of this part are there.

        Raises:
            RarebeatError: for a shard that is missing or damaged.
        """
        own = [batch[part] for batch in batches]
        largest = max((len(batch) for batch in own), default=0) * self.stored.bytes_each
        depth = max(LEAST_AHEAD, AHEAD // max(1, largest))
        try:
            with read_ahead(self.stored.read(own), depth) as arriving:
                for batch, signals in zip(batches, arriving, strict=True):
                    self._ready = batch[part], signals
                    yield batch
        finally:
            self._ready = None


@contextmanager
def read_ahead(source: Generator[Int16], depth: int) -> Iterator[Iterator[Int16]]:
    """Let a thread take from a source what will be asked for next.

    Args:
        source: what is read; only the thread uses it.
        depth: of how many results wait at most.

    Yields:
        The results, in the order of the source. What the source raises is raised here.
    """
    waiting: queue.Queue[Int16 | BaseException | None] = queue.Queue(depth)
    stopped = threading.Event()

    def put(result: Int16 | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                return waiting.put(result, timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        try:
            with closing(source):
                for result in source:
                    put(result)
                    if stopped.is_set():
                        return
        except BaseException as error:  # it is raised where the results are taken
            put(error)
        else:
            put(None)

    def results() -> Iterator[Int16]:
        while (result := waiting.get()) is not None:
            if isinstance(result, BaseException):
                raise result
            yield result

    thread = threading.Thread(target=work, name="read-ahead", daemon=True)
    thread.start()
    try:
        yield results()
    finally:
        stopped.set()
        thread.join()
