"""Reports that a person types, in one of several styles, with abbreviations and slips of the finger."""

import re

from rarebeat.simulator.reports.comparison import typed_comparison
from rarebeat.simulator.reports.findings import Findings, Voice
from rarebeat.simulator.reports.rhythm_line import ectopy, rhythm_head, rhythm_line
from rarebeat.simulator.reports.statements import background, verdict
from rarebeat.simulator.reports.wording import BUNDLE_BRANCHES, CONDUCTION, ECTOPY
from rarebeat.simulator.rhythm.clocks import Rng

_ARRHYTHMIAS = {"atrial_fibrillation", "atrial_flutter"}
_BLOCKS = {*CONDUCTION, *BUNDLE_BRANCHES}
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = re.compile(r"[A-Za-z]{4,}")


def typed_report(
    voice: Voice,
    seen: frozenset[str],
    hedged: frozenset[str],
    findings: Findings,
    previous: Findings | None,
) -> list[str]:
    """Type a report.

    Args:
        voice: who types.
        seen: classes that the writer states or suspects.
        hedged: those of them that the writer only suspects.
        findings: of the recording.
        previous: of the recording before, for a comparison; None where the writer does not compare.

    Returns:
        Its lines.
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


def _neighbours() -> dict[str, str]:
    """Each letter with those that a finger hits instead, on an American keyboard."""
    found = {}
    for number, row in enumerate(_ROWS):
        for place, letter in enumerate(row):
            near = row[max(0, place - 1) : place] + row[place + 1 : place + 2]
            for other in _ROWS[max(0, number - 1) : number] + _ROWS[number + 1 : number + 2]:
                near += other[place : place + 1]
            found[letter] = near
    return found


NEIGHBOURS = _neighbours()


def mistype(rng: Rng, text: str, rate: float) -> str:
    """Mistype some words: hit a neighbouring key, leave a letter out, double one or swap two.

    Args:
        rng: source of randomness.
        text: what is typed; numbers and words of fewer than four letters stay as they are.
        rate: chance of a slip for each longer word.

    Returns:
        The text with its slips.
    """
    words = list(_WORD.finditer(text))
    if not words:
        return text
    slips = rng.random(len(words)) < rate
    if not slips.any():
        return text
    parts, end = [], 0
    for word, slipped in zip(words, slips.tolist(), strict=True):
        if slipped:
            parts += [text[end : word.start()], slip(rng, word.group())]
            end = word.end()
    return "".join([*parts, text[end:]])


def slip(rng: Rng, word: str) -> str:
    """The word with one slip after its first letter."""
    place = 1 + int(rng.random() * (len(word) - 2))
    before, letter, after = word[:place], word[place], word[place + 1 :]
    kind = int(rng.random() * 4)
    if kind == 0:
        near = NEIGHBOURS[letter.lower()]
        hit = near[int(rng.random() * len(near))]
        return before + (hit.upper() if letter.isupper() else hit) + after
    if kind == 1 or letter == after[0]:  # two equal letters cannot be swapped
        return before + after
    if kind == 2:
        return before + letter + letter + after
    return before + after[0] + letter + after[1:]
