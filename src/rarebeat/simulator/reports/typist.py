"""Reports that a person types, in one of several styles, with abbreviations."""

from rarebeat.simulator.reports.comparison import typed_comparison
from rarebeat.simulator.reports.findings import Findings, Voice
from rarebeat.simulator.reports.rhythm_line import ectopy, rhythm_head, rhythm_line
from rarebeat.simulator.reports.statements import background, verdict
from rarebeat.simulator.reports.wording import BUNDLE_BRANCHES, CONDUCTION, ECTOPY

_ARRHYTHMIAS = {"atrial_fibrillation", "atrial_flutter"}
_BLOCKS = {*CONDUCTION, *BUNDLE_BRANCHES}


def typed_report(
    voice: Voice,
    seen: frozenset[str],
    hedged: frozenset[str],
    findings: Findings,
    previous: Findings | None,
) -> list[str]:
    """The lines of a typed report.

    Args:
        voice: who types.
        seen: classes that the writer states or suspects.
        hedged: those of them that the writer only suspects.
        findings: of the recording.
        previous: of the recording before, for a comparison; None where the writer does not compare.
    """
    others = [_since(voice, name, previous) for name in BUNDLE_BRANCHES if name in seen]
    behind = background(voice, seen, findings)
    remarks = _remarks(voice, seen, previous)
    style = voice.rng.random()
    if style < 0.45:
        lines = [rhythm_line(voice, seen, hedged, findings), *others, *behind]
        lines += [verdict(voice, seen, bool(behind))] * voice.chance(0.7) + remarks
    elif style < 0.7:
        parts = [rhythm_line(voice, seen, hedged, findings), *others, *behind, *remarks]
        lines = [", ".join(parts) + voice.pick((".", ""))]
    elif style < 0.87:
        lines = [_prose(voice, seen, hedged, findings, [*others, *behind], remarks)]
    else:
        lines = _form(voice, seen, hedged, findings, others, behind)
    if previous is not None:
        lines.append(typed_comparison(voice, seen, previous))
    return lines


def _since(voice: Voice, name: str, previous: Findings | None) -> str:
    """A block of a bundle branch, which may be called new where the recording before has none."""
    fresh = previous is not None and name not in previous.classes and voice.chance(0.5)
    return f"new {voice.say(name)}" if fresh else voice.say(name)


def _prose(
    voice: Voice,
    seen: frozenset[str],
    hedged: frozenset[str],
    findings: Findings,
    others: list[str],
    remarks: list[str],
) -> str:
    """Sentences on one line."""
    head = rhythm_head(voice, seen, hedged, findings)
    opening = voice.pick(("The rhythm is {}", "Rhythm is {}", "This tracing shows {}", "ECG shows {}"))
    sentences = [opening.format(head)]
    if ending := ectopy(voice, seen, hedged, findings):
        sentences.append(f"{ending} {voice.pick(('noted', 'seen', 'present'))}")
    if others:
        sentences.append(voice.pick(("There is {}", "{} noted")).format(" and ".join(others)))
    sentences += remarks
    return ". ".join(sentence[:1].upper() + sentence[1:] for sentence in sentences) + "."


def _form(
    voice: Voice,
    seen: frozenset[str],
    hedged: frozenset[str],
    findings: Findings,
    others: list[str],
    behind: list[str],
) -> list[str]:
    """Lines with a heading each."""
    lines = [f"Rhythm: {rhythm_head(voice, seen, hedged, findings)}", f"Rate: {round(findings.rate)}"]
    if ending := ectopy(voice, seen, hedged, findings):
        lines.append(f"Ectopy: {ending}")
    elif voice.chance(0.5):
        lines.append("Ectopy: none")
    if others:
        lines.append(f"Conduction: {', '.join(others)}")
    if behind:
        lines.append(f"Other: {', '.join(behind)}")
    return [*lines, f"Impression: {verdict(voice, seen, bool(behind))}"]


def _remarks(voice: Voice, seen: frozenset[str], previous: Findings | None) -> list[str]:
    """What a person adds without being asked: what is not there, and what was there before."""
    remarks = []
    if voice.chance(0.3):
        remarks.append(voice.pick(("no acute ST changes", "no acute ischemic changes", "no ST elevation")))
    if voice.chance(0.08) and not seen & {*ECTOPY, "bigeminy"}:
        remarks.append(voice.pick(("no ectopy", "no PVCs", "no PACs or PVCs")))
    if voice.chance(0.06) and not seen & _BLOCKS and "sinus_rhythm" in seen:
        remarks.append(voice.pick(("no evidence of heart block", "no AV block", "no BBB")))
    gone = previous is not None and previous.classes & _ARRHYTHMIAS and not seen & _ARRHYTHMIAS
    if gone and voice.chance(0.4):
        remarks.append(
            voice.pick(("h/o AF", "history of atrial fibrillation", "known paroxysmal AF, not seen today"))
        )
    return remarks
