"""The serial block: what has changed since the patient's earlier recording, in the machine's words or typed.

Nothing in it says what the recording shows now that the report has not said before.
"""

from datetime import datetime

from rarebeat.simulator.reports.findings import Findings, Voice
from rarebeat.simulator.reports.wording import (
    BUNDLE_BRANCHES,
    CONDUCTION,
    DEGREES,
    ECTOPY,
    PHRASES,
    RHYTHMS,
    SUBSIDIARY,
)

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_ASIDES = (
    "QT has shortened",
    "QT has lengthened",
    "Questionable change in initial forces of Anterior leads",
    "Questionable change in QRS axis",
    "Nonspecific T wave abnormality now evident in Lateral leads",
    "Nonspecific T wave abnormality no longer evident in Inferior leads",
    "T wave amplitude has increased in Anterior leads",
)
"""Changes that a machine notes and that mean nothing for the classes."""


def date_text(time: datetime) -> str:
    """A date as the machine writes it, the same in every locale.

    >>> date_text(datetime(2011, 5, 7, 9, 12))
    '07-MAY-2011'
    """
    return f"{time.day:02d}-{MONTHS[time.month - 1]}-{time.year}"


def comparison(voice: Voice, seen: frozenset[str], findings: Findings, previous: Findings) -> list[str]:
    """The lines of the machine's serial block.

    Args:
        voice: who writes.
        seen: classes that the report speaks of.
        findings: of the recording.
        previous: of the recording before; its classes as they truly were.
    """
    changes = _rhythm_change(seen, findings, previous) + [
        _change(name, name in seen)
        for name in (*ECTOPY, *CONDUCTION, *BUNDLE_BRANCHES)
        if (name in seen) != (name in previous.classes)
    ]
    difference = round(findings.rate - previous.rate)
    if abs(difference) >= 10:
        direction = "increased" if difference > 0 else "decreased"
        changes.append(f"Vent. rate has {direction} BY {abs(difference)} BPM")
    if voice.chance(0.25):
        changes.append(voice.pick(_ASIDES))
    if len(changes) > 2 and voice.chance(0.15):
        changes = ["Significant changes have occurred"]
    return [_opening(voice, previous), *(changes[:5] or ["No significant change was found"])]


def _opening(voice: Voice, previous: Findings) -> str:
    if previous.time is None:
        return "When compared with previous ECG,"
    time = f"{date_text(previous.time)} {previous.time:%H:%M}"
    return f"When compared with ECG of {time},{' (unconfirmed)' if voice.chance(0.15) else ''}"


def _rhythm_change(seen: frozenset[str], findings: Findings, previous: Findings) -> list[str]:
    if seen and _leading(previous.classes) is None:
        return ["Previous ECG has undetermined rhythm, needs review"]
    return [
        f"{_words(now, findings.variant)} has replaced {_words(before, previous.variant)}"
        for now, before in _replaced(seen, previous)
    ]


def _replaced(seen: frozenset[str], previous: Findings) -> list[tuple[str, str]]:
    """The leading rhythms of now and before, if one is new and the other gone."""
    now, before = _leading(seen), _leading(previous.classes)
    if now is None or before is None or now in previous.classes or before in seen:
        return []
    return [(now, before)]


def _change(name: str, present: bool) -> str:
    phrase = _words(name)
    verb = "are" if phrase.endswith("complexes") else "is"
    return f"{phrase} {verb} {'now' if present else 'no longer'} Present"


def _words(name: str, variant: str = "") -> str:
    """A finding as this block writes it, with a capital: "Premature atrial complexes"."""
    if name == "paced_rhythm":
        return f"Electronic {'atrial' if variant == 'atrial' else 'ventricular'} pacemaker"
    phrase = DEGREES["type II"][0][0] if name not in PHRASES else PHRASES[name][0][0]
    return phrase[:1].upper() + phrase[1:]


def _leading(classes: frozenset[str]) -> str | None:
    return next((name for name in (*RHYTHMS, *SUBSIDIARY) if name in classes), None)


_SHORT = {
    "sinus_rhythm": "sinus rhythm",
    "sinus_bradycardia": "sinus brady",
    "sinus_tachycardia": "sinus tach",
    "atrial_fibrillation": "AF",
    "atrial_flutter": "flutter",
    "premature_atrial_complexes": "PACs",
    "premature_ventricular_complexes": "PVCs",
    "av_block_1st_degree": "1st deg AVB",
    "left_bundle_branch_block": "LBBB",
    "right_bundle_branch_block": "RBBB",
    "paced_rhythm": "pacing",
    "supraventricular_tachycardia": "SVT",
    "avnrt": "AVNRT",
    "atrial_tachycardia": "AT",
    "ectopic_atrial_rhythm": "ectopic atrial rhythm",
    "junctional_rhythm": "junctional rhythm",
    "idioventricular_rhythm": "IVR",
    "ventricular_tachycardia": "VT",
    "complete_heart_block": "CHB",
    "av_block_2nd_degree_advanced": "high grade block",
    "av_block_2nd_degree_mobitz_i": "Wenckebach",
    "fusion_complexes": "fusion beats",
    "bigeminy": "bigeminy",
}


def typed_comparison(voice: Voice, seen: frozenset[str], previous: Findings) -> str:
    """The same in one line, as a person types it."""
    replaced = _replaced(seen, previous)
    told = {name for pair in replaced for name in pair}
    new = [_SHORT[name] for name in _SHORT if name in seen - previous.classes - told]
    gone = [_SHORT[name] for name in _SHORT if name in previous.classes - seen - told]
    day = "prior"
    if previous.time is not None:
        day = f"{previous.time.month}/{previous.time.day}/{previous.time:%y}"
    forms = ("Compared to {}", "Since {}", "c/w ECG of {}", "When compared to tracing of {}")
    opening = voice.pick(forms).format(day)
    changed = voice.pick(("now {}, was {}", "now {}, was {}", "new {}, was {}", "{} has replaced {}"))
    changes = [changed.format(_SHORT[now], _SHORT[before]) for now, before in replaced]
    if not new and not gone and not changes:
        same = (f"No sig change since {day}", f"{opening} no significant change", f"{opening}, no change")
        return voice.pick(same)
    if new:
        changes.append(voice.pick(("{} now present", "{} new", "new {}")).format(", ".join(new)))
    if gone:
        changes.append(f"{', '.join(gone)} {voice.pick(('no longer seen', 'no longer present', 'resolved'))}")
    return f"{opening}: {'; '.join(changes)}"
