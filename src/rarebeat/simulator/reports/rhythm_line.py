"""The first statement of a report: the rhythm and, by connectors, what belongs to it."""

from rarebeat.simulator.reports.findings import Findings, Voice
from rarebeat.simulator.reports.wording import (
    BUNDLE_BRANCHES,
    CONDUCTION,
    ECTOPY,
    FLUTTER,
    REGULARISED,
    RHYTHMS,
    SUBSIDIARY,
)

DOUBTS = (("possible", "probable", "consider"), ("possible", "probable", "likely", "?", "suspect"))
"""Words before a finding that is only suspected: of the machine, of a person."""

_DOUBTS_WITHIN = ("possible", "probable")

_DOUBTED = {  # what the machine says instead of a plain doubt
    "supraventricular_tachycardia": "narrow QRS tachycardia",
    "ectopic_atrial_rhythm": "unusual P axis, possible ectopic atrial rhythm",
    "junctional_rhythm": "unusual P axis and short PR, probable junctional rhythm",
    "ventricular_tachycardia": "wide QRS tachycardia, consider ventricular tachycardia",
}
_PLAIN_SINUS = {"sinus_rhythm", "sinus_arrhythmia"}
_MARKED_BRADYCARDIA = 46
_BLOCK = "complete_heart_block"


def rhythm_line(voice: Voice, seen: frozenset[str], hedged: frozenset[str], findings: Findings) -> str:
    """The whole line.

    Args:
        voice: who writes.
        seen: classes that the writer states or suspects.
        hedged: those of them that the writer only suspects.
        findings: what decides on details: variant, rate, number of premature complexes.
    """
    ending = ectopy(voice, seen, hedged, findings)
    head = rhythm_head(voice, seen, hedged, findings)
    if not ending:
        return head
    if "bigeminy" in seen and not seen & set(ECTOPY):
        return f"{head}, {ending}"
    connectors = ("with", "with", "w/", "and") if voice.typed else ("with",)
    return f"{head} {voice.pick(connectors)} {ending}"


def rhythm_head(voice: Voice, seen: frozenset[str], hedged: frozenset[str], findings: Findings) -> str:
    """The line without ectopic complexes."""
    suspected = [name for name in RHYTHMS if name in hedged]
    last = _BLOCK if _BLOCK in hedged and "atrial_fibrillation" in seen else ""
    words: list[str] = []
    for name in (*RHYTHMS, *CONDUCTION, *SUBSIDIARY):
        if name not in seen or name in (*suspected[1:], last):
            continue
        phrase = _with_details(voice, name, seen, hedged, findings)
        if name in hedged:
            phrase = _doubted(voice, name, phrase, suspected, first=not words)
        words.append(phrase if not words else _joined(voice, name, phrase))
    if "sinus_arrhythmia" in seen:
        phrase = voice.say("sinus_arrhythmia")
        words.append(f"with {phrase}" if words else phrase)
    if not words:
        return "undetermined rhythm"
    if last:  # regular ventricles under fibrillation: what is seen comes first, what it means after it
        words.append(f", {voice.pick(DOUBTS[voice.typed])} {voice.say(last)}")
    line = " ".join(words).replace(" ,", ",")
    plain = "sinus_rhythm" in seen and seen - set(BUNDLE_BRANCHES) <= _PLAIN_SINUS
    return f"normal {line}" if plain and not voice.typed and voice.chance(0.9) else line


def _with_details(
    voice: Voice, name: str, seen: frozenset[str], hedged: frozenset[str], findings: Findings
) -> str:
    """A finding with its own supplements: how flutter conducts, how fast fibrillation is."""
    phrase = voice.say(name, findings.variant)
    if name == "sinus_bradycardia" and findings.rate < _MARKED_BRADYCARDIA and voice.chance(0.7):
        return f"marked {phrase}"
    if name == "atrial_flutter" and findings.variant in FLUTTER and voice.chance(0.7):
        return f"{phrase} with {voice.pick(FLUTTER[findings.variant][voice.typed])}"
    if name == "atrial_fibrillation" and "paced_rhythm" not in seen:
        if _BLOCK in seen:
            return phrase + _regular_response(voice, sure=_BLOCK not in hedged)
        return phrase + _response(voice, findings.rate)
    if name == "ventricular_tachycardia" and findings.variant == "run":
        return f"a {voice.pick(('run', 'short run')) if voice.typed else 'run'} of {phrase}"
    return phrase


