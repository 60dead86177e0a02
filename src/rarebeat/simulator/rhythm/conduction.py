"""The way from the atria to the ventricles: which impulses pass, how late, and what two do that meet."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from rarebeat.simulator.rhythm.clocks import Rng, Span, poisson_clock
from rarebeat.simulator.rhythm.events import Atrial, Origin, Ventricular, VentricularFocus

NODE_REFRACTORY = 0.29
"""Seconds after a QRS onset during which a sinus or premature atrial impulse does not pass the AV node."""
MEETING = 0.05
"""Two ventricular activations that start within this many seconds fuse."""
RECOVERY = 0.38
"""Seconds after a ventricular ectopic beat during which its retrograde impulse keeps the AV node closed."""


def conduct(rng: Rng, atrial: Sequence[Atrial], pr: float) -> list[Ventricular]:
    """Conduct one to one, with a steady PR interval; early impulses are delayed, too early ones blocked.

    Args:
        rng: source of randomness.
        atrial: atrial impulses in order of time.
        pr: PR interval, seconds, onset to onset.

    Returns:
        The beats of the impulses that pass.
    """
    beats: list[Ventricular] = []
    for impulse in atrial:
        premature = impulse.focus == "premature"
        rest = impulse.time - beats[-1].time if beats else 1.0
        if rest < (NODE_REFRACTORY if premature else 0.08):
            continue
        delay = pr + rng.normal(0, 0.002)
        focus: VentricularFocus = "his"
        if premature:
            delay += max(0.0, 0.10 - 0.25 * (rest - NODE_REFRACTORY)) * rng.uniform(0.4, 1.0)
            if rest < 0.40 and rng.random() < 0.35:
                focus = "aberrant"
        beats.append(Ventricular(impulse.time + delay, "conducted", focus, delay, premature))
    return beats


def wenckebach(rng: Rng, atrial: Sequence[Atrial], pr: float, longest: int) -> list[Ventricular]:
    """Mobitz type I: the PR interval grows by shrinking steps until an impulse is dropped.

    The first step is the largest, so the RR intervals shorten within a group and the pause is shorter than
    twice the interval before it.

    Args:
        rng: source of randomness.
        atrial: regular atrial impulses.
        pr: PR interval after a pause, seconds.
        longest: largest number of impulses in a group (4 is 4:3 conduction).
    """
    step = rng.uniform(0.06, 0.11)
    shrink = rng.uniform(0.40, 0.65)
    beats = []
    position, left, group = 0, 1.0, int(rng.integers(3, longest + 1))
    for impulse in atrial:
        if position == group - 1:
            position, left, group = 0, 1.0, int(rng.integers(3, longest + 1))
            continue
        delay = pr + step * (1 - left) / (1 - shrink) + rng.normal(0, 0.001)
        beats.append(Ventricular(impulse.time + delay, pr=delay))
        position, left = position + 1, left * shrink
    return beats


def drop_beats(rng: Rng, atrial: Sequence[Atrial], pr: float, pattern: Sequence[int]) -> list[Ventricular]:
    """Block below the node: conducted impulses keep their PR, some are dropped.

    Args:
        rng: source of randomness.
        atrial: atrial impulses.
        pr: PR interval, seconds.
        pattern: 1 (passes) and 0 (dropped), repeated.
    """
    start = int(rng.integers(len(pattern)))
    beats = []
    for index, impulse in enumerate(atrial):
        if pattern[(start + index) % len(pattern)]:
            delay = pr + rng.normal(0, 0.002)
            beats.append(Ventricular(impulse.time + delay, pr=delay))
    return beats


def fibrillating_node(rng: Rng, span: Span, refractory: float) -> list[Ventricular]:
    """AV node under fibrillation: Poisson arrivals, two pathways, a refractory period after the last RR.

    After Corino et al. 2011: the refractory period is ``refractory + 0.15 RR`` in one pathway (with
    p = 0.6) and 0.2 s longer in the other; after it, the chance of block falls from 1 to 0 within 0.1 s.

    Args:
        rng: source of randomness.
        span: first and last second to fill.
        refractory: shortest refractory period, seconds; 0.1-0.2 gives a rapid, 0.5 and more a slow response.
    """
    arrivals = poisson_clock(rng, rng.uniform(5.0, 8.0), span)
    beats = [Ventricular(arrivals[0])]
    interval = 0.7
    pathway = 0.2 * (rng.random() > 0.6)
    for time in arrivals[1:]:
        elapsed = time - beats[-1].time
        over = elapsed - (refractory + 0.15 * interval + pathway)
        if over > 0 and rng.random() < 10 * over:
            beats.append(Ventricular(time))
            interval = min(elapsed, 2.0)
            pathway = 0.2 * (rng.random() > 0.6)
    return beats


def merge(beats: Sequence[Ventricular], ectopic: Sequence[Ventricular], recovery: float) -> list[Ventricular]:
    """Put ectopic beats among conducted ones: what meets fuses, what comes too soon afterwards is blocked."""
    kept = []
    fused = list(ectopic)
    for beat in beats:
        lags = [beat.time - other.time for other in ectopic]
        meeting = [index for index, lag in enumerate(lags) if abs(lag) <= MEETING]
        if meeting:
            fused[meeting[0]] = fuse(fused[meeting[0]], beat)
        elif not any(-0.12 < lag < recovery for lag in lags):
            kept.append(beat)
    return sorted([*kept, *fused], key=lambda beat: beat.time)


def fuse(ectopic: Ventricular, conducted: Ventricular) -> Ventricular:
    """The beat of two activations: the earlier one takes the larger share of the ventricles."""
    share = 0.5 + 0.2 * (conducted.time - ectopic.time) / MEETING
    return replace(ectopic, time=min(ectopic.time, conducted.time), pr=conducted.pr, share=share)


def compete(
    beats: Sequence[Ventricular], interval: float, span: Span, origin: Origin, focus: VentricularFocus
) -> list[Ventricular]:
    """A subsidiary clock (an escape focus, a demand pacemaker) that every beat resets.

    It fires after ``interval`` seconds without a beat; a conducted beat that arrives just then fuses with it.
    """
    merged: list[Ventricular] = []
    waiting = deque(sorted(beats, key=lambda beat: beat.time))
    last = span[0]
    while last < span[1]:
        while waiting and waiting[0].time <= last + NODE_REFRACTORY:
            waiting.popleft()
        due = Ventricular(last + interval, origin, focus)
        if not waiting or waiting[0].time > due.time + MEETING:
            beat = due
        elif waiting[0].time < due.time - MEETING:
            beat = waiting[0]
        else:
            beat = fuse(due, waiting[0])
        merged.append(beat)
        last = beat.time
    return merged
