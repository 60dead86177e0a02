"""What a reader writes about a recording: a report in the wording of an electrocardiograph, right or wrong.

Three things stay apart: the truth of the recording, what the reader states (:class:`Report`), and what a
labeller will make of the text. The labeller's vocabulary is not used here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rarebeat.simulator.clocks import Rng
from rarebeat.simulator.wording import (
    CONDUCTION,
    DEGREES,
    FLUTTER,
    MISTAKEN,
    PACING,
    PHRASES,
    RHYTHMS,
    SUBSIDIARY,
)

TYPED = 0.2
"""Share of reports that a person typed."""
HEDGED = 0.02
"""Share of reports in which the leading rhythm, or a conduction block, is only suspected."""
COMPARED = 0.75
"""Share of later visits whose report compares with the visit before."""

_INTRODUCTIONS = ("possible", "probable", "consider")
_ECTOPY = ("premature_atrial_complexes", "premature_ventricular_complexes", "fusion_complexes")
_HARMLESS = {"sinus_rhythm", "sinus_arrhythmia"}
_MINOR = _HARMLESS | {
    "sinus_bradycardia",
    "sinus_tachycardia",
    "premature_atrial_complexes",
    "av_block_1st_degree",
}


@dataclass(frozen=True)
class Findings:
    """What there is to see in a recording.

    Attributes:
        classes: the truth.
        variant: form of the mechanism, as in :class:`~rarebeat.simulator.events.Rhythm`.
        rate: ventricular rate, beats per minute.
        ectopic: number of premature complexes.
        background: findings outside the classes, as statements.
        months: since the recording before; 0 where there is none.
    """

    classes: frozenset[str]
    variant: str
    rate: float
    ectopic: int
    background: tuple[str, ...] = ()
    months: int = 0


@dataclass(frozen=True)
class Report:
    """A report and what its writer meant.

    Attributes:
        text: statements, one per line.
        stated: classes that the writer states.
        hedged: classes that the writer only suspects.
    """

    text: str
    stated: frozenset[str]
    hedged: frozenset[str]


def write_report(rng: Rng, findings: Findings, previous: Findings | None, label_noise: float) -> Report:
    """Write a report.

    Args:
        rng: source of randomness.
        findings: of the recording.
        previous: of the patient's recording before it, for the comparison; None at the first visit.
        label_noise: chance that one statement is wrong or missing.
    """
    seen = misread(rng, findings.classes) if rng.random() < label_noise else findings.classes
    typed = bool(rng.random() < TYPED)
    hedged = _suspected(rng, seen)
    lines = [rhythm_line(rng, seen, hedged, findings, typed)]
    lines += [_say(rng, name, typed) for name in sorted(seen) if name.endswith("bundle_branch_block")]
    lines += findings.background
    lines.append(_severity(rng, seen, findings))
    if previous and rng.random() < COMPARED:
        lines += _comparison(seen, findings, previous)
    text = "\n".join(line[:1].upper() + line[1:] for line in lines)
    return Report(text, seen - hedged, hedged)


def misread(rng: Rng, classes: frozenset[str]) -> frozenset[str]:
    """The classes with one of them missed or taken for another."""
    name = sorted(classes)[int(rng.integers(len(classes)))]
    rest = classes - {name}
    if name in MISTAKEN and (not rest or name in RHYTHMS or rng.random() < 0.5):
        return rest | {str(rng.choice(MISTAKEN[name]))}
    return rest


def rhythm_line(
    rng: Rng, seen: frozenset[str], hedged: frozenset[str], findings: Findings, typed: bool
) -> str:
    """The first statement: the rhythm and, by connectors, what belongs to it."""
    words: list[str] = []
    for name in (*RHYTHMS, *CONDUCTION, *SUBSIDIARY):
        if name in seen:
            words.append(_introduced(rng, name, name in hedged, findings, typed, first=not words))
    if not words:
        words.append("undetermined rhythm")
    ending = _ectopy(rng, seen, findings, typed)
    if "sinus_arrhythmia" in seen:
        words.append(f"with {_say(rng, 'sinus_arrhythmia', typed)}")
    line = " ".join([*words, ending]).strip().replace(" , ", ", ")
    if seen <= _HARMLESS and "sinus_rhythm" in seen and not typed and rng.random() < 0.9:
        line = f"normal {line}"
    return line


def _introduced(rng: Rng, name: str, doubtful: bool, findings: Findings, typed: bool, first: bool) -> str:
    """One finding of the rhythm line with its connector and its own supplements."""
    phrase = _say(rng, name, typed, findings.variant)
    if doubtful:
        phrase = f"{rng.choice(_INTRODUCTIONS)} {phrase}"
        if name == "ectopic_atrial_rhythm":
            phrase = f"unusual P axis, {phrase}"
    if name == "atrial_flutter" and findings.variant in FLUTTER and rng.random() < 0.7:
        phrase += f" with {FLUTTER[findings.variant]}"
    if name == "atrial_fibrillation" and findings.variant == "":
        phrase += _response(rng, findings.rate, typed)
    if name == "ventricular_tachycardia" and findings.variant == "run":
        phrase = f"a run of {phrase}"
    if first:
        return phrase
    if name == "avnrt":
        return f", {phrase}"
    return f"and {phrase}" if name in ("junctional_rhythm", "idioventricular_rhythm") else f"with {phrase}"


def _say(rng: Rng, name: str, typed: bool, variant: str = "") -> str:
    if name == "av_block_2nd_degree_advanced":
        return DEGREES.get(variant, ("2nd degree A-V block (Mobitz II)",) * 2)[typed]
    phrases = PACING.get(variant, PACING["ventricular"]) if name == "paced_rhythm" else PHRASES[name][typed]
    return str(phrases[int(rng.integers(len(phrases)))])


def _response(rng: Rng, rate: float, typed: bool) -> str:
    if rate > 100 and rng.random() < 0.9:
        return " with RVR" if typed else " with rapid ventricular response"
    if rate < 60 and rng.random() < 0.7:
        return " with slow ventricular response"
    return ""


def _ectopy(rng: Rng, seen: frozenset[str], findings: Findings, typed: bool) -> str:
    kinds = [name for name in _ECTOPY if name in seen]
    phrases = [_say(rng, name, typed) for name in kinds]
    if kinds[-2:] == ["premature_ventricular_complexes", "fusion_complexes"] and not typed:
        phrases[-2:] = ["premature ventricular and fusion complexes"]
    if phrases and rng.random() < 0.5:
        phrases[0] = f"{'frequent' if findings.ectopic > 2 else 'occasional'} {phrases[0]}"
    ending = f"with {' and '.join(phrases)}" if phrases else ""
    if "bigeminy" in seen:
        ending += " in a pattern of bigeminy" if phrases and not typed else ", bigeminy"
    return ending


def _suspected(rng: Rng, seen: frozenset[str]) -> frozenset[str]:
    candidates = sorted(
        name for name in seen if name in (*RHYTHMS[3:], *CONDUCTION, "ventricular_tachycardia")
    )
    if not candidates:
        return frozenset()
    chance = 0.25 if "ectopic_atrial_rhythm" in seen else HEDGED
    return frozenset(candidates[:1]) if rng.random() < chance else frozenset()


def _severity(rng: Rng, seen: frozenset[str], findings: Findings) -> str:
    if seen and seen <= _MINOR and not findings.background:
        return "Normal ECG" if seen <= _HARMLESS else "Otherwise normal ECG"
    return "Borderline ECG" if seen <= _MINOR and rng.random() < 0.5 else "Abnormal ECG"


def _comparison(seen: frozenset[str], findings: Findings, previous: Findings) -> list[str]:
    """The serial block: what is new and what is gone. Nothing in it states what the recording shows now."""
    changes = []
    now, before = _leading(seen), _leading(previous.classes)
    if now and before and now != before:
        changes.append(f"{PHRASES[now][0][0]} has replaced {PHRASES[before][0][0]}")
    for name in sorted(seen ^ previous.classes):
        if name in (*_ECTOPY, *CONDUCTION, "left_bundle_branch_block", "right_bundle_branch_block"):
            changes.append(_change(name, name in seen))
    difference = round(findings.rate - previous.rate)
    if abs(difference) >= 10:
        changes.append(
            f"Vent. rate has {'increased' if difference > 0 else 'decreased'} BY {abs(difference)} BPM"
        )
    months = f"{findings.months} month{'s' if findings.months > 1 else ''}"
    return [
        f"When compared with ECG of {months} earlier,",
        *(changes[:4] or ["No significant change was found"]),
    ]


def _change(name: str, present: bool) -> str:
    phrase = DEGREES["type II"][0] if name not in PHRASES else PHRASES[name][0][0]
    verb = "are" if phrase.endswith("complexes") else "is"
    return f"{phrase} {verb} {'now' if present else 'no longer'} present"


def _leading(classes: frozenset[str]) -> str | None:
    names: Sequence[str] = [name for name in (*RHYTHMS, *SUBSIDIARY) if name in classes and name in PHRASES]
    return names[0] if names else None