def _response(voice: Voice, rate: float) -> str:
    if rate > 100 and voice.chance(0.9):
        fast = ("with RVR", "w/ RVR", "with rapid ventricular response", "rapid rate")
        return f" {voice.pick(fast)}" if voice.typed else " with rapid ventricular response"
    if rate < 60 and voice.chance(0.7):
        slow = ("with slow VR", "with slow ventricular response")
        return f" {voice.pick(slow)}" if voice.typed else " with slow ventricular response"
    return ""


def _regular_response(voice: Voice, sure: bool) -> str:
    """What shows a complete block under fibrillation; who is sure of the block mostly leaves it out."""
    if sure and not voice.chance(0.3):
        return ""
    return f" with {voice.pick(REGULARISED['held out' if voice.held_out else 'usual'][voice.typed])}"


def _doubted(voice: Voice, name: str, phrase: str, suspected: list[str], first: bool) -> str:
    if len(suspected) > 1 and name == suspected[0]:
        other = voice.say(suspected[1])
        return f"{phrase} {voice.pick(('vs', 'vs.', 'or'))} {other}"
    if name in _DOUBTED and not voice.typed:
        return _DOUBTED[name]
    doubt = voice.pick(DOUBTS[voice.typed] if first else _DOUBTS_WITHIN)
    return f"{doubt}{phrase}" if doubt == "?" and voice.chance(0.5) else f"{doubt} {phrase}"


def _joined(voice: Voice, name: str, phrase: str) -> str:
    """A further finding of the line with what joins it to those before."""
    if name == "avnrt":
        return f", {phrase}"
    if name in ("junctional_rhythm", "idioventricular_rhythm"):
        return f"and {phrase}"
    return f"{voice.pick(('with', 'with', 'w/', ',', '+')) if voice.typed else 'with'} {phrase}"


def ectopy(voice: Voice, seen: frozenset[str], hedged: frozenset[str], findings: Findings) -> str:
    """Ectopic complexes, as the end of the line or as a sentence of their own; may be empty."""
    kinds = [name for name in ECTOPY if name in seen]
    phrases = [voice.say(name) for name in kinds]
    if not voice.typed:
        phrases = _machine_ectopy(voice, kinds, phrases, hedged)
    if phrases and voice.chance(0.5):
        phrases[0] = f"{_how_many(voice, findings.ectopic)} {phrases[0]}"
    ending = " and ".join(phrases)
    if "bigeminy" not in seen:
        return ending
    if not phrases:
        return voice.say("bigeminy")
    if voice.held_out:
        return f"{ending} in a {voice.say('bigeminy')}"
    return (
        f"{ending} {voice.pick(('in bigeminy', '- bigeminy')) if voice.typed else 'in a pattern of bigeminy'}"
    )


def _machine_ectopy(voice: Voice, kinds: list[str], phrases: list[str], hedged: frozenset[str]) -> list[str]:
    if kinds[-2:] == ["premature_ventricular_complexes", "fusion_complexes"] and not voice.held_out:
        phrases = [*phrases[:-2], "premature ventricular and fusion complexes"]
    if "premature_ventricular_complexes" in hedged:
        phrases = [
            "premature ventricular or aberrantly conducted complexes" if "ventricular complex" in one else one
            for one in phrases
        ]
    # The machine writes the name of a complex with a capital, also in the middle of a line.
    return [one[:1].upper() + one[1:] for one in phrases]


def _how_many(voice: Voice, count: int) -> str:
    if not voice.typed:
        return "frequent" if count > 2 else "occasional"
    return voice.pick(
        ("frequent", "freq", "multiple") if count > 2 else ("occasional", "occ", "rare", "isolated")
    )
