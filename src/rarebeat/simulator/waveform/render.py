"""From events to a signal: each event's wave forms in eight leads, moved by respiration."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np

from rarebeat.core.arithmetic import cube_root, exp_of, limit, norm, sine
from rarebeat.simulator.patients.patients import STREAMS
from rarebeat.simulator.rhythm.clocks import Breathing, Rng
from rarebeat.simulator.rhythm.events import AtrialFocus, Rhythm, Ventricular, VentricularFocus
from rarebeat.simulator.waveform.anatomy import Anatomy
from rarebeat.simulator.waveform.atrial_waves import add_atrial_waves
from rarebeat.simulator.waveform.beats import p_wave, qrs_complex, t_wave
from rarebeat.simulator.waveform.gaussians import Canvas, Train, draw_trains
from rarebeat.simulator.waveform.leads import INDEPENDENT, LeadWaveform, place_electrodes, see, see_qrs, see_t
from rarebeat.simulator.waveform.vectors import Array

_VENTRICULAR: tuple[VentricularFocus, ...] = (
    *("his", "aberrant", "focus-a", "focus-b", "escape", "pacemaker", "biventricular"),
)
_ATRIAL: tuple[AtrialFocus, ...] = ("sinus", "premature", "low", "left", "retrograde")


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


def render(heart: Heart, rhythm: Rhythm, rng: Rng, rate: float, seconds: float) -> Canvas:
    """Draw all events of a recording.

    Args:
        heart: what does not change during the recording.
        rhythm: its events.
        rng: source of randomness of the recording.
        rate: samples per second.
        seconds: length.

    Returns:
        float32 (8, samples) in millivolts, leads as :data:`rarebeat.simulator.waveform.leads.INDEPENDENT`.
    """
    samples = round(seconds * rate)
    trains = [*_atrial_trains(heart, rhythm, rng), *_ventricular_trains(heart, rhythm, rng)]
    leads = _breathe(heart, draw_trains(trains, heart.matrix, samples, rate), rate)
    if rhythm.waves:
        add_atrial_waves(leads, rhythm.waves, place_electrodes(rng, heart.matrix), rng, rate)
    return leads


def _breathe(heart: Heart, canvas: Canvas, rate: float) -> Canvas:
    """Turn the heart with each breath and bring it nearer to the electrodes or farther from them.

    It turns by a small angle ``a`` in the frontal plane, with a little tilt to the back: the dipole changes by
    ``a * (-y, x, x / 2)``.
    """
    leads, (x, y) = canvas[:8], canvas[8:]
    turns = np.arange(canvas.shape[1]) * (heart.breathing.frequency / rate) + heart.breathing.phase / (
        2 * np.pi
    )
    breath = sine((turns - np.rint(turns)).astype(np.float32))
    matrix = (heart.swing * heart.matrix).astype(np.float32)
    leads += (matrix[:, 1, None] + matrix[:, 2, None] / 2) * (breath * x)
    leads -= matrix[:, 0, None] * (breath * y)
    depth = heart.depth.astype(np.float32)[:, None] * breath
    depth += np.float32(1)
    leads *= depth
    return leads


def _waveform_rng(heart: Heart, number: int) -> Rng:
    """Randomness of one wave form of a patient; the same whatever else the recording holds."""
    return np.random.default_rng([heart.seed, STREAMS["waves"], heart.number, number])


def _atrial_trains(heart: Heart, rhythm: Rhythm, rng: Rng) -> Iterator[Train]:
    for number, focus in enumerate(_ATRIAL):
        onsets = np.array([one.time for one in rhythm.atrial if one.focus == focus])
        if len(onsets):
            own = _waveform_rng(heart, number)
            waveform = see(p_wave(focus, heart.anatomy, own), own)
            stretch, gain = rng.normal(1, 0.04, (2, len(onsets)))
            yield Train(waveform, onsets, stretch, gain)
    yield from _spikes([one.time for one in rhythm.atrial if one.paced], rng)


def _ventricular_trains(heart: Heart, rhythm: Rhythm, rng: Rng) -> Iterator[Train]:
    beats = rhythm.ventricular
    times = np.array([beat.time for beat in beats])
    qt = qt_intervals(times, heart.qtc)
    haste = _haste(times)
    jitter = np.clip(rng.normal(1, [[0.012], [0.035], [0.012], [0.05]], (4, len(beats))), 0.8, 1.2)
    present = {beat.focus for beat in beats}
    if any(beat.share < 1 for beat in beats):
        present.add("his")
    for number, focus in enumerate(_VENTRICULAR):
        if focus not in present:
            continue
        share = np.array([_share(beat, focus) for beat in beats])
        chosen = share > 0
        own = _waveform_rng(heart, 8 + number)
        qrs = qrs_complex(focus, heart.anatomy, own)
        repolarisation = t_wave(focus, qrs, heart.anatomy, own)
        repolarisation.vector[1:] *= 1 - 0.5 * haste
        repolarisation.vector[0] -= (rhythm.strain + 0.05 * haste) * np.array([0.7, 0.9, -0.4])
        late = max(0.0, float(qrs.centre[-1]) - 0.08)
        onsets, part = times[chosen], share[chosen]
        yield Train(see_qrs(qrs, own), onsets, jitter[0, chosen], part * jitter[1, chosen])
        stretch = (qt[chosen] + late) * jitter[2, chosen]
        yield Train(see_t(repolarisation, own), onsets, stretch, part * jitter[3, chosen])
    yield from _spikes([beat.time for beat in beats if beat.origin == "pacemaker"], rng)
    both = [beat.time for beat in beats if beat.focus == "biventricular"]
    if both:  # the other ventricle is paced a little later, or at once with the same spike
        later = max(0.0, _waveform_rng(heart, 8 + len(_VENTRICULAR)).uniform(-0.03, 0.06))
        yield from _spikes([time + later for time in both], rng)


def _haste(times: Array) -> float:
    """From 0 at rest to 1 at 150 beats per minute: fast hearts have small T waves and a lower ST segment."""
    if len(times) < 2:
        return 0.0
    rate = 60 / float(median(np.diff(times).tolist()))
    return limit((rate - 75) / 75, 0.0, 1.0)


def _share(beat: Ventricular, focus: str) -> float:
    """The part of a beat that activation through ``focus`` makes up."""
    if beat.focus == focus:
        return beat.share
    return 1 - beat.share if focus == "his" else 0.0


def _spikes(times: list[float], rng: Rng) -> Iterator[Train]:
    """Pacing spikes: two milliseconds, from hardly visible (bipolar) to large (unipolar)."""
    direction, size = rng.standard_normal(3), rng.normal(-0.7, 0.8)
    if not times:
        return
    vector = direction / norm(direction) * limit(exp_of(size), 0.1, 3.0)
    shape = (1, len(INDEPENDENT))
    spike = LeadWaveform(
        np.full(shape, -0.002, np.float32), np.full(shape, 0.0012, np.float32), vector[None], np.zeros(shape)
    )
    yield Train(spike, np.array(times), np.ones(len(times)), np.ones(len(times)))


def qt_intervals(times: Array, qtc: float) -> Array:
    """QT interval of each beat, seconds: Fridericia's cube root of an RR interval that adapts slowly.

    Args:
        times: (beats,) QRS onsets, seconds.
        qtc: QT interval at an RR interval of one second.

    Returns:
        (beats,) seconds.
    """
    if not len(times):
        return times
    between = np.diff(times).tolist()
    usual = median(between) if between else 1.0
    intervals = [usual, *between]
    memory = median(intervals)
    adapted = []
    for interval in intervals:
        memory += 0.15 * (limit(interval, 0.25, 2.0) - memory)
        adapted.append(memory)
    return qtc * np.array([cube_root(interval) for interval in adapted])
