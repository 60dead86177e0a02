"""Rhythms that start above the ventricles and reach them through a working AV node."""

import numpy as np

from rarebeat.core.arithmetic import exp_of, limit
from rarebeat.simulator.rhythm import ectopy
from rarebeat.simulator.rhythm.clocks import steady_clock
from rarebeat.simulator.rhythm.conduction import conduct, drop_beats, fibrillating_node
from rarebeat.simulator.rhythm.episode import LEAD_IN, Episode
from rarebeat.simulator.rhythm.events import Atrial, AtrialFocus, AtrialWaves, Rhythm, Ventricular

_FLUTTER_RATIOS = {"2:1": [2], "3:1": [3], "4:1": [4], "variable": [2, 4, 3, 4, 2, 3]}


def sinus(episode: Episode) -> Rhythm:
    """Sinus rhythm, bradycardia or tachycardia, sometimes with marked respiratory arrhythmia."""
    rng, mechanism = episode.rng, episode.visit.mechanism
    if mechanism == "sinus_bradycardia":
        rate = limit(59.5 - rng.gamma(1.8, 3.2), 36, 59)
    elif mechanism == "sinus_tachycardia":
        rate = limit(101 + rng.gamma(1.8, 7), 101, 155)
    else:
        rate = min(97.0, 60.5 + float(rng.gamma(1.3, 10)))  # 62, 70 and 96 at 5, 50 and 95 %: as in real ones
    youth = float(np.interp(episode.visit.age, (25, 70), (1.8, 0.5)))
    marked = rate < 90 and episode.chance(youth * episode.prior.sinus_arrhythmia)
    times = episode.sinus(rate, rng.uniform(0.08, 0.13), 0.75) if marked else episode.sinus(rate)
    pr = episode.pr - 0.0002 * max(0.0, rate - 70)  # 2 ms shorter per 10 beats per minute
    return _with_ectopy(episode, times, pr, "sinus", "")


def ectopic_atrial(episode: Episode) -> Rhythm:
    """An atrial focus at the rate of a sinus rhythm: mostly low in the right atrium, else in the left."""
    rng = episode.rng
    focus: AtrialFocus = "low" if episode.chance(0.75) else "left"
    times = steady_clock(rng, limit(rng.normal(70, 12), 50, 99), episode.span, 0.012)
    pr = max(0.12, episode.pr - (0.015 if focus == "low" else 0.0))
    return _with_ectopy(episode, times, pr, focus, focus)


def _with_ectopy(episode: Episode, times: list[float], pr: float, focus: AtrialFocus, variant: str) -> Rhythm:
    """An atrial clock that conducts one to one, with the ectopic beats that the prior asks for."""
    rng, prior = episode.rng, episode.prior
    ventricular = episode.choose(
        {
            "none": 1 - prior.premature_ventricular - prior.fusion - prior.ventricular_bigeminy,
            "complexes": prior.premature_ventricular,
            "fusion": prior.fusion,
            "bigeminy": prior.ventricular_bigeminy,
        }
    )
    atrial = [Atrial(time, focus) for time in times]
    if episode.chance(prior.premature_atrial):
        count = int(rng.choice([1, 2, 3, 5], p=[0.58, 0.26, 0.10, 0.06]))
        atrial = ectopy.add_premature_atrial(
            rng, atrial, episode.seconds, count, blocked=episode.chance(0.08)
        )
    elif ventricular == "none" and episode.chance(prior.atrial_bigeminy):
        atrial = ectopy.add_premature_atrial(rng, atrial, episode.seconds, None)
    beats = conduct(rng, atrial, pr)
    if ventricular == "bigeminy":
        beats = ectopy.add_ventricular_bigeminy(rng, beats)
    elif ventricular == "fusion":
        beats = ectopy.add_fusion(rng, beats, episode.seconds)
    elif ventricular == "complexes":
        beats = ectopy.add_premature_ventricular(
            rng, beats, episode.seconds, interpolated=episode.chance(0.1)
        )
    return Rhythm(episode.visit.mechanism, variant, atrial, beats)


