"""All wave forms of a recording as sums of Gaussians, sampled at once.

Each wave form is tabulated once, with all of its Gaussians, on a grid of its own times. Every beat then reads that
table at the times of its samples, stretched and scaled as it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.core.arithmetic import exp_minus, product
from rarebeat.simulator.waveform.leads import LeadWaveform
from rarebeat.simulator.waveform.vectors import Array

Canvas = npt.NDArray[np.float32]

GRID = 240
"""Places of a table: 0.5 ms apart in a narrow QRS, 2.5 ms in a T wave; between them it is interpolated."""
REACH = 3.5
"""Standard deviations at which a Gaussian ends."""


@dataclass(frozen=True)
class Train:
    """One wave form and all times at which it occurs.

    Attributes:
        waveform: its Gaussians.
        onsets: (events,) seconds.
        stretch: (events,) factor on all times of the wave form (the QT interval for T waves).
        gain: (events,) factor on its amplitudes.
    """

    waveform: LeadWaveform
    onsets: Array
    stretch: Array
    gain: Array


def draw_trains(trains: Sequence[Train], matrix: Array, samples: int, rate: float) -> Canvas:
    """Sample wave forms at their onsets.

    Args:
        trains: what occurs, and when.
        matrix: (8, 3) leads.
        samples: length, from time zero.
        rate: samples per second.

    Returns:
        float32 (10, samples) in millivolts: eight leads, and X and Y of the dipole.
    """
    canvas = np.zeros((len(matrix) + 2, samples), np.float32)
    trains = [train for train in trains if len(train.onsets)]
    if not trains:
        return canvas
    table, starts, steps = _tabulate([train.waveform for train in trains], matrix)
    kind = np.repeat(np.arange(len(trains)), [len(train.onsets) for train in trains])
    onsets, stretch, gain = (
        np.concatenate([getattr(train, name) for train in trains]) for name in ("onsets", "stretch", "gain")
    )
    begin, step = onsets + starts[kind] * stretch, steps[kind] * stretch
    first = np.maximum(np.ceil(begin * rate), 0).astype(int)
    last = np.minimum(np.floor((begin + (GRID - 1) * step) * rate), samples - 1).astype(int)
    count = np.maximum(last - first + 1, 0)
    ends = np.cumsum(count)
    place = np.repeat((first / rate - begin) / step, count)
    place += (np.arange(ends[-1]) - np.repeat(ends - count, count)) * np.repeat(1 / (rate * step), count)
    drawn = _read(table, np.repeat(kind, count), place)
    drawn *= np.repeat(gain.astype(np.float32), count)
    for start, stop, end, length in zip(first, first + count, ends, count, strict=True):
        canvas[:, start:stop] += drawn[:, end - length : end]
    return canvas


def _read(table: Canvas, kind: npt.NDArray[np.int_], place: Array) -> Canvas:
    """Interpolate: the rows of a table (rows, kinds, GRID) at places of one of its kinds each."""
    np.clip(place, 0, GRID - 1.001, out=place)
    below = place.astype(int)
    share = (place - below).astype(np.float32)
    below += kind * GRID
    flat = table.reshape(len(table), -1)
    rise = np.zeros_like(flat)
    np.subtract(flat[:, 1:], flat[:, :-1], out=rise[:, :-1])
    values = rise.take(below, axis=1)
    values *= share
    values += flat.take(below, axis=1)
    return values


def _tabulate(waveforms: Sequence[LeadWaveform], matrix: Array) -> tuple[Canvas, Array, Array]:
    """Wave forms on grids of their own times.

    Returns:
        (10, wave forms, GRID) millivolts as in :func:`draw_trains`, and the start and the step of each grid.
    """
    centre = _with_dipole([one.centre for one in waveforms])
    width = _with_dipole([one.width for one in waveforms])
    vector = np.concatenate([one.vector for one in waveforms])
    residual = np.concatenate([one.residual for one in waveforms])
    amplitude = np.hstack([product(vector, matrix.T) + residual, vector[:, :2]]).astype(np.float32)
    ends = np.cumsum([len(one.centre) for one in waveforms])
    parts = [slice(end - len(one.centre), end) for one, end in zip(waveforms, ends, strict=True)]
    reach = REACH * width
    low, high = centre - reach, centre + reach
    starts = np.array([low[part].min() for part in parts])
    steps = (np.array([high[part].max() for part in parts]) - starts) / (GRID - 1)
    of_wave = np.repeat(np.arange(len(parts)), [part.stop - part.start for part in parts])[:, None]
    scale = 1 / (math.sqrt(2) * width)
    bells = (steps[of_wave] * scale).astype(np.float32)[:, :, None] * np.arange(GRID, dtype=np.float32)
    bells += ((starts[of_wave] - centre) * scale).astype(np.float32)[:, :, None]
    bells *= bells
    bells = exp_minus(bells)
    bells *= amplitude[:, :, None]
    return np.stack([bells[part].sum(axis=0) for part in parts], axis=1), starts, steps


def _with_dipole(of_leads: Sequence[Canvas]) -> Array:
    """Centres or widths of all Gaussians in eight leads, and, twice, in the dipole: the mean of the leads."""
    values = np.concatenate(of_leads).astype(np.float64)
    mean = values.mean(axis=1, keepdims=True)
    return np.hstack([values, mean, mean])
