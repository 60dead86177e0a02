"""Statements outside the classes: axis, voltage, hypertrophy, infarcts, ST and T; and the verdict on the whole."""

from datetime import timedelta

from rarebeat.simulator.reports.comparison import date_text
from rarebeat.simulator.reports.findings import Findings, Voice

WIDE = frozenset(
    ("ventricular_tachycardia", "idioventricular_rhythm", "paced_rhythm", "left_bundle_branch_block")
)
"""Where the ventricles are activated abnormally, the machine does not read the rest."""

_WORDINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # in the order of the machine's report
    "low voltage QRS": (("low voltage QRS",), ("low voltage", "low voltages limb leads")),
    "left axis deviation": (("left axis deviation",), ("LAD", "left axis", "leftward axis")),
    "left anterior fascicular block": (("left anterior fascicular block",), ("LAFB", "LAHB")),
    "left posterior fascicular block": (("left posterior fascicular block",), ("LPFB",)),
    "rightward axis": (("rightward axis", "right axis deviation"), ("right axis", "RAD")),
    "incomplete right bundle branch block": (
        ("incomplete right bundle branch block", "RSR' or QR pattern in V1 suggests RV conduction delay"),
        ("IRBBB", "incomplete RBBB", "rSr' V1"),
    ),
    "nonspecific intraventricular conduction delay": (
        ("nonspecific intraventricular conduction delay", "nonspecific intraventricular block"),
        ("IVCD", "NSIVCD", "intraventricular conduction delay"),
    ),
    "pulmonary_pattern": (("pulmonary disease pattern",), ("pulm disease pattern",)),
    "left_atrial_enlargement": (("possible Left atrial enlargement",), ("LAE", "P mitrale")),
    "voltage criteria for left ventricular hypertrophy": (
        (
            "voltage criteria for left ventricular hypertrophy",
            "minimal voltage criteria for LVH, may be normal variant",
            "moderate voltage criteria for LVH, may be normal variant",
            "left ventricular hypertrophy with repolarization abnormality",
        ),
        ("LVH", "LVH by voltage", "LVH w/ strain"),
    ),
    "ventricular preexcitation": (("ventricular pre-excitation, WPW pattern",), ("WPW", "delta waves, WPW")),
    "inferior_infarct": (
        ("inferior infarct , age undetermined", "inferior infarct (cited on or before {date})"),
        ("old IMI", "inferior Qs, old MI"),
    ),
    "anterior_infarct": (
        ("anteroseptal infarct , age undetermined", "anterior infarct (cited on or before {date})"),
        ("old ant MI", "old anteroseptal MI"),
    ),
    "cannot rule out anterior infarct, age undetermined": (
        (
            "cannot rule out Anterior infarct , age undetermined",
            "possible Anterior infarct , age undetermined",
        ),
        ("poor R wave progression", "PRWP"),
    ),
    "poor R wave progression": (("poor R wave progression",), ("poor R wave progression", "PRWP")),
    "early repolarization": (("early repolarization",), ("early repol", "early repolarization pattern")),
    "nonspecific T wave abnormality": (
        ("nonspecific T wave abnormality", "nonspecific ST and T wave abnormality"),
        ("NSSTT changes", "nonspecific ST-T changes", "nonspecific T wave flattening"),
    ),
    "lateral_ischemia": (
        (
            "ST & T wave abnormality, consider lateral ischemia",
            "T wave abnormality, consider lateral ischemia",
        ),
        ("lateral TWI", "ST-T changes laterally"),
    ),
    "prolonged QT": (("prolonged QT",), ("QT prolonged", "long QTc")),
    "suspect arm lead reversal": (
        ("suspect arm lead reversal, interpretation assumes no reversal",),
        ("? arm lead reversal", "limb leads reversed"),
    ),
}
_SAME = {"left_ventricular_hypertrophy": "voltage criteria for left ventricular hypertrophy"}
_COVERED: dict[str, set[str]] = {  # what need not be said beside something stronger
    "anterior_infarct": {"cannot rule out anterior infarct, age undetermined", "poor R wave progression"},
    "lateral_ischemia": {"nonspecific T wave abnormality"},
    "left anterior fascicular block": {"left axis deviation"},
}
_P_WAVES = {"sinus_rhythm", "sinus_bradycardia", "sinus_tachycardia"}
_HARMLESS = {"sinus_rhythm", "sinus_arrhythmia"}
_MINOR = _HARMLESS | {
    "sinus_bradycardia",
    "sinus_tachycardia",
    "premature_atrial_complexes",
    "av_block_1st_degree",
}


def background(voice: Voice, seen: frozenset[str], findings: Findings) -> list[str]:
    """Statements in the order of the machine's report; a known finding is now and then not mentioned."""
    if seen & WIDE:
        return []
    present = {*findings.background}
    present |= {_SAME.get(name, name) for name in findings.conditions}
    if not seen & _P_WAVES:
        present.discard("left_atrial_enlargement")
    present -= {weaker for name in present for weaker in _COVERED.get(name, ())}
    lines = []
    for name, wording in _WORDINGS.items():
        if name in present and voice.chance(0.9):
            line = voice.pick(wording[voice.typed])
            lines.append(_cited(voice, line, findings) if "{date}" in line else line)
    return lines + [name for name in findings.background if name not in _WORDINGS]


def _cited(voice: Voice, line: str, findings: Findings) -> str:
    if findings.time is None:
        return line.split(" (")[0]
    earlier = findings.time - timedelta(days=30 + int(voice.rng.random() * 2000))
    return line.format(date=date_text(earlier))


def verdict(voice: Voice, seen: frozenset[str], others: bool) -> str:
    """The line on severity.

    Args:
        voice: who writes.
        seen: classes that the writer states or suspects.
        others: statements outside the classes are there.
    """
    if not seen or not seen <= _MINOR:
        return "Abnormal ECG"
    if others:
        return "Borderline ECG" if voice.chance(0.5) else "Abnormal ECG"
    return "Normal ECG" if seen <= _HARMLESS else "Otherwise normal ECG"
