"""Wave forms as sums of Gaussians: each is tabulated once, and every beat reads its table, stretched and scaled."""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from rarebeat.core.arithmetic import exp_minus
from rarebeat.simulator.waveform.grid import Float
from rarebeat.simulator.waveform.vectors import Array

Whole = npt.NDArray[np.int64]

REACH = 3.5
"""Standard deviations at which a Gaussian ends."""


@dataclass(frozen=True)
class Waves:
    """Wave forms, the Gaussians of one after those of the other, and how finely each is to be tabulated.

    Attributes:
        counts: (waves,) Gaussians of each.
        places: (waves,) of its table.
        centre: (Gaussians, rows).
        width: (Gaussians, rows) standard deviations.
        amplitude: (Gaussians, rows).
    """

    counts: Whole
    places: Whole
    centre: Float
    width: Float
    amplitude: Float

    @cached_property
    def span(self) -> tuple[Array, Array]:
        """Time of the first place of each table, and from place to place: (waves,) each."""
        begins = np.cumsum(self.counts) - self.counts
        reach = np.float32(REACH) * self.width
        start = np.minimum.reduceat((self.centre - reach).min(axis=1), begins).astype(np.float64)
        stop = np.maximum.reduceat((self.centre + reach).max(axis=1), begins)
        return start, (stop - start) / (self.places - 1)


@dataclass(frozen=True)
class Events:
    """When wave forms occur, and on which grid of time each is to be drawn.

    Attributes:
        wave: (events,) which wave form.
        onset: (events,) seconds.
        stretch: (events,) factor on all times of the wave form (the QT interval for T waves).
        gain: (events,) factor on its amplitudes.
        start: (events,) second of the first place of the grid.
        step: (events,) seconds from place to place of the grid.
        length: (events,) places of the grid.
    """

    wave: Whole
    onset: Array
    stretch: Array
    gain: Array
    start: Array
    step: Array
    length: Whole


@dataclass(frozen=True)
class Placed:
    """The events that their grids show, each with the piece of its grid that it takes.

    Attributes:
        wave: (events,) which wave form.
        first: (events,) first place of the grid.
        count: (events,) places of the grid, at least one.
        gain: (events,) factor on the amplitudes.
        lines: (4, events) how far the first place is into the table, in places of the table, and how far it goes on
            from place to place; the second of the first place, and seconds from place to place.
    """

    wave: Whole
    first: Whole
    count: Whole
    gain: Float
    lines: Array

    def __getitem__(self, part: slice | npt.NDArray[np.bool_]) -> "Placed":
        return Placed(
            self.wave[part], self.first[part], self.count[part], self.gain[part], self.lines[:, part]
        )


def place(waves: Waves, events: Events) -> tuple[Placed, npt.NDArray[np.bool_]]:
    """Find the pieces of their grids that events take.

    Returns:
        Those that take any, and (events,) which of the events they are.
    """
    table_start, table_step = (values[events.wave] * events.stretch for values in waves.span)
    begin = events.onset + table_start - events.start
    end = begin + (waves.places[events.wave] - 1) * table_step
    first = np.maximum(np.ceil(begin / events.step), 0.0)
    count = np.minimum(np.floor(end / events.step), events.length - 1) - first + 1
    shown = count > 0
    time = first * events.step
    lines = np.stack(
        [(time - begin) / table_step, events.step / table_step, time + events.start, events.step]
    )
    gain = events.gain.astype(np.float32)
    placed = Placed(events.wave, first.astype(np.int64), count.astype(np.int64), gain, lines)
    return placed[shown], shown


def read(waves: Waves, first: int, last: int, placed: Placed) -> tuple[Float, Array]:
    """Draw events of some wave forms that follow each other.

    Args:
        waves: all wave forms.
        first: of those that occur.
        last: the one after them.
        placed: the events.

    Returns:
        (rows, total) amplitudes, piece after piece, and (total,) their times in seconds.
    """
    table = _tabulate(waves, first, last)
    places = waves.places[first:last]
    offset = np.cumsum(places) - places
    of_event = placed.wave - first
    count = placed.count
    at, rate, time, step = np.repeat(placed.lines, count, axis=1)
    within = np.arange(at.size) - np.repeat(np.cumsum(count) - count, count)
    at += within * rate
    np.minimum(at, np.repeat(places[of_event] - 1, count), out=at)
    below = at.astype(np.int64)
    at -= below
    below += np.repeat(offset[of_event], count)
    values = table.take(below, axis=1, mode="clip")
    rise = np.empty_like(table)
    np.subtract(table[:, 1:], table[:, :-1], out=rise[:, :-1])  # the last place of a table is never left
    rise[:, -1] = 0.0
    values += rise.take(below, axis=1, mode="clip") * at.astype(np.float32)
    values *= np.repeat(placed.gain, count)
    time += within * step
    return values, time


def _tabulate(waves: Waves, first: int, last: int) -> Float:
    """Tables of some wave forms that follow each other, zero at the end of each: (rows, places of all of them)."""
    counts, places = waves.counts[first:last].tolist(), waves.places[first:last].tolist()
    begin = int(waves.counts[:first].sum())
    rows = slice(begin, begin + sum(counts))
    start, step = (np.repeat(values[first:last].astype(np.float32), counts)[:, None] for values in waves.span)
    scale = np.float32(1 / math.sqrt(2)) / waves.width[rows]
    rate, distance = (step * scale)[:, :, None], ((start - waves.centre[rows]) * scale)[:, :, None]
    amplitude = waves.amplitude[rows, :, None]
    table = np.empty((amplitude.shape[1], sum(places)), np.float32)
    gaussian = place = 0
    for length, group in groupby(zip(places, counts, strict=True), key=itemgetter(0)):
        own_counts = [count for _, count in group]
        own = slice(gaussian, gaussian + sum(own_counts))
        bells = rate[own] * np.arange(length, dtype=np.float32)
        bells += distance[own]
        bells *= bells
        bells = exp_minus(bells)
        bells *= amplitude[own]
        bells[:, :, -1] = 0.0
        within = 0
        for count in own_counts:
            np.add.reduce(bells[within : within + count], axis=0, out=table[:, place : place + length])
            within, place = within + count, place + length
        gaussian = own.stop
    return table


def add_pieces(canvas: Float, values: Float, placed: Placed, spacing: int = 1) -> None:
    """Add pieces of a signal to the signal.

    Args:
        canvas: (rows, places) on their grid, or on every place of it that is a multiple of ``spacing``.
        values: (rows, total), piece after piece.
        placed: the pieces.
        spacing: in places.
    """
    begin = 0
    for first, count in zip(placed.first.tolist(), placed.count.tolist(), strict=True):
        start, stop = -(-first // spacing), -(-(first + count) // spacing)
        shown = canvas[:, start:stop]
        shown += values[:, begin + start * spacing - first : begin + count : spacing]
        begin += count