def fibrillation(episode: Episode) -> Rhythm:
    """Atrial fibrillation through a stochastic AV node, from slow to rapid response."""
    rng = episode.rng
    beats = fibrillating_node(rng, episode.span, limit(exp_of(rng.normal(-1.25, 0.45)), 0.10, 0.52))
    if episode.chance(episode.prior.premature_ventricular + episode.prior.fusion):
        beats = ectopy.add_premature_ventricular(rng, beats, episode.seconds)
    return Rhythm("fibrillation", "", [], beats, fibrillatory_waves(episode))


def fibrillatory_waves(episode: Episode) -> AtrialWaves:
    """Fibrillatory waves at 4.5 to 8 per second."""
    return AtrialWaves("fibrillation", episode.rng.uniform(4.5, 8.0), episode.rng.random())


def flutter_waves(episode: Episode) -> AtrialWaves:
    """Flutter waves at 240 to 345 per minute, one in ten clockwise."""
    rng = episode.rng
    return AtrialWaves("flutter", rng.uniform(240, 345) / 60, rng.random(), reverse=episode.chance(0.1))


def flutter(episode: Episode) -> Rhythm:
    """Atrial flutter; every second, third or fourth wave passes, or it varies."""
    rng = episode.rng
    variant = episode.choose({"2:1": 0.38, "3:1": 0.07, "4:1": 0.22, "variable": 0.33})
    waves = flutter_waves(episode)
    delay = rng.uniform(0, 1 / waves.frequency)
    beats, wave = [], int(-LEAD_IN * waves.frequency)
    while wave / waves.frequency < episode.span[1]:
        beats.append(Ventricular((wave - waves.phase) / waves.frequency + delay + rng.normal(0, 0.004)))
        wave += int(rng.choice(_FLUTTER_RATIOS[variant]))
    if episode.chance(episode.prior.premature_ventricular):
        beats = ectopy.add_premature_ventricular(rng, beats, episode.seconds)
    return Rhythm("flutter", variant, [], beats, waves)


def atrial_tachycardia(episode: Episode) -> Rhythm:
    """A fast atrial focus; above 170 per minute only every second impulse passes."""
    rng = episode.rng
    rate = rng.uniform(112, 215)
    focus: AtrialFocus = "low" if episode.chance(0.5) else "left"
    atrial = [Atrial(time, focus) for time in steady_clock(rng, rate, episode.span, 0.008)]
    pr = limit(episode.pr - 0.02, 0.11, 0.55 * 60 / rate)
    if rate < 170:
        return Rhythm("atrial_tachycardia", "1:1", atrial, conduct(rng, atrial, pr))
    return Rhythm("atrial_tachycardia", "2:1", atrial, drop_beats(rng, atrial, pr, (1, 0)))


def reentry(episode: Episode) -> Rhythm:
    """Supraventricular reentry: a QRS at every turn, the atria are activated backwards.

    In the AV node's own circuit the P wave is hidden in the QRS or deforms its end (RP below 90 ms); through
    an accessory pathway it follows in the ST segment.
    """
    rng = episode.rng
    beats = [Ventricular(time) for time in steady_clock(rng, rng.uniform(142, 235), episode.span, 0.004)]
    if episode.visit.mechanism == "nodal_reentry":
        variant = episode.choose({"late P": 0.45, "hidden P": 0.55})
        delay = rng.uniform(0.055, 0.075) if variant == "late P" else rng.uniform(0.0, 0.02)
        strain = rng.uniform(0.0, 0.08)
    else:
        variant, delay, strain = "", rng.uniform(0.115, 0.165), rng.uniform(0.07, 0.20)
    atrial = [Atrial(beat.time + delay, "retrograde") for beat in beats]
    return Rhythm(episode.visit.mechanism, variant, atrial, beats, strain=strain)
