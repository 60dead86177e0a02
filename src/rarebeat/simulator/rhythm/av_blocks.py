"""Rhythms in which the AV junction fails the atria or takes over from them."""

from dataclasses import replace

import numpy as np

from rarebeat.core.arithmetic import limit
from rarebeat.simulator.rhythm import conduction
from rarebeat.simulator.rhythm.atrial import fibrillatory_waves, flutter_waves
from rarebeat.simulator.rhythm.clocks import steady_clock
from rarebeat.simulator.rhythm.episode import Episode
from rarebeat.simulator.rhythm.events import Atrial, AtrialWaves, Rhythm, Ventricular

_PATTERNS: dict[str, list[tuple[int, ...]]] = {
    "2:1": [(1, 0)],
    "type II": [(1, 1, 0), (1, 1, 1, 0), (1, 1, 1, 1, 0)],
    "high grade": [(1, 0, 0), (1, 0, 0, 0)],
}
"""Which impulses pass (1) in block below the AV node."""
_JUNCTIONAL_RATES = {"escape": (40, 59), "accelerated": (61, 98), "tachycardia": (102, 130)}
"""Beats per minute of a junctional rhythm, by variant."""


def wenckebach(episode: Episode) -> Rhythm:
    """Second degree block, Mobitz type I, of a regular sinus rhythm."""
    rng = episode.rng
    rate = rng.uniform(62, 98)
    atrial = [Atrial(time) for time in episode.sinus(rate, 0.006)]
    longest = int(np.clip(episode.seconds * rate / 60 / 2.1, 3, 7))
    pr = limit(episode.pr + rng.uniform(0.0, 0.05), 0.15, 0.26)
    return Rhythm("wenckebach", "", atrial, conduction.wenckebach(rng, atrial, pr, longest))


def advanced_block(episode: Episode) -> Rhythm:
    """Second degree block with constant PR: Mobitz type II, 2:1 or high grade."""
    rng = episode.rng
    variant = episode.choose({"2:1": 0.5, "type II": 0.3, "high grade": 0.2})
    pattern = _PATTERNS[variant][int(rng.integers(len(_PATTERNS[variant])))]
    atrial = [Atrial(time) for time in episode.sinus(rng.uniform(63, 98), 0.008)]
    beats = conduction.drop_beats(rng, atrial, episode.pr, pattern)
    if variant == "2:1" and episode.chance(0.4):
        atrial = _ventriculophasic(atrial, beats, rng.uniform(0.02, 0.06))
    return Rhythm("advanced_block", variant, atrial, beats)


def _ventriculophasic(atrial: list[Atrial], beats: list[Ventricular], share: float) -> list[Atrial]:
    """Sinus intervals that hold a QRS are shorter: its blocked P wave comes early by a ``share`` of them."""
    conducted = np.array([beat.time - (beat.pr or 0.0) for beat in beats])
    early = share * float(np.median(np.diff([one.time for one in atrial])))
    return [
        one if np.abs(conducted - one.time).min() < 0.02 else replace(one, time=one.time - early)
        for one in atrial
    ]


def complete_block(episode: Episode) -> Rhythm:
    """No impulse passes: the atria on their own and, independent, a junctional or a (wide) ventricular escape."""
    rng = episode.rng
    rate = rng.uniform(63, 99)
    waves = _blocked_waves(episode)
    atrial = [] if waves else [Atrial(time) for time in episode.sinus(rate, 0.012)]
    if episode.chance(0.5):
        times = steady_clock(rng, rng.uniform(36, min(58.0, 0.74 * rate)), episode.span, 0.008)
        beats = [Ventricular(time, "junction") for time in times]
        return Rhythm("complete_block", "junctional escape", atrial, beats, waves)
    times = steady_clock(rng, rng.uniform(26, 42), episode.span, 0.01)
    beats = [Ventricular(time, "ventricle", "escape") for time in times]
    return Rhythm("complete_block", "ventricular escape", atrial, beats, waves)


def _blocked_waves(episode: Episode) -> AtrialWaves | None:
    """Atria that fibrillate above the block, as they did when the patient first came or do since; a few flutter."""
    atria = episode.choose({"sinus": 0.93, "fibrillation": 0.055, "flutter": 0.015})
    if atria == "fibrillation" or episode.visit.patient.mechanism == "fibrillation":
        return fibrillatory_waves(episode)
    return flutter_waves(episode) if atria == "flutter" else None


def junctional(episode: Episode) -> Rhythm:
    """The junction drives the ventricles, and the atria backwards: P before, inside or after the QRS.

    It escapes where the sinus node fails (40 to 60 per minute), or it is faster by itself: accelerated (60 to
    100) or a tachycardia (100 to 130).
    """
    rng = episode.rng
    variant = episode.choose({"escape": 0.56, "accelerated": 0.33, "tachycardia": 0.11})
    rate = rng.uniform(*_JUNCTIONAL_RATES[variant])
    beats = [Ventricular(time, "junction") for time in steady_clock(rng, rate, episode.span, 0.01)]
    place = episode.choose({"before": 0.35, "inside": 0.40, "after": 0.25})
    delay = {
        "before": rng.uniform(-0.11, -0.07),
        "inside": rng.uniform(0, 0.02),
        "after": rng.uniform(0.10, 0.17),
    }
    atrial = [Atrial(beat.time + delay[place], "retrograde") for beat in beats]
    return Rhythm("junctional", variant, atrial, beats)
