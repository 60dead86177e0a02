"""From events to a signal: every wave is added to the eight independent leads in its own short window."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.simulator.patients.patients import STREAMS
from rarebeat.simulator.rhythm.clocks import Breathing, Rng
from rarebeat.simulator.rhythm.events import AtrialFocus, Rhythm, Ventricular, VentricularFocus
from rarebeat.simulator.waveform.anatomy import Anatomy
from rarebeat.simulator.waveform.atrial_waves import add_atrial_waves
from rarebeat.simulator.waveform.beats import p_wave, qrs_complex, t_wave
from rarebeat.simulator.waveform.leads import INDEPENDENT, LeadWaveform, place_electrodes, see, see_qrs, see_t
from rarebeat.simulator.waveform.vectors import Array

Canvas = npt.NDArray[np.float32]

MARGIN = 1.2
"""Seconds drawn before and after the recording, so that waves are cut off by its ends and not missing."""
REACH = 3.5
"""Standard deviations at which a Gaussian ends."""

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
    """Draw all events.

    Returns:
        float32 (8, samples) in millivolts, leads as :data:`rarebeat.simulator.waveform.leads.INDEPENDENT`.
    """
    samples = round(seconds * rate)
    margin = round(MARGIN * rate)
    canvas = np.zeros((len(INDEPENDENT), samples + 2 * margin), np.float32)
    pen = Pen(canvas, rate, margin, heart)
    _draw_atria(pen, rhythm, rng)
    _draw_ventricles(pen, rhythm, rng)
    shown = canvas[:, margin : margin + samples]
    if rhythm.waves:
        add_atrial_waves(shown, rhythm.waves, place_electrodes(rng, heart.matrix), rng, rate)
    return shown


@dataclass(frozen=True)
class Pen:
    """Where and how events are drawn."""

    canvas: Canvas
    rate: float
    margin: int
    heart: Heart

    def wave(self, waveform: LeadWaveform, onsets: Array, stretch: Array, gain: Array) -> None:
        """Add one wave form at several onsets.

        Args:
            waveform: its Gaussians.
            onsets: (events,) seconds.
            stretch: (events,) factor on all times (the QT interval for T waves).
            gain: (events,) factor on amplitudes.
        """
        end_of_canvas = self.canvas.shape[1] / self.rate - self.margin / self.rate
        shown = (onsets > -MARGIN) & (onsets < end_of_canvas)
        onsets, stretch, gain = onsets[shown], stretch[shown], gain[shown]
        if not len(onsets):
            return
        start = min(0.0, float((waveform.centre - REACH * waveform.width).min())) * float(stretch.max())
        end = float((waveform.centre + REACH * waveform.width).max()) * float(stretch.max())
        count = math.ceil((end - start) * self.rate) + 1
        first = np.floor((onsets + start) * self.rate).astype(int)
        times = (first[:, None] + np.arange(count)) / self.rate - onsets[:, None]
        relative = (times / stretch[:, None]).astype(np.float32)
        shape = relative[:, None, None, :] - waveform.centre[None, :, :, None]
        shape /= waveform.width[None, :, :, None]
        np.square(shape, out=shape)
        shape *= -0.5
        np.exp(shape, out=shape)
        amplitude = (self._amplitudes(waveform, onsets) * gain[:, None, None]).astype(np.float32)
        beats = np.einsum("ekl,eklt->elt", amplitude, shape)
        for begin, beat in zip(first + self.margin, beats, strict=True):
            low, high = max(begin, 0), min(begin + count, self.canvas.shape[1])
            self.canvas[:, low:high] += beat[:, low - begin : high - begin]

    def _amplitudes(self, waveform: LeadWaveform, onsets: Array) -> Array:
        """(events, waves, 8) millivolts: the dipole, turned by respiration, in the leads, plus residual."""
        heart = self.heart
        angle = heart.swing * np.sin(2 * np.pi * heart.breathing.frequency * onsets + heart.breathing.phase)
        x, y, z = waveform.vector.T
        one, cos, sin = np.ones_like(angle)[:, None], np.cos(angle)[:, None], np.sin(angle)[:, None]
        turned = np.stack([cos * x - sin * y, sin * x + cos * y, one * z + 0.5 * sin * x], axis=2)
        gain = 1 + (angle / max(heart.swing, 1e-6))[:, None] * heart.depth
        return np.asarray(gain[:, None, :] * (turned @ heart.matrix.T + waveform.residual))


def _waveform_rng(heart: Heart, number: int) -> Rng:
    """Randomness of one wave form of a patient; the same whatever else the recording holds."""
    return np.random.default_rng([heart.seed, STREAMS["waves"], heart.number, number])


def _draw_atria(pen: Pen, rhythm: Rhythm, rng: Rng) -> None:
    heart = pen.heart
    for number, focus in enumerate(_ATRIAL):
        onsets = np.array([one.time for one in rhythm.atrial if one.focus == focus])
        if len(onsets):
            own = _waveform_rng(heart, number)
            waveform = see(p_wave(focus, heart.anatomy, own), own)
            jitter = rng.normal(1, 0.04, (2, len(onsets)))
            pen.wave(waveform, onsets, jitter[0], jitter[1])
    _draw_spikes(pen, np.array([one.time for one in rhythm.atrial if one.paced]), rng)


def _draw_ventricles(pen: Pen, rhythm: Rhythm, rng: Rng) -> None:
    beats = rhythm.ventricular
    times = np.array([beat.time for beat in beats])
    qt = qt_intervals(times, pen.heart.qtc)
    haste = _haste(times)
    jitter = np.clip(rng.normal(1, [[0.012], [0.035], [0.012], [0.05]], (4, len(beats))), 0.8, 1.2)
    for number, focus in enumerate(_VENTRICULAR):
        share = np.array([_share(beat, focus) for beat in beats])
        chosen = share > 0
        if not chosen.any():
            continue
        own = _waveform_rng(pen.heart, 8 + number)
        qrs = qrs_complex(focus, pen.heart.anatomy, own)
        repolarisation = t_wave(focus, qrs, pen.heart.anatomy, own)
        repolarisation.vector[1:] *= 1 - 0.5 * haste
        repolarisation.vector[0] -= (rhythm.strain + 0.05 * haste) * np.array([0.7, 0.9, -0.4])
        late = max(0.0, float(qrs.centre[-1]) - 0.08)
        onsets, part = times[chosen], share[chosen]
        pen.wave(see_qrs(qrs, own), onsets, jitter[0, chosen], part * jitter[1, chosen])
        pen.wave(
            see_t(repolarisation, own),
            onsets,
            (qt[chosen] + late) * jitter[2, chosen],
            part * jitter[3, chosen],
        )
    _draw_spikes(pen, np.array([beat.time for beat in beats if beat.origin == "pacemaker"]), rng)
    both = np.array([beat.time for beat in beats if beat.focus == "biventricular"])
    if len(both):  # the other ventricle is paced a little later, or at once with the same spike
        later = max(0.0, _waveform_rng(pen.heart, 8 + len(_VENTRICULAR)).uniform(-0.03, 0.06))
        _draw_spikes(pen, both + later, rng)


def _haste(times: Array) -> float:
    """From 0 at rest to 1 at 150 beats per minute: fast hearts have small T waves and a lower ST segment."""
    if len(times) < 2:
        return 0.0
    return float(np.clip((60 / np.median(np.diff(times)) - 75) / 75, 0, 1))


def _share(beat: Ventricular, focus: str) -> float:
    """The part of a beat that activation through ``focus`` makes up."""
    if beat.focus == focus:
        return beat.share
    return 1 - beat.share if focus == "his" else 0.0


def _draw_spikes(pen: Pen, onsets: Array, rng: Rng) -> None:
    """Pacing spikes: two milliseconds, from hardly visible (bipolar) to large (unipolar)."""
    direction = rng.standard_normal(3)
    vector = direction / np.linalg.norm(direction) * np.clip(rng.lognormal(-0.7, 0.8), 0.1, 3.0)
    shape = (1, len(INDEPENDENT))
    spike = LeadWaveform(
        np.full(shape, -0.002, np.float32), np.full(shape, 0.0012, np.float32), vector[None], np.zeros(shape)
    )
    pen.wave(spike, onsets, np.ones(len(onsets)), np.ones(len(onsets)))


def qt_intervals(times: Array, qtc: float) -> Array:
    """QT interval of each beat, seconds: Fridericia's cube root of an RR interval that adapts slowly.

    Args:
        times: (beats,) QRS onsets, seconds.
        qtc: QT interval at an RR interval of one second.
    """
    if not len(times):
        return times
    intervals = np.diff(
        times, prepend=times[0] - np.median(np.diff(times)) if len(times) > 1 else times[0] - 1
    )
    memory = float(np.median(intervals))
    adapted = np.empty(len(times))
    for index, interval in enumerate(np.clip(intervals, 0.25, 2.0)):
        memory += 0.15 * (interval - memory)
        adapted[index] = memory
    return np.asarray(qtc * np.cbrt(adapted))
