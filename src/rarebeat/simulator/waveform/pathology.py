"""What else a heart can have, outside the classes: hypertrophy, scars, fascicles, repolarisation.

Each finding changes the vectors of the heart before they reach the leads, so it shows in all leads at once, as
it does in people. Diseases leave their marks; the other findings are drawn here, as common as in the ECGs of a
hospital by order of magnitude.
"""

from dataclasses import replace

import numpy as np

from rarebeat.core.arithmetic import limit, product
from rarebeat.simulator.rhythm.clocks import Rng
from rarebeat.simulator.waveform.vectors import Vectors, turn

_MARKS = (
    "left_ventricular_hypertrophy",
    "left_atrial_enlargement",
    "inferior_infarct",
    "anterior_infarct",
    "lateral_ischemia",
    "pulmonary_pattern",
)
"""Findings that come with the patient's conditions."""
_RULED_OUT = (
    ("left_ventricular_hypertrophy", "low_voltage"),
    ("anterior_infarct", "poor_r_progression"),
    ("left_anterior_fascicle", "left_posterior_fascicle"),
    ("inverted_t", "flat_t"),
    ("lateral_ischemia", "early_repolarization"),
)
"""Where the first is found, the second is not."""


def draw_findings(
    rng: Rng, conduction: str, age: float, sex: str, conditions: frozenset[str] = frozenset()
) -> frozenset[str]:
    """The findings of one heart.

    Args:
        rng: source of randomness.
        conduction: state of the bundle branches.
        age: years.
        sex: "female" or "male".
        conditions: of the patient; those that leave a mark are findings.
    """
    elder = limit((age - 30) / 35, 0.1, 1.4)
    chances = {
        "poor_r_progression": 0.03,
        "low_voltage": 0.03 * elder,
        "flat_t": 0.04 * elder,
        "inverted_t": 0.012 * elder,
        "early_repolarization": 0.10 if sex == "male" and age < 50 else 0.02,
        "long_qt": 0.03,
        "left_anterior_fascicle": 0.05 * elder,
        "left_posterior_fascicle": 0.004 * elder,
        "preexcitation": 0.002,
    }
    drawn = rng.random(len(chances))
    found = {name for (name, chance), value in zip(chances.items(), drawn, strict=True) if value < chance}
    found |= conditions & set(_MARKS)
    if conduction == "left":  # it hides what the first vectors of the QRS and the T wave would show
        found &= {"low_voltage", "long_qt", "left_atrial_enlargement", "left_ventricular_hypertrophy"}
    if conduction == "delayed":  # reports tell of a delta wave in a normal QRS alone
        found.discard("preexcitation")
    return frozenset(found - {weak for strong, weak in _RULED_OUT if strong in found})


def show(heart: Vectors, findings: frozenset[str], rng: Rng) -> Vectors:
    """A heart with its findings, each more or less severe."""
    severity = float(rng.uniform(0.6, 1.3))
    secondary = bool(rng.random() < 0.5)  # repolarisation shows it, too
    if not findings:
        return heart
    heart = _muscle(heart, findings, severity, secondary)
    heart = _fascicles(heart, findings, severity)
    return _repolarisation(heart, findings, severity)


def _muscle(heart: Vectors, findings: frozenset[str], severity: float, secondary: bool) -> Vectors:
    """Hypertrophy, scars and voltage."""
    qrs, t, st, p = heart.qrs.copy(), heart.t.copy(), heart.st.copy(), heart.p.copy()
    frontal, duration, p_duration = heart.frontal, heart.duration, heart.p_duration
    if "left_ventricular_hypertrophy" in findings:
        qrs[1:4] *= 1 + 0.40 * severity
        qrs[2:4, 2] += 0.15 * severity
        duration += 0.006
        if secondary:  # strain
            t *= [-0.5, -0.2, 1.2]
            st += np.array([-0.06, -0.02, -0.02]) * severity
    if "pulmonary_pattern" in findings:  # the right ventricle is heavy, the chest is deep
        qrs[2] *= 0.7
        qrs[3] += np.array([-0.35, 0.05, -0.35]) * severity
        t[2] += 0.12 * severity
        frontal += 0.6
        p *= [[1.0, 1.7, 1.2], [0.8, 1.0, 1.0]]
    if "left_atrial_enlargement" in findings:
        p[1] *= [1.3, 1.0, 2.2]
        p_duration += 0.022
    if "anterior_infarct" in findings:
        qrs[:2] += np.array([[0.0, 0.0, 0.17], [-0.12, 0.0, 0.42]]) * severity
        st[2] -= 0.05 * severity * secondary
        t[2] += 0.30 * severity * secondary
    if "poor_r_progression" in findings:
        qrs[1, 2] += 0.24 * severity
    if "inferior_infarct" in findings:
        qrs[:2, 1] -= np.array([0.17, 0.33]) * severity
        t[1] -= 0.22 * severity * secondary
    if "low_voltage" in findings:
        qrs *= 0.30 + 0.15 * severity
    return replace(heart, qrs=qrs, t=t, st=st, p=p, frontal=frontal, duration=duration, p_duration=p_duration)


def _fascicles(heart: Vectors, findings: frozenset[str], severity: float) -> Vectors:
    """Block of one fascicle of the left bundle: the axis turns, the first vector points the other way."""
    if "left_anterior_fascicle" in findings:
        first, angle = np.array([-0.04, 0.14, 0.0]), -0.9 - 0.4 * severity
    elif "left_posterior_fascicle" in findings:
        first, angle = np.array([0.10, -0.14, 0.0]), 0.9 + 0.3 * severity
    else:
        return heart
    qrs = heart.qrs.copy()
    qrs[1:] = product(qrs[1:], turn(angle, 0.0).T)
    qrs[0] += first
    return replace(heart, qrs=qrs, duration=heart.duration + 0.008)


def _repolarisation(heart: Vectors, findings: frozenset[str], severity: float) -> Vectors:
    """ST segment, T wave and QT interval."""
    t, st, qt = heart.t.copy(), heart.st.copy(), heart.qt
    if "flat_t" in findings:
        t *= 0.10 + 0.25 * severity
    if "inverted_t" in findings:
        t *= np.array([-0.6, -0.4, -0.7]) * severity
    if "lateral_ischemia" in findings:
        st += np.array([-0.06, -0.03, 0.02]) * severity
        t *= [-0.35, 0.2, 0.8]
    if "early_repolarization" in findings:
        st += np.array([0.05, 0.04, -0.05]) * severity
        t *= 1.25
    if "long_qt" in findings:
        qt += 0.03 + 0.035 * severity
    return replace(heart, t=t, st=st, qt=qt)
