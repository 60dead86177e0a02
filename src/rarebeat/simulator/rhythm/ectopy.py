"""Ectopic beats on top of a rhythm: premature atrial and ventricular complexes, bigeminy, fusion, runs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rarebeat.simulator.rhythm.clocks import Rng
from rarebeat.simulator.rhythm.conduction import RECOVERY, merge
from rarebeat.simulator.rhythm.events import Atrial, Ventricular, VentricularFocus


def visible(times: Sequence[float], seconds: float, first: float = 0.6, rest: float = 1.4) -> list[int]:
    """Indices of the events after which something can happen that the recording still shows."""
    return [index for index, time in enumerate(times[:-1]) if first < time < seconds - rest]


def pick(rng: Rng, candidates: Sequence[int], count: int) -> Sequence[int]:
    """Some of the candidates, in order; all where there are too few."""
    count = min(count, len(candidates))
    return sorted(int(index) for index in rng.choice(candidates, count, replace=False)) if count else []


def add_premature_atrial(
    rng: Rng, atrial: Sequence[Atrial], seconds: float, count: int | None, blocked: bool = False
) -> list[Atrial]:
    """An atrial rhythm with premature complexes from one focus.

    Most reset its clock: the next impulse follows after one interval, or a little later where the sinus node
    is slow to recover. Some do not reach the sinus node: the pause is then fully compensatory.

    Args:
        rng: source of randomness.
        atrial: the impulses of the rhythm.
        seconds: length of the recording.
        count: number of premature complexes; None puts one after every impulse (atrial bigeminy).
        blocked: they come so early that the AV node is still closed.
    """
    coupling = rng.uniform(0.38, 0.46) if blocked else rng.uniform(0.52, 0.85)
    full = rng.random() < 0.15
    pause = rng.uniform(1.0, 1.15) if rng.random() < 0.75 else rng.uniform(1.15, 1.35)
    couplets = not blocked and count is not None and rng.random() < 0.12
    places: Sequence[int] = range(1, len(atrial) - 1)
    if count is not None:
        places = pick(rng, visible([one.time for one in atrial], seconds), count)
    impulses, shift = [], 0.0
    for index, one in enumerate(atrial):
        time = one.time + shift
        impulses.append(replace(one, time=time))
        if index in places:
            interval = atrial[index + 1].time - one.time
            early = interval * min(0.87, coupling * rng.uniform(0.94, 1.06))
            impulses.append(Atrial(time + early, "premature"))
            if couplets:
                impulses.append(Atrial(time + 1.9 * early, "premature"))
            last = early * (1.9 if couplets else 1.0)
            shift += interval if full and not couplets else last + interval * (pause - 1)
    return impulses


def add_premature_ventricular(
    rng: Rng, beats: Sequence[Ventricular], seconds: float, interpolated: bool = False
) -> list[Ventricular]:
    """One to five ventricular premature complexes from one focus or two, mostly with a full pause.

    The atrial clock goes on: the impulse that meets the ventricles refractory is lost.
    """
    count = int(rng.choice([1, 2, 3, 5], p=[0.55, 0.25, 0.12, 0.08]))
    second_focus, couplets = rng.random() < 0.15, not interpolated and rng.random() < 0.10
    coupling = rng.uniform(0.42, 0.56) if interpolated else rng.uniform(0.52, 0.82)
    ectopic: list[Ventricular] = []
    places = pick(rng, visible([beat.time for beat in beats], seconds), count)
    if not interpolated and rng.random() < 0.06:  # trigeminy
        places = range(1, len(beats) - 1, 3)
    for index in places:
        focus: VentricularFocus = "focus-b" if second_focus and rng.random() < 0.5 else "focus-a"
        ectopic.append(_premature(rng, beats, index, coupling, focus))
        if couplets:
            ectopic.append(Ventricular(ectopic[-1].time + rng.uniform(0.38, 0.5), "pvc", focus))
    interval = float(np.median(np.diff([beat.time for beat in beats])))
    return merge(beats, ectopic, 0.05 if interpolated else max(RECOVERY, 0.55 * interval))


def add_ventricular_bigeminy(rng: Rng, beats: Sequence[Ventricular]) -> list[Ventricular]:
    """Every second beat is a ventricular premature complex with fixed coupling."""
    coupling = rng.uniform(0.50, 0.65)
    chosen, blocked_until = [], -10.0
    for index, beat in enumerate(beats[:-1]):
        if beat.time > blocked_until:
            premature = _premature(rng, beats, index, coupling, "focus-a")
            chosen += [beat, premature]
            interval = beats[index + 1].time - beat.time
            blocked_until = max(premature.time + RECOVERY, beat.time + 1.2 * interval)
    return chosen


def add_fusion(rng: Rng, beats: Sequence[Ventricular], seconds: float) -> list[Ventricular]:
    """Late ventricular complexes of one focus: most meet the conducted impulse and fuse with it."""
    chosen = pick(rng, visible([beat.time for beat in beats], seconds), int(rng.integers(2, 5)))
    ectopic: list[Ventricular] = []
    for order, index in enumerate(chosen):
        if order % 3 == 2:
            ectopic.append(_premature(rng, beats, index, rng.uniform(0.6, 0.75), "focus-a"))
        else:
            ectopic.append(Ventricular(beats[index + 1].time - rng.uniform(-0.02, 0.045), "pvc", "focus-a"))
    return merge(beats, ectopic, RECOVERY)


def add_run(rng: Rng, beats: Sequence[Ventricular], seconds: float) -> list[Ventricular]:
    """A run of ventricular tachycardia, 4 to 14 beats, in an ongoing rhythm."""
    interval = 60.0 / rng.uniform(130, 190)
    candidates = visible([beat.time for beat in beats], seconds, rest=3.0)
    start = beats[int(rng.choice(candidates))].time + rng.uniform(0.38, 0.5)
    count = min(int(rng.integers(4, 15)), int((seconds - 0.8 - start) / interval))
    times = start + interval * (range(count) + rng.normal(0, 0.02, count))
    run = [Ventricular(float(time), "ventricle", "focus-a") for time in times]
    return merge([beat for beat in beats if not start - 0.12 < beat.time < times[-1]], run, RECOVERY + 0.1)


def _premature(
    rng: Rng, beats: Sequence[Ventricular], index: int, coupling: float, focus: VentricularFocus
) -> Ventricular:
    interval = beats[index + 1].time - beats[index].time
    delay = max(0.32, coupling * interval * rng.uniform(0.97, 1.03))
    return Ventricular(beats[index].time + min(delay, 0.85 * interval), "pvc", focus)
