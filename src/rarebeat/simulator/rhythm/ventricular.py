"""Rhythms in which the ventricles are driven from within, by a focus or by a pacemaker's electrode."""

from dataclasses import replace

from rarebeat.simulator.rhythm import ectopy
from rarebeat.simulator.rhythm.atrial import fibrillatory_waves
from rarebeat.simulator.rhythm.clocks import steady_clock
from rarebeat.simulator.rhythm.conduction import RECOVERY, compete, conduct, merge
from rarebeat.simulator.rhythm.episode import Episode
from rarebeat.simulator.rhythm.events import Atrial, Rhythm, Ventricular, VentricularFocus

_DEVICES = {"one chamber": 0.44, "two chambers": 0.50, "both ventricles": 0.06}
_RESYNCHRONISED = 0.40
"""Weight of pacing both ventricles in heart failure, beside the weights of the other devices."""
_MODES = {
    "one chamber": {"ventricular": 0.80, "demand": 0.20},
    "two chambers": {"atrial sensed": 0.52, "dual": 0.29, "atrial": 0.19},
    "both ventricles": {"atrial sensed": 0.65, "dual": 0.15, "ventricular": 0.20},
}
"""What a device is seen to do: it stays, the mode is that of the day."""


def tachycardia(episode: Episode) -> Rhythm:
    """Ventricular tachycardia: a run, or sustained with atria dissociated, capturing or led backwards."""
    rng = episode.rng
    atrial = [Atrial(time) for time in episode.sinus(rng.uniform(62, 98))]
    conducted = conduct(rng, atrial, episode.pr)
    variant = episode.choose({"run": 0.35, "dissociated": 0.35, "captures": 0.1, "retrograde": 0.2})
    if variant == "run":
        return Rhythm(
            "ventricular_tachycardia", variant, atrial, ectopy.add_run(rng, conducted, episode.seconds)
        )
    times = steady_clock(rng, rng.uniform(115, 220), episode.span, 0.01)
    beats = [Ventricular(time, "ventricle", "focus-a") for time in times]
    if variant == "captures":  # now and then a sinus impulse arrives just when the focus fires
        arriving = [beat for beat in conducted if min(abs(beat.time - time) for time in times) < 0.045]
        beats = merge(arriving[::2], beats, RECOVERY)
    if variant == "retrograde":
        atrial = [Atrial(time + 0.13, "retrograde") for time in times]
    return Rhythm("ventricular_tachycardia", variant, atrial, beats)


def idioventricular(episode: Episode) -> Rhythm:
    """A ventricular focus: slow escape, accelerated, or competing with a sinus node of similar rate."""
    rng = episode.rng
    variant = episode.choose({"escape": 0.4, "accelerated": 0.4, "competing": 0.2})
    rate = rng.uniform(28, 45) if variant == "escape" else rng.uniform(58, 105)
    if variant == "competing":
        atrial = [Atrial(time) for time in episode.sinus(rate - rng.uniform(1, 5), 0.02)]
        beats = compete(conduct(rng, atrial, episode.pr), 60 / rate, episode.span, "ventricle", "escape")
        return Rhythm("idioventricular", variant, atrial, beats)
    beats = [
        Ventricular(time, "ventricle", "escape") for time in steady_clock(rng, rate, episode.span, 0.012)
    ]
    standstill = variant == "escape" and episode.chance(0.5)
    atrial = [] if standstill else [Atrial(beat.time + 0.14, "retrograde") for beat in beats]
    return Rhythm("idioventricular", variant, atrial, beats)


def paced(episode: Episode) -> Rhythm:
    """The patient's pacemaker in one of its modes.

    Variants: ``ventricular`` (fibrillating atria below), ``atrial sensed`` (each sinus P wave is followed by
        a paced QRS), ``dual`` (both chambers), ``atrial``, ``demand`` (it only helps out a sinus node of
        nearly the same rate), ``biventricular`` (both ventricles, after sensed or paced P waves or below
        fibrillating atria; most of all in heart failure).
    """
    patient = episode.visit.patient
    failing = "heart_failure" in patient.conditions
    devices = _DEVICES | {"both ventricles": _RESYNCHRONISED} if failing else _DEVICES
    device = episode.choose(devices, patient.device)
    mode = episode.choose(_MODES[device])
    if device != "both ventricles":
        return _paced(episode, mode, "pacemaker")
    return replace(_paced(episode, mode, "biventricular"), variant="biventricular")


def _paced(episode: Episode, mode: str, focus: VentricularFocus) -> Rhythm:
    rng = episode.rng
    rate = rng.uniform(60, 85)
    if mode == "ventricular":
        return _ventricular_pacing(episode, rate, focus)
    if mode == "demand":
        atrial = [Atrial(time) for time in episode.sinus(rate - rng.uniform(0, 3), 0.03)]
        conducted = conduct(rng, atrial, episode.pr)
        return Rhythm("paced", mode, atrial, compete(conducted, 60 / rate, episode.span, "pacemaker", focus))
    if mode == "atrial sensed":
        atrial = [Atrial(time) for time in episode.sinus(rate)]
    else:
        atrial = [Atrial(time, paced=True) for time in steady_clock(rng, rate, episode.span, 0.0005)]
    if mode == "atrial":
        return Rhythm("paced", mode, atrial, conduct(rng, atrial, episode.pr + 0.03))
    delay = rng.uniform(0.13, 0.19)
    beats = [Ventricular(one.time + delay, "pacemaker", focus, delay) for one in atrial]
    if mode == "atrial sensed" and episode.chance(episode.prior.premature_ventricular):
        beats = ectopy.add_premature_ventricular(rng, beats, episode.seconds)
    return Rhythm("paced", mode, atrial, beats)


def _ventricular_pacing(episode: Episode, rate: float, focus: VentricularFocus) -> Rhythm:
    """Pacing of the ventricles alone; a premature complex makes the pacemaker wait."""
    rng, interval = episode.rng, 60 / rate
    ectopic: list[Ventricular] = []
    if episode.chance(episode.prior.premature_ventricular):
        times = rng.uniform(0.8, episode.seconds - 0.8, rng.integers(1, 4))
        ectopic = [Ventricular(float(time), "pvc", "focus-a") for time in sorted(times)]
    beats = compete(ectopic, interval, episode.span, "pacemaker", focus)
    return Rhythm("paced", "ventricular", [], beats, fibrillatory_waves(episode))
