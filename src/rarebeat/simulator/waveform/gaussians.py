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
    tables, starts, steps = _tabulate([train.waveform for train in trains], matrix)
    for train, table, start, step in zip(trains, tables, starts, steps, strict=True):
        begin, end = (train.onsets + place * train.stretch for place in (start, start + (GRID - 1) * step))
        shown = (end > 0) & (begin < samples / rate)
        if not shown.any():
            continue
        first, drawn = _read(table, begin[shown], step * train.stretch[shown], rate)
        drawn *= train.gain[shown].astype(np.float32)[:, None]
        count = drawn.shape[2]
        for event, place in enumerate(first.tolist()):
            low, high = max(place, 0), min(place + count, samples)
            if low < high:
                canvas[:, low:high] += drawn[:, event, low - place : high - place]
    return canvas


def _read(table: Canvas, start: Array, step: Array, rate: float) -> tuple[npt.NDArray[np.int_], Canvas]:
    """Interpolate a table, (10, GRID), at the samples of its events.

    Args:
        table: a wave form; it is zero at both ends.
        start: (events,) second of its first place.
        step: (events,) seconds from place to place.
        rate: samples per second.

    Returns:
        The first sample of each event, and (10, events, samples) millivolts.
    """
    first = np.ceil(start * rate)
    count = int((GRID - 1) * step.max() * rate) + 1
    place = np.arange(count) * (1 / (rate * step))[:, None]
    place += ((first / rate - start) / step)[:, None]
    np.minimum(place, GRID - 1, out=place)
    below = place.astype(np.int64)
    place -= below
    rise = np.diff(table, axis=1, append=table[:, -1:])
    values, rises = np.split(np.concatenate([table, rise]).take(below, axis=1), 2)
    rises *= place.astype(np.float32)
    values += rises
    return first.astype(int), values


def _tabulate(waveforms: Sequence[LeadWaveform], matrix: Array) -> tuple[list[Canvas], Array, Array]:
    """Wave forms on grids of their own times.

    Returns:
        A table (10, GRID) for each, millivolts as in :func:`draw_trains`, and the start and the step of each grid.
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
    tables = [np.add.reduce(bells[part], axis=0) for part in parts]
    for table in tables:
        table[:, -1] = 0.0  # an event that is shorter than the others of its train ends on it
    return tables, starts, steps


def _with_dipole(of_leads: Sequence[Canvas]) -> Array:
    """Centres or widths of all Gaussians in eight leads, and, twice, in the dipole: the mean of the leads."""
    values = np.concatenate(of_leads).astype(np.float64)
    mean = values.mean(axis=1, keepdims=True)
    return np.hstack([values, mean, mean])
