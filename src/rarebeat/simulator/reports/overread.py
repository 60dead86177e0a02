"""Readings that go wrong, the edits of a reader who notices, and the signature."""

from datetime import datetime, timedelta

from rarebeat.simulator.reports.findings import Voice
from rarebeat.simulator.reports.wording import RHYTHMS
from rarebeat.simulator.rhythm.clocks import Rng

MISTAKEN: dict[str, tuple[str, ...]] = {
    "sinus_rhythm": (
        "sinus_bradycardia",
        "sinus_tachycardia",
        "ectopic_atrial_rhythm",
        "atrial_fibrillation",
    ),
    "sinus_tachycardia": ("sinus_rhythm", "supraventricular_tachycardia"),
    "sinus_bradycardia": ("sinus_rhythm", "junctional_rhythm"),
    "atrial_fibrillation": ("sinus_rhythm", "atrial_flutter"),
    "atrial_flutter": ("atrial_fibrillation", "supraventricular_tachycardia"),
    "atrial_tachycardia": ("sinus_tachycardia", "atrial_flutter"),
    "ectopic_atrial_rhythm": ("sinus_rhythm",),
    "supraventricular_tachycardia": ("sinus_tachycardia",),
    "junctional_rhythm": ("sinus_bradycardia",),
    "ventricular_tachycardia": ("supraventricular_tachycardia",),
    "idioventricular_rhythm": ("junctional_rhythm",),
    "paced_rhythm": ("idioventricular_rhythm",),
    "premature_atrial_complexes": ("premature_ventricular_complexes",),
    "premature_ventricular_complexes": ("premature_atrial_complexes",),
    "complete_heart_block": ("av_block_2nd_degree_advanced",),
    "av_block_2nd_degree_advanced": ("av_block_2nd_degree_mobitz_i", "complete_heart_block"),
    "av_block_2nd_degree_mobitz_i": ("premature_atrial_complexes",),
    "left_bundle_branch_block": ("right_bundle_branch_block",),
}
"""What a reader writes instead when mistaken, one of these."""

_NEEDS_SINUS = {"av_block_1st_degree", "av_block_2nd_degree_mobitz_i", "av_block_2nd_degree_advanced"}
_NEEDS_SINUS |= {"sinus_arrhythmia", "premature_atrial_complexes", "bigeminy", "fusion_complexes"}
_NO_P_WAVES = {"atrial_fibrillation", "atrial_flutter", "supraventricular_tachycardia", "junctional_rhythm"}

_SINUS_LIMITS = {"sinus_bradycardia": {60}, "sinus_rhythm": {60, 100}, "sinus_tachycardia": {100}}
_OVERCALLED = ("premature_atrial_complexes", "premature_ventricular_complexes", "right_bundle_branch_block")

_SURNAMES = (
    "Tamarind",
    "Quillon",
    "Brindlemere",
    "Osterwick",
    "Vellokint",
    "Marchbanke",
    "Ardlaw",
    "Fennimarsh",
)
_INITIALS = "ABCDEFGHJKLMNPRSTVW"


def misread(rng: Rng, classes: frozenset[str], rate: float) -> frozenset[str]:
    """The classes with one of them missed or taken for another; what cannot be with the other is not seen either.

    Args:
        rng: source of randomness.
        classes: what there is to read; where it is nothing, nothing is misread.
        rate: ventricular rate, beats per minute: nobody takes 75 for a tachycardia.
    """
    if not classes:
        return classes
    names = sorted(classes - {"supraventricular_tachycardia"} if "avnrt" in classes else classes)
    name = names[int(rng.random() * len(names))]
    rest = classes - {name}
    others = [other for other in MISTAKEN.get(name, ()) if _plausible(name, other, rate)]
    if rest & _NO_P_WAVES:
        others = [other for other in others if other not in _NEEDS_SINUS]
    if others and (not rest or name in RHYTHMS or rng.random() < 0.5):
        other = others[int(rng.random() * len(others))]
        if other in _NO_P_WAVES and name in RHYTHMS:
            rest -= _NEEDS_SINUS
        return rest | {other}
    return rest


def _plausible(name: str, other: str, rate: float) -> bool:
    if name in _SINUS_LIMITS and other in _SINUS_LIMITS:
        return any(abs(rate - limit) < 9 for limit in _SINUS_LIMITS[name] & _SINUS_LIMITS[other])
    return other != "sinus_bradycardia" or rate < 65


def overcall(voice: Voice, classes: frozenset[str]) -> frozenset[str]:
    """The classes and one more that machines are quick to find."""
    return classes | {voice.pick(_OVERCALLED)}


def correction(voice: Voice, wrong: frozenset[str], right: frozenset[str], variant: str) -> str:
    """What a reader types below a machine's wrong statements when leaving them where they are.

    Args:
        voice: who types.
        wrong: what the machine states and is not so.
        right: what the machine lacks.
        variant: form of the mechanism.
    """
    old = " and ".join(voice.say(name) for name in sorted(wrong))
    new = " and ".join(voice.say(name, variant) for name in sorted(right))
    if not old:
        return voice.pick(("Also {new}", "{new} also present", "Addendum: {new}")).format(new=new)
    if not new:
        return voice.pick(("No {old}", "Disagree with computer: no {old}", "{old} not confirmed")).format(
            old=old
        )
    forms = (
        "Correction: {new}, not {old}",
        "Disagree with computer, {new} rather than {old}",
        "Computer read of {old} is incorrect, {new}",
        "{new} instead of {old}",
    )
    return voice.pick(forms).format(new=new, old=old)


def signature(voice: Voice, time: datetime | None) -> str:
    """The last line: an invented reader, on a day after the recording."""
    rng = voice.rng
    name = voice.pick(_SURNAMES)
    initial = _INITIALS[int(rng.random() * len(_INITIALS))]
    forms = (
        f"Confirmed by {name.upper()} MD, {initial}. ({int(100 + rng.random() * 900)})",
        f"Confirmed by {name}, {initial} ({int(10 + rng.random() * 90)})",
        f"Electronically signed by {initial}. {name}, MD",
        f"Referred by: {initial} {name.upper()}         Confirmed By: {voice.pick(_SURNAMES)} MD",
        f"Overread by Dr. {name}",
    )
    line = voice.pick(forms)
    if time is None or not line.startswith("Confirmed"):
        return line
    read = time + timedelta(minutes=20 + int(rng.exponential(900)))
    hour = read.hour % 12 or 12
    clock = f"{hour}:{read:%M}:{int(rng.random() * 60):02d} {'AM' if read.hour < 12 else 'PM'}"
    return f"{line} on {read.month}/{read.day}/{read.year} {clock}"
