"""Signals that stay in their shards: records are chosen as in an array, and read when they are needed.

One shard is open at a time and read from its beginning to its end, with one page of Parquet in memory (1,024 records,
or all where there are fewer). So any order of records can be had, and memory depends on how far apart the records of a
shard are in that order: what is read before it is needed is kept.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import RarebeatError
from rarebeat.core.records import LEADS
from rarebeat.core.signals import Int16
from rarebeat.dataset.remote import Folder

Indices = npt.NDArray[np.int64]

READ_AT_A_TIME = 128
"""Records that are copied out of a page at a time."""

KEPT_MOST = 192 * 2**20
"""Bytes of signals that wait for their turn, at most, in an order that mixes shards."""


@dataclass(frozen=True)
class Shard:
    """A file of the shards.

    Attributes:
        path: where it is.
        records: how many it holds.
    """

    path: Folder
    records: int

    def read(self, samples: int) -> Iterator[Int16]:
        """Read the signals from the first to the last.

        Args:
            samples: per lead.

        Yields:
            Shape (k, 12, samples), :data:`READ_AT_A_TIME` records or fewer.

        Raises:
            RarebeatError: when the shard is missing or damaged, or holds other records than it did.
        """
        # Imported here, because a split in memory needs no pyarrow.
        from rarebeat.core.parquet import read_batches

        found = 0
        for batch in read_batches(self.path, ["signal"], READ_AT_A_TIME):
            column = batch.column(0)
            values = np.frombuffer(column.buffers()[1], dtype="<i2")[column.offset * len(LEADS) * samples :]
            part = values[: len(column) * len(LEADS) * samples].reshape(len(column), len(LEADS), samples)
            found += len(part)
            if found > self.records:
                break
            yield part
        if found != self.records:
            raise RarebeatError(f"{self.path} has changed while it was used: it held {self.records} records")


@dataclass(frozen=True)
class StoredSignals:
    """The signals of n records, in shards; takes the place of an array of shape (n, 12, samples).

    Attributes:
        shards: that the records are in; others may be there, too.
        rows: shape (n,), the place of each record among all of the shards, one shard after the other.
        samples: per lead.
    """

    shards: tuple[Shard, ...]
    rows: Indices
    samples: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, int, int]:
        """As an array in memory would have it."""
        return len(self.rows), len(LEADS), self.samples

    @property
    def nbytes(self) -> int:
        """What an array in memory would take."""
        return len(self) * self.bytes_each

    @property
    def bytes_each(self) -> int:
        """What one recording takes in memory."""
        return len(LEADS) * self.samples * 2

    def __getitem__(self, rows: npt.NDArray[Any] | slice) -> "StoredSignals":
        """Choose records, by indices, a mask of shape (n,) or a slice; nothing is read."""
        return replace(self, rows=self.rows[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Int16:
        """All signals in memory: ``np.asarray(signals)``."""
        signals = np.empty(self.shape, np.int16)
        start = 0
        for part in self.parts():
            signals[start : start + len(part)] = part
            start += len(part)
        return signals if dtype is None else signals.astype(dtype)

    def __iter__(self) -> Iterator[Int16]:
        for part in self.parts():
            yield from part

    def parts(self, size: int = READ_AT_A_TIME) -> Iterator[Int16]:
        """Read all signals in their order.

        Args:
            size: records at a time.

        Yields:
            Shape (size, 12, samples), or less at the end.
        """
        yield from self.read(
            [np.arange(start, min(start + size, len(self))) for start in range(0, len(self), size)]
        )

    @property
    def shard_of(self) -> Indices:
        """Which shard each record is in, shape (n,)."""
        return np.searchsorted(self.ends, self.rows, side="right")

    @cached_property
    def ends(self) -> Indices:
        """How many records the shards hold up to each one's end, shape (shards,)."""
        return np.cumsum([shard.records for shard in self.shards], dtype=np.int64)

    @property
    def places(self) -> int:
        """How many records may wait for their turn: as many as fit into :data:`KEPT_MOST`, one at least."""
        return max(1, KEPT_MOST // self.bytes_each)

    def read(self, batches: Sequence[Indices]) -> Generator[Int16]:
        """Read the signals of batches of records, in any order.

        A shard is read once for all records that are wanted of it within :attr:`places` records of the order; for a
        record that comes again later than that, it is read again.

        Args:
            batches: indices of records, between 0 and n.

        Yields:
            Shape (k, 12, samples), for each batch of k records.

        Raises:
            RarebeatError: for a shard that is missing or damaged.
        """
        wanted = self.rows[np.concatenate([np.empty(0, np.int64), *batches])]
        plan = _plan(wanted, self.ends, self.places)
        waiting, position = _Waiting(self, plan), 0
        for batch in batches:
            signals = np.empty((len(batch), len(LEADS), self.samples), np.int16)
            for place, ticket in enumerate(plan.order[position : position + len(batch)].tolist()):
                waiting.copy(ticket, signals[place])
            position += len(batch)
            yield signals


def join_stored(parts: Sequence[StoredSignals]) -> StoredSignals:
    """Put signals in shards one after the other.

    Args:
        parts: one or more, with equally many samples.

    Returns:
        All of them, part after part; nothing is read.
    """
    shards = tuple(shard for part in parts for shard in part.shards)
    before = np.cumsum([0, *(sum(shard.records for shard in part.shards) for part in parts)])
    rows = [part.rows + start for part, start in zip(parts, before, strict=False)]
    return StoredSignals(shards, np.concatenate(rows), parts[0].samples)


@dataclass(frozen=True)
class _Plan:
    """Which record is taken from which reading of its shard. A ticket is a record in one reading.

    Attributes:
        order: shape (m,), the ticket of each record that is wanted.
        rows: shape (t,), the place of each ticket's record among all shards. Tickets of one reading stand together, in
            the order of the shard.
        uses: shape (t,), how often each is wanted.
        reading: shape (t,), which reading it is in.
        shards: shape (r,), the shard of each reading.
        bounds: shape (r + 1,), the first ticket of each reading, and at last t.
    """

    order: Indices
    rows: Indices
    uses: Indices
    reading: Indices
    shards: Indices
    bounds: Indices


def _plan(wanted: Indices, ends: Indices, near: int) -> _Plan:
    """Give each wanted record a reading: the same for uses of one record that are no more than ``near`` apart."""
    by_row = np.argsort(wanted, kind="stable")
    rows = wanted[by_row]
    other = np.ones(len(rows), np.bool_)
    other[1:] = rows[1:] != rows[:-1]
    again = ~other & (np.diff(by_row, prepend=0) > near)
    starts = np.flatnonzero(other | again)
    readings_before = np.cumsum(again)
    first_of_row = np.maximum.accumulate(np.where(other, np.arange(len(rows)), 0))
    visit: Indices = (readings_before - readings_before[first_of_row])[starts]
    shard = np.searchsorted(ends, rows[starts], side="right")

    together = np.lexsort((rows[starts], visit, shard))
    number = np.empty_like(together)
    number[together] = np.arange(len(together))
    order = np.empty_like(by_row)
    order[by_row] = number[np.cumsum(other | again) - 1]
    shard, visit = shard[together], visit[together]
    changes = np.ones(len(shard), np.bool_)
    changes[1:] = (shard[1:] != shard[:-1]) | (visit[1:] != visit[:-1])
    return _Plan(
        order=order,
        rows=rows[starts][together],
        uses=np.bincount(order, minlength=len(together)),
        reading=np.cumsum(changes) - 1,
        shards=shard[changes],
        bounds=np.append(np.flatnonzero(changes), len(shard)),
    )


class _Waiting:
    """The signals that were read and are wanted later, and the shard that is being read."""

    def __init__(self, signals: StoredSignals, plan: _Plan) -> None:
        self._signals, self._plan = signals, plan
        self._uses = plan.uses.copy()
        self._open: tuple[int, Iterator[list[tuple[int, Int16]]]] | None = None
        self._kept: dict[int, Int16] = {}
        self._free: list[Int16] = []

    def copy(self, ticket: int, target: Int16) -> None:
        """Copy a signal, for which its shard is read on where it was not yet reached."""
        reading = int(self._plan.reading[ticket])
        while ticket not in self._kept:
            # Each shard that is open keeps a page in memory: one that was begun is read to its end first.
            self._read_on(reading)
        target[:] = self._kept[ticket]
        self._uses[ticket] -= 1
        if not self._uses[ticket]:
            self._free.append(self._kept.pop(ticket))

    def _read_on(self, reading: int) -> None:
        """Read on in the open shard; in that of a reading where none is open."""
        reading, parts = self._open or (reading, self._wanted(reading))
        found = next(parts)
        self._open = reading, parts
        if found and found[-1][0] + 1 == self._plan.bounds[reading + 1]:
            next(parts, None)  # nothing more is wanted: the shard is checked and closed
            self._open = None
        for ticket, signal in found:
            if not self._free:
                self._free.extend(np.empty((READ_AT_A_TIME, *signal.shape), np.int16))
            room = self._free.pop()
            room[:] = signal
            self._kept[ticket] = room

    def _wanted(self, reading: int) -> Iterator[list[tuple[int, Int16]]]:
        """What is wanted of each part of a shard, up to the last record that is."""
        number = int(self._plan.shards[reading])
        shard = self._signals.shards[number]
        first, last = self._plan.bounds[reading : reading + 2].tolist()
        places = self._plan.rows[first:last] - (self._signals.ends[number] - shard.records)
        start = 0
        for part in shard.read(self._signals.samples):
            low, high = np.searchsorted(places, [start, start + len(part)]).tolist()
            yield [
                (first + index, part[place - start])
                for index, place in zip(range(low, high), places[low:high].tolist(), strict=True)
            ]
            start += len(part)
            if places[-1] < start < shard.records:
                return
