"""What a reader writes about a recording: a report in the wording of an electrocardiograph, right or wrong.

Three things stay apart: the truth of the recording, what the reader means (:class:`Report`), and what a
labeller will make of the text. The labeller's vocabulary is not used here.

Most reports are the machine's: rhythm line, bundle branches, the rest of the tracing, severity, comparison
with the earlier recording. Some of these a reader has edited; some reports a person has typed throughout.
"""

from rarebeat.simulator.patients.streams import stream
from rarebeat.simulator.reports.comparison import comparison
from rarebeat.simulator.reports.findings import USUAL, Findings, Report, Style, Voice
from rarebeat.simulator.reports.overread import correction, misread, overcall, signature
from rarebeat.simulator.reports.rhythm_line import rhythm_line
from rarebeat.simulator.reports.statements import WIDE, background, verdict
from rarebeat.simulator.reports.typist import mistype, typed_report
from rarebeat.simulator.reports.wording import BUNDLE_BRANCHES, CONDUCTION, RHYTHMS
from rarebeat.simulator.rhythm.clocks import Rng

_AGREED = ("Agree with computer interpretation", "Agree with above", "Reviewed, agree")
_ADDED_BY_HAND = {"avnrt"}
"""What no machine says: a person adds it to the report."""
_DOUBTFUL = {"ectopic_atrial_rhythm": 12, "supraventricular_tachycardia": 5}
"""Rhythms that are only suspected so many times as often as others."""
_CONFUSED = {  # pairs between which a person may leave the choice open
    "atrial_fibrillation": "atrial_flutter",
    "atrial_flutter": "atrial_tachycardia",
    "atrial_tachycardia": "sinus_tachycardia",
    "supraventricular_tachycardia": "atrial_flutter",
}


def write_report(
    rng: Rng,
    findings: Findings,
    previous: Findings | None,
    label_noise: float,
    style: Style = USUAL,
    held_out: bool = False,
) -> Report:
    """Write a report.

    Args:
        rng: source of randomness.
        findings: of the recording.
        previous: of the patient's recording before it, for the comparison; None at the first visit.
        label_noise: chance that one statement is wrong or missing.
        style: how reports are written.
        held_out: use the wordings that are kept back.

    Returns:
        The text, and the classes that its writer states and suspects.
    """
    meant = misread(rng, findings.classes, findings.rate) if rng.random() < label_noise else findings.classes
    voice = Voice(rng, typed=bool(rng.random() < style.typed), held_out=held_out)
    hedged = _suspected(voice, meant, style)
    seen = meant | hedged
    chart = "" if previous is not None or findings.time is None else "No previous ECGs available"
    if previous is not None and not voice.chance(style.compared):
        previous = None
    if voice.typed:
        lines = typed_report(voice, seen, hedged, findings, previous)
        lines = [mistype(rng, line, style.typos) for line in lines]
    elif voice.chance(style.overread):
        lines = _edited(voice, seen, hedged, findings, previous, style.typos)
    else:
        lines = _machine(voice, seen, hedged, findings, previous)
        lines += [chart] * bool(chart and voice.chance(0.2))
    if voice.chance(style.signed):
        lines.append(signature(voice, findings.time))
    text = "\n".join(line[:1].upper() + line[1:] for line in lines)
    return Report(text.upper() if voice.chance(style.capitals) else text, meant - hedged, hedged)


def uses_held_out(seed: int, patient: int, style: Style) -> bool:
    """Whether the reports of a patient, by number, use the wordings that are kept back."""
    return style.held_out > 0 and bool(stream(seed, "wording", patient).random() < style.held_out)


def _machine(
    voice: Voice,
    seen: frozenset[str],
    hedged: frozenset[str],
    findings: Findings,
    previous: Findings | None,
    first: str | None = None,
) -> list[str]:
    """The machine's report, with its rhythm line replaced by ``first`` if that is given."""
    others = background(voice, seen, findings)
    lines = [first or rhythm_line(voice, seen - _ADDED_BY_HAND, hedged, findings)]
    if "avnrt" in seen and not first:
        person = Voice(voice.rng, typed=True, held_out=voice.held_out)
        lines.append(f"{'probable ' * ('avnrt' in hedged)}{person.say('avnrt')}")
    lines += [voice.say(name) for name in BUNDLE_BRANCHES if name in seen]
    lines += others
    if "paced_rhythm" in seen and seen <= WIDE | {"atrial_fibrillation"} and voice.chance(0.15):
        lines.append("no further analysis attempted due to paced rhythm")
    lines.append(verdict(voice, seen, bool(others)))
    if previous is not None:
        lines += comparison(voice, seen, findings, previous)
    return lines


def _edited(
    voice: Voice,
    seen: frozenset[str],
    hedged: frozenset[str],
    findings: Findings,
    previous: Findings | None,
    typos: float,
) -> list[str]:
    """The machine's report after a reader's edits.

    The reader types the first line anew (and so deletes what was wrong with it), agrees, or corrects below what
    the machine got wrong or lacks, and leaves its statements where they are.
    """
    person = Voice(voice.rng, typed=True, held_out=voice.held_out)
    kind = voice.rng.random()
    if kind < 0.4 and "premature_ventricular_complexes" not in hedged:
        first = mistype(voice.rng, rhythm_line(person, seen, hedged, findings), typos)
        return _machine(voice, seen, hedged, findings, previous, first)
    if kind < 0.6 or hedged:
        return [*_machine(voice, seen, hedged, findings, previous), voice.pick(_AGREED)]
    printed = overcall(voice, seen) if kind > 0.85 else misread(voice.rng, seen, findings.rate)
    lines = _machine(voice, printed, hedged, findings, previous)
    if printed == seen:
        return lines
    words = correction(person, printed - seen, seen - printed, findings.variant)
    opening = [number for number, line in enumerate(lines) if line.startswith("When compared")]
    place = opening[0] if opening and voice.chance(0.8) else len(lines)
    return [*lines[:place], mistype(voice.rng, words, typos), *lines[place:]]


def _suspected(voice: Voice, meant: frozenset[str], style: Style) -> frozenset[str]:
    """Classes that the writer only suspects; of two between which the choice is left open, both."""
    if not voice.typed and not voice.held_out and voice.chance(0.5):
        doubtful = meant & {"atrial_fibrillation", "premature_ventricular_complexes"}
        if len(doubtful) == 2:  # a wide early complex of a fibrillating heart may be aberrant
            return frozenset({"premature_ventricular_complexes"})
    if {"atrial_fibrillation", "complete_heart_block"} <= meant and voice.chance(0.35):
        return frozenset({"complete_heart_block"})
    candidates = [
        name
        for name in (*CONDUCTION, *RHYTHMS[3:], "junctional_rhythm", "ventricular_tachycardia")
        if name in meant
    ]
    if not candidates:
        return frozenset()
    if not voice.chance(style.hedged * max(_DOUBTFUL.get(name, 1) for name in candidates)):
        return frozenset()
    name = next((name for name in ("ectopic_atrial_rhythm", "avnrt") if name in meant), candidates[0])
    if voice.typed and name in _CONFUSED and voice.chance(0.3):
        return frozenset({name, _CONFUSED[name]})
    return frozenset({name})
