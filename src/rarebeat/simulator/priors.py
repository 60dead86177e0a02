"""How common each rhythm and each ectopic activity is in the simulated clinic."""

from dataclasses import dataclass

MECHANISMS = (
    "sinus",
    "sinus_bradycardia",
    "sinus_tachycardia",
    "fibrillation",
    "flutter",
    "ectopic_atrial",
    "reentrant_tachycardia",
    "nodal_reentry",
    "atrial_tachycardia",
    "junctional",
    "wenckebach",
    "advanced_block",
    "complete_block",
    "ventricular_tachycardia",
    "idioventricular",
    "paced",
)
"""What can drive the heart during a recording; exactly one does."""


@dataclass(frozen=True)
class Prior:
    """Shares of a clinic's recordings.

    Attributes:
        mechanisms: share of each mechanism; they add up to one.
        premature_atrial: chance of premature atrial complexes where the mechanism allows them.
        premature_ventricular: chance of premature ventricular complexes where the mechanism allows them.
        fusion: chance that late ventricular complexes fuse with conducted ones.
        ventricular_bigeminy: chance that every second beat is ventricular.
        atrial_bigeminy: chance that every second beat is atrial.
        sinus_arrhythmia: chance of marked respiratory variation of the sinus clock.
        block: factor on the chances of bundle branch and first degree block (at most 1.7).
    """

    mechanisms: dict[str, float]
    premature_atrial: float
    premature_ventricular: float
    fusion: float
    ventricular_bigeminy: float
    atrial_bigeminy: float
    sinus_arrhythmia: float
    block: float = 1.0


# Orders of magnitude of a hospital's machine-read ECGs; the classes below 2 % are more common than in life.
_RARE = {
    "sinus_bradycardia": 0.10,
    "sinus_tachycardia": 0.08,
    "fibrillation": 0.10,
    "flutter": 0.03,
    "ectopic_atrial": 0.021,
    "reentrant_tachycardia": 0.010,
    "nodal_reentry": 0.008,
    "atrial_tachycardia": 0.009,
    "junctional": 0.010,
    "wenckebach": 0.011,
    "advanced_block": 0.009,
    "complete_block": 0.008,
    "ventricular_tachycardia": 0.007,
    "idioventricular": 0.006,
    "paced": 0.040,
}

CLINIC = Prior(
    mechanisms={"sinus": 1.0 - sum(_RARE.values())} | _RARE,
    premature_atrial=0.095,
    premature_ventricular=0.070,
    fusion=0.011,
    ventricular_bigeminy=0.013,
    atrial_bigeminy=0.006,
    sinus_arrhythmia=0.062,
)

BALANCED = Prior(
    mechanisms={name: 1.0 / len(MECHANISMS) for name in MECHANISMS},
    premature_atrial=0.20,
    premature_ventricular=0.15,
    fusion=0.15,
    ventricular_bigeminy=0.10,
    atrial_bigeminy=0.05,
    sinus_arrhythmia=0.40,
    block=1.5,
)

PRESETS = {"clinic": CLINIC, "balanced": BALANCED}
