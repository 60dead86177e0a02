"""Diseases that come together, with age, and with the rhythm; and what they leave in an ECG for good.

The rhythm of a patient is drawn first, from the shares of the clinic, and the diseases given the rhythm:
complete heart block makes a diseased AV node certain, fibrillation makes heart failure likely. So the shares
of the rhythms stay those that were asked for. The chances are orders of magnitude, not epidemiology.
"""

from rarebeat.simulator.rhythm.clocks import Rng

CONDITIONS = (
    "hypertension",
    "coronary_disease",
    "valve_disease",
    "heart_failure",
    "lung_disease",
    "sick_sinus",
    "av_node_disease",
)
MARKS = (
    "left_ventricular_hypertrophy",
    "left_atrial_enlargement",
    "inferior_infarct",
    "anterior_infarct",
    "lateral_ischemia",
    "pulmonary_pattern",
)
"""What a condition may leave in the ECG for good: reports speak of it, and the signal shows it (``pathology``)."""

_BY_RHYTHM: dict[str, dict[str, float]] = {  # what the rhythm adds to the chance of a condition
    "fibrillation": {"valve_disease": 0.12, "heart_failure": 0.14, "sick_sinus": 0.04, "hypertension": 0.10},
    "flutter": {"valve_disease": 0.08, "heart_failure": 0.10, "lung_disease": 0.10},
    "atrial_tachycardia": {"lung_disease": 0.25},
    "sinus_tachycardia": {"lung_disease": 0.10, "heart_failure": 0.05},
    "sinus_bradycardia": {"sick_sinus": 0.08},
    "junctional": {"sick_sinus": 0.35},
    "wenckebach": {"av_node_disease": 0.7},
    "advanced_block": {"av_node_disease": 1.0},
    "complete_block": {"av_node_disease": 1.0, "coronary_disease": 0.1},
    "ventricular_tachycardia": {"coronary_disease": 0.35, "heart_failure": 0.30},
    "idioventricular": {"coronary_disease": 0.25, "heart_failure": 0.10},
    "paced": {"av_node_disease": 0.5, "sick_sinus": 0.4, "heart_failure": 0.10},
}
_MARK_CHANCES = {  # mark: condition, chance
    "left_ventricular_hypertrophy": ("hypertension", 0.16),
    "left_atrial_enlargement": ("valve_disease", 0.35),
    "inferior_infarct": ("coronary_disease", 0.28),
    "anterior_infarct": ("coronary_disease", 0.22),
    "lateral_ischemia": ("coronary_disease", 0.20),
    "pulmonary_pattern": ("lung_disease", 0.12),
}
_BUNDLE_BRANCHES = {  # condition: factors on right and left bundle branch block
    "heart_failure": (1.2, 3.0),
    "coronary_disease": (1.5, 1.6),
    "valve_disease": (1.1, 1.6),
    "av_node_disease": (2.4, 2.4),
}
_TYPICAL_FACTORS = {False: (1.0, 1.13), True: (1.28, 1.82)}
"""About the mean of the factors below and above 62 years; divided by it, the blocks stay as common as before."""


def draw_conditions(rng: Rng, mechanism: str, age: float, sex: str) -> frozenset[str]:
    """The conditions of a patient and the marks that they left, from the rhythm, age in years and sex."""
    chance = {
        "hypertension": min(0.65, max(0.05, (age - 25) / 80)),
        "coronary_disease": min(0.40, max(0.0, (age - 40) / 130)) * (1.3 if sex == "male" else 0.8),
        "valve_disease": min(0.20, max(0.01, (age - 50) / 250)),
        "heart_failure": 0.02,
        "lung_disease": 0.06,
        "sick_sinus": max(0.0, (age - 65) / 600),
        "av_node_disease": max(0.0, (age - 60) / 400),
    }
    for name, extra in _BY_RHYTHM.get(mechanism, {}).items():
        chance[name] += extra
    found: set[str] = set()
    draws = rng.random(len(CONDITIONS) + len(MARKS))
    for name, draw in zip(CONDITIONS, draws, strict=False):
        if name == "heart_failure":  # the end of most other diseases of the heart
            chance[name] += 0.04 * ("hypertension" in found) + 0.13 * ("coronary_disease" in found)
            chance[name] += 0.12 * ("valve_disease" in found)
        if draw < chance[name]:
            found.add(name)
    for name, draw in zip(MARKS, draws[len(CONDITIONS) :], strict=True):
        condition, share = _MARK_CHANCES[name]
        if condition in found and draw < share:
            found.add(name)
    return frozenset(found)


def bundle_branch_factors(conditions: frozenset[str], old: bool) -> tuple[float, float]:
    """Factors on the chances of right and left bundle branch block; one on average over a clinic."""
    right, left = 1.0, 1.0
    for name, factors in _BUNDLE_BRANCHES.items():
        if name in conditions:
            right, left = right * factors[0], left * factors[1]
    typical = _TYPICAL_FACTORS[old]
    return right / typical[0], left / typical[1]
