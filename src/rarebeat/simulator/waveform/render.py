"""From events to a signal: each event's wave forms in eight leads, moved by respiration.

What is small is computed for many recordings at once: it costs NumPy more to be called than to do it. What is long, the
tables of the wave forms and the samples, is made recording by recording, and stays in the processor's cache.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np

from rarebeat.core.arithmetic import cube_root, exp_of, limit, norm, sine
from rarebeat.simulator.patients.streams import wave_stream
from rarebeat.simulator.rhythm.clocks import Breathing, Rng
from rarebeat.simulator.rhythm.events import AtrialFocus, Rhythm, VentricularFocus
from rarebeat.simulator.waveform.anatomy import Anatomy
from rarebeat.simulator.waveform.atrial_waves import add_atrial_waves
from rarebeat.simulator.waveform.beats import Waveform, p_wave, qrs_complex, t_wave
from rarebeat.simulator.waveform.gaussians import Events, Placed, Waves, add_pieces, place, read
from rarebeat.simulator.waveform.grid import Float, Grid
from rarebeat.simulator.waveform.leads import INDEPENDENT, DrawnWave, draw_wave, place_electrodes, see
from rarebeat.simulator.waveform.vectors import Array

_VENTRICULAR: tuple[VentricularFocus, ...] = (
    *("his", "aberrant", "focus-a", "focus-b", "escape", "pacemaker", "biventricular"),
)
_ATRIAL: tuple[AtrialFocus, ...] = ("sinus", "premature", "low", "left", "retrograde")
_SLOW_PLACES, _FAST_PLACES = 96, 160
"""Places of tables: 5 ms apart in P and T waves, 0.8 ms in a narrow QRS; between them they are interpolated."""
_JITTER = np.array([[0.012], [0.035], [0.012], [0.05]])
"""How much beats differ: stretch and size of the QRS, stretch and size of the T wave."""
_STRAIN = np.array([0.7, 0.9, -0.4])
"""Direction of the ST depression of fast hearts."""


@dataclass(frozen=True)
class Heart:
    """What does not change during a recording.

    Attributes:
        seed: of the cohort.
        number: of the patient: the wave forms are the same at every visit.
        anatomy: the patient's heart.
        matrix: (8, 3) leads of the visit.
        qtc: QT interval at 60 beats per minute, seconds.
        breathing: respiration.
        swing: turn of the heart with a breath, radians.
        depth: (8,) share by which a breath makes each lead larger or smaller.
    """

    seed: int
    number: int
    anatomy: Anatomy
    matrix: Array
    qtc: float
    breathing: Breathing
    swing: float
    depth: Array


@dataclass(frozen=True)
class Train:
    """One wave form and all times at which it occurs.

    Attributes:
        wave: as drawn for the recording.
        onsets: (events,) seconds.
        stretch: (events,) factor on all times of the wave form (the QT interval for T waves).
        gain: (events,) factor on its amplitudes.
    """

    wave: DrawnWave
    onsets: Array
    stretch: Array
    gain: Array


@dataclass(frozen=True)
class Drawing:
    """The events of a recording as eight leads, in millivolts.

    Attributes:
        slow: (8, places) P and T waves, f and F waves on the coarse grid.
        fast: (8, total) QRS complexes and pacing spikes on the samples, piece after piece.
        placed: the pieces of ``fast``.
    """

    slow: Float
    fast: Float
    placed: Placed


def render(
    hearts: Sequence[Heart], rhythms: Sequence[Rhythm], rngs: Sequence[Rng], grid: Grid
) -> Iterator[Drawing]:
    """Draw all events of recordings.

    Args:
        hearts: what does not change during each recording.
        rhythms: its events.
        rngs: its source of randomness.
        grid: samples, and the coarse grid.

    Yields:
        One drawing per recording; it depends on nothing of the others.
    """
    of_record = [
        sorted([*_atrial_trains(*one), *_ventricular_trains(*one)], key=_is_fast)
        for one in zip(hearts, rhythms, rngs, strict=True)
    ]
    trains = [train for own in of_record for train in own]
    matrices = np.repeat([heart.matrix for heart in hearts], [len(own) for own in of_record], axis=0)
    waves = _waves(trains, matrices)
    placed, shown = place(waves, _events(trains, grid))
    events_before = np.cumsum([0, *(len(train.onsets) for train in trains)])
    pieces_before = np.concatenate([[0], np.cumsum(shown)])[events_before].tolist()
    first = 0
    for heart, rhythm, rng, own in zip(hearts, rhythms, rngs, of_record, strict=True):
        last = first + len(own)
        border = last - sum(map(_is_fast, own))
        pieces = slice(pieces_before[first], pieces_before[last])
        values, times = read(waves, first, last, placed[pieces])
        leads = _breathe(heart, values, times)
        slow_pieces = placed[pieces.start : pieces_before[border]]
        split = int(slow_pieces.count.sum())
        slow = np.zeros((len(INDEPENDENT), grid.places), np.float32)
        add_pieces(slow, leads[:, :split], slow_pieces)
        if rhythm.waves:
            add_atrial_waves(slow, rhythm.waves, place_electrodes(rng, heart.matrix), rng, grid.times)
        yield Drawing(slow, leads[:, split:], placed[pieces_before[border] : pieces.stop])
        first = last


def _is_fast(train: Train) -> bool:
    """Drawn at every sample: QRS complexes and spikes. P and T waves are drawn on the coarse grid."""
    return train.wave.kind in ("qrs", "spike")


def _waves(trains: Sequence[Train], matrices: Array) -> Waves:
    """The Gaussians of all trains in eight leads and in X and Y of the dipole; ``matrices`` are those of each train."""
    seen = see([train.wave for train in trains])
    lead = (
        np.add.reduce(seen.vector[:, None, :] * np.repeat(matrices, seen.counts, axis=0), axis=2)
        + seen.residual
    )
    centre, width = (
        np.hstack([values, *[values.mean(axis=1, keepdims=True)] * 2]) for values in (seen.centre, seen.width)
    )
    places = np.array([_FAST_PLACES if _is_fast(train) else _SLOW_PLACES for train in trains])
    return Waves(seen.counts, places, centre, width, np.hstack([lead, seen.vector[:, :2]]).astype(np.float32))


def _events(trains: Sequence[Train], grid: Grid) -> Events:
    counts = [len(train.onsets) for train in trains]
    fast, slow = (0.0, 1 / grid.rate, grid.samples), (-grid.step, grid.step, grid.places)
    start, step, length = np.repeat([fast if _is_fast(train) else slow for train in trains], counts, axis=0).T
    onset, stretch, gain = (
        np.concatenate([getattr(train, name) for train in trains]) for name in ("onsets", "stretch", "gain")
    )
    return Events(np.repeat(np.arange(len(trains)), counts), onset, stretch, gain, start, step, length)


def _breathe(heart: Heart, values: Float, times: Array) -> Float:
    """Turn the heart with each breath and bring it nearer to the electrodes or farther from them.

    It turns by a small angle ``a`` in the frontal plane, with a little tilt to the back: the dipole changes by
    ``a * (-y, x, x / 2)``.

    Args:
        heart: with its respiration.
        values: (10, times): eight leads, and X and Y of the dipole; overwritten.
        times: (times,) seconds.

    Returns:
        (8, times).
    """
    leads, (x, y) = values[:8], values[8:]
    turns = times * heart.breathing.frequency + heart.breathing.phase / (2 * np.pi)
    breath = sine((turns - np.rint(turns)).astype(np.float32))
    matrix = (heart.swing * heart.matrix).astype(np.float32)
    leads += (matrix[:, 1, None] + matrix[:, 2, None] / 2) * (breath * x)
    leads -= matrix[:, 0, None] * (breath * y)
    depth = heart.depth.astype(np.float32)[:, None] * breath
    depth += np.float32(1)
    leads *= depth
    return leads


def _atrial_trains(heart: Heart, rhythm: Rhythm, rng: Rng) -> Iterator[Train]:
    onsets: dict[AtrialFocus, list[float]] = {}
    for one in rhythm.atrial:
        onsets.setdefault(one.focus, []).append(one.time)
    for focus, times in onsets.items():
        own = wave_stream(heart.seed, heart.number, _ATRIAL.index(focus))
        wave = draw_wave("p", p_wave(focus, heart.anatomy, own), own)
        stretch, gain = 1 + 0.04 * rng.standard_normal((2, len(times)))
        yield Train(wave, np.array(times), stretch, gain)
    yield from _spikes([one.time for one in rhythm.atrial if one.paced], rng)


def _ventricular_trains(heart: Heart, rhythm: Rhythm, rng: Rng) -> Iterator[Train]:
    beats = rhythm.ventricular
    times = [beat.time for beat in beats]
    qt = qt_intervals(times, heart.qtc)
    haste = _haste(times)
    jitter = 1 + _JITTER * rng.standard_normal((4, len(beats)))
    np.clip(jitter, 0.8, 1.2, out=jitter)
    shares: dict[VentricularFocus, list[tuple[int, float]]] = {}
    for index, beat in enumerate(beats):
        shares.setdefault(beat.focus, []).append((index, beat.share))
        if beat.share < 1:  # the rest of the ventricles
            shares.setdefault("his", []).append((index, 1 - beat.share))
    onsets = np.array(times)
    for focus, share in shares.items():
        chosen = [index for index, _ in share]
        part = np.array([size for _, size in share])
        own = wave_stream(heart.seed, heart.number, 8 + _VENTRICULAR.index(focus))
        qrs = qrs_complex(focus, heart.anatomy, own)
        repolarisation = t_wave(focus, qrs, heart.anatomy, own)
        repolarisation.vector[1:] *= 1 - 0.5 * haste
        repolarisation.vector[0] -= (rhythm.strain + 0.05 * haste) * _STRAIN
        late = max(0.0, float(qrs.centre[-1]) - 0.08)
        own_jitter = jitter[:, chosen]
        yield Train(draw_wave("qrs", qrs, own), onsets[chosen], own_jitter[0], part * own_jitter[1])
        stretch = (qt[chosen] + late) * own_jitter[2]
        yield Train(draw_wave("t", repolarisation, own), onsets[chosen], stretch, part * own_jitter[3])
    yield from _spikes([beat.time for beat in beats if beat.origin == "pacemaker"], rng)
    both = [beat.time for beat in beats if beat.focus == "biventricular"]
    if both:  # the other ventricle is paced a little later, or at once with the same spike
        later = max(0.0, wave_stream(heart.seed, heart.number, 8 + len(_VENTRICULAR)).uniform(-0.03, 0.06))
        yield from _spikes([time + later for time in both], rng)


def _haste(times: list[float]) -> float:
    """From 0 at rest to 1 at 150 beats per minute: fast hearts have small T waves and a lower ST segment."""
    if len(times) < 2:
        return 0.0
    rate = 60 / median(later - time for time, later in pairwise(times))
    return limit((rate - 75) / 75, 0.0, 1.0)


def _spikes(times: list[float], rng: Rng) -> Iterator[Train]:
    """Pacing spikes: two milliseconds, from hardly visible (bipolar) to large (unipolar)."""
    if not times:
        return
    direction, size = rng.standard_normal(3), rng.normal(-0.7, 0.8)
    vector = direction / norm(direction) * limit(exp_of(size), 0.1, 3.0)
    spike = Waveform(np.array([-0.002]), np.array([0.0012]), vector[None])
    alike = np.ones(len(times))
    yield Train(draw_wave("spike", spike, rng), np.array(times), alike, alike)


def qt_intervals(times: Sequence[float] | Array, qtc: float) -> Array:
    """QT interval of each beat, seconds: Fridericia's cube root of an RR interval that adapts slowly.

    Args:
        times: (beats,) QRS onsets, seconds.
        qtc: QT interval at an RR interval of one second.

    Returns:
        (beats,) seconds.
    """
    if not len(times):
        return np.empty(0)
    between = [later - time for time, later in pairwise(times)]
    intervals = [median(between) if between else 1.0, *between]
    memory = median(intervals)
    adapted = []
    for interval in intervals:
        memory += 0.15 * (limit(interval, 0.25, 2.0) - memory)
        adapted.append(memory)
    return qtc * cube_root(np.array(adapted))
