"""Which classes a recording shows: measured on the events that fall into it, as a reader with calipers would.

A class counts by what happens during the recording, not by what was planned: a premature beat just after the
end is none. The limits are those of resting electrocardiography: sinus rates 60 and 100, PR 200 ms, three beats
for a ventricular tachycardia. Sinus arrhythmia begins where readers begin to mention it: sinus intervals that vary
by more than 200 ms and 20 % (textbooks say 120 ms and 10 %, which a quarter of real sinus rhythms do).
"""

import math
from itertools import pairwise
from statistics import median

from rarebeat.simulator.rhythm.events import Rhythm, Ventricular

CLASSES = (
    "sinus_rhythm",
    "atrial_fibrillation",
    "atrial_flutter",
    "ectopic_atrial_rhythm",
    "av_block_1st_degree",
    "av_block_2nd_degree_mobitz_i",
    "complete_heart_block",
    "avnrt",
    "premature_atrial_complexes",
    "premature_ventricular_complexes",
    "fusion_complexes",
    "bigeminy",
    "sinus_bradycardia",
    "sinus_tachycardia",
    "sinus_arrhythmia",
    "supraventricular_tachycardia",
    "atrial_tachycardia",
    "ventricular_tachycardia",
    "junctional_rhythm",
    "idioventricular_rhythm",
    "av_block_2nd_degree_advanced",
    "paced_rhythm",
    "left_bundle_branch_block",
    "right_bundle_branch_block",
)
"""What the simulator knows to be true of a recording."""

_OF_MECHANISM = {
    "ectopic_atrial": ("ectopic_atrial_rhythm",),
    "reentrant_tachycardia": ("supraventricular_tachycardia",),
    "nodal_reentry": ("avnrt", "supraventricular_tachycardia"),
    "atrial_tachycardia": ("atrial_tachycardia",),
    "junctional": ("junctional_rhythm",),
    "wenckebach": ("av_block_2nd_degree_mobitz_i",),
    "advanced_block": ("av_block_2nd_degree_advanced",),
    "complete_block": ("complete_heart_block",),
    "ventricular_tachycardia": ("ventricular_tachycardia",),
    "idioventricular": ("idioventricular_rhythm",),
    "paced": ("paced_rhythm",),
}
_OF_VARIANT = {
    ("complete_block", "junctional escape"): "junctional_rhythm",
    ("complete_block", "ventricular escape"): "idioventricular_rhythm",
}
_OF_WAVES = {"fibrillation": "atrial_fibrillation", "flutter": "atrial_flutter"}
_SINUS = ("sinus", "sinus_bradycardia", "sinus_tachycardia", "wenckebach", "advanced_block", "complete_block")
_SINUS_VARIANTS = (("ventricular_tachycardia", "run"), ("paced", "demand"))
_STEADY_CONDUCTION = ("sinus", "sinus_bradycardia", "sinus_tachycardia", "ectopic_atrial")
EDGE = 0.12
"""A QRS must start this long before the end of the recording to be seen."""


def ventricular_beats(rhythm: Rhythm, seconds: float) -> list[Ventricular]:
    """The ventricular events that the recording shows."""
    return [beat for beat in rhythm.ventricular if 0 <= beat.time < seconds - EDGE]


def ventricular_rate(rhythm: Rhythm, seconds: float) -> float:
    """Mean ventricular rate of the recording, beats per minute."""
    times = [beat.time for beat in ventricular_beats(rhythm, seconds)]
    if len(times) < 2:
        return 60.0 * len(times) / seconds
    return 60.0 * (len(times) - 1) / (times[-1] - times[0])


def sinus_intervals(rhythm: Rhythm, seconds: float) -> list[float]:
    """Intervals between consecutive sinus P waves, without those around a premature complex."""
    shown = [one for one in rhythm.atrial if 0 <= one.time < seconds - EDGE]
    intervals = []
    for index, (one, following) in enumerate(pairwise(shown)):
        after_premature = index > 0 and shown[index - 1].focus == "premature"
        if one.focus == following.focus == "sinus" and not after_premature:
            intervals.append(following.time - one.time)
    return intervals


def classes_of(rhythm: Rhythm, conduction: str, seconds: float) -> frozenset[str]:
    """Measure which classes a recording truly shows.

    Args:
        rhythm: its events.
        conduction: state of the patient's bundle branches.
        seconds: length of the recording.

    Returns:
        Some of :data:`CLASSES`.
    """
    kind = (rhythm.mechanism, rhythm.variant)
    found = set(_OF_MECHANISM.get(rhythm.mechanism, ()))
    if kind in _OF_VARIANT:
        found.add(_OF_VARIANT[kind])
    if rhythm.waves:
        found.add(_OF_WAVES[rhythm.waves.kind])
    beats = ventricular_beats(rhythm, seconds)
    conducted = [beat for beat in beats if beat.origin in ("conducted", "junction")]
    sinus = rhythm.mechanism in _SINUS or (kind in _SINUS_VARIANTS and bool(conducted))
    if sinus and not rhythm.waves:
        found |= _sinus_classes(rhythm, seconds)
    found |= _beat_classes(rhythm, beats, seconds)
    if rhythm.mechanism in _STEADY_CONDUCTION and _median_pr(conducted) > 0.200:
        found.add("av_block_1st_degree")
    if len(conducted) >= 3 and conduction in ("left", "right"):
        found.add(f"{conduction}_bundle_branch_block")
    return frozenset(found)


def _sinus_classes(rhythm: Rhythm, seconds: float) -> set[str]:
    intervals = sinus_intervals(rhythm, seconds)
    rate = 60.0 / median(intervals) if intervals else ventricular_rate(rhythm, seconds)
    found = {"sinus_bradycardia" if rate < 60 else "sinus_tachycardia" if rate > 100 else "sinus_rhythm"}
    if len(intervals) >= 4 and rhythm.mechanism in _STEADY_CONDUCTION:
        spread = max(intervals) - min(intervals)
        if spread > 0.20 and spread > 0.2 * math.fsum(intervals) / len(intervals):
            found.add("sinus_arrhythmia")
    return found


def _beat_classes(rhythm: Rhythm, beats: list[Ventricular], seconds: float) -> set[str]:
    found = set()
    if any(one.focus == "premature" and 0 <= one.time < seconds - EDGE for one in rhythm.atrial):
        found.add("premature_atrial_complexes")
    if any(beat.origin == "pvc" and beat.share == 1.0 for beat in beats):
        found.add("premature_ventricular_complexes")
    if any(beat.share < 1.0 for beat in beats):
        found.add("fusion_complexes")
    if longest_alternation(beats) >= 3:
        found.add("bigeminy")
    return found


def longest_alternation(beats: list[Ventricular]) -> int:
    """Pairs in the longest stretch whose every second beat is premature, all atrial or all ventricular."""
    ventricular = [beat.origin == "pvc" and beat.share == 1.0 for beat in beats]
    longest = 0
    for marks in (ventricular, [beat.premature for beat in beats]):
        current = 0
        for before, after in pairwise(marks):
            current = current + 1 if before != after else 0
            longest = max(longest, current)
    return (longest + 1) // 2


def _median_pr(beats: list[Ventricular]) -> float:
    intervals = [beat.pr for beat in beats if beat.pr is not None and not beat.premature]
    return median(intervals) if intervals else 0.0
