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
        sinus_arrhythmia: chance of marked respiratory variation of the sinus clock, beyond what the age explains;
            twice as high in the young, half in the old, and none in fast hearts.
        block: factor on the chances of bundle branch and first degree block (at most 1.7).
        unspecific_delay: chance of an unspecific intraventricular conduction delay.
        late_right: chance of an incomplete right bundle branch block whose late forces point upwards.
    """

    mechanisms: dict[str, float]
    premature_atrial: float
    premature_ventricular: float
    fusion: float
    ventricular_bigeminy: float
    atrial_bigeminy: float
    sinus_arrhythmia: float
    block: float = 1.0
    unspecific_delay: float = 0.0
    late_right: float = 0.0


# Shares of machine-read ECGs of a hospital (MIMIC-IV-ECG: fibrillation 10.1 %, flutter 1.8, premature
# ventricular complexes 6.5, first degree block 7.4, right and left bundle branch block 8.2 and 3.7, pacing 3.9,
# bradycardia 13). The mechanisms below 2 % are more common than in life, so that 6,000 records show them all.
_CLINIC = {
    "sinus_bradycardia": 0.100,
    "sinus_tachycardia": 0.08,
    "fibrillation": 0.088,
    "flutter": 0.020,
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
    "paced": 0.042,
}

CLINIC = Prior(
    mechanisms={"sinus": 1.0 - sum(_CLINIC.values())} | _CLINIC,
    premature_atrial=0.095,
    premature_ventricular=0.052,
    fusion=0.011,
    ventricular_bigeminy=0.013,
    atrial_bigeminy=0.006,
    sinus_arrhythmia=0.015,
    block=1.04,
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

TABLE_1_RECORDS = 41_522
TABLE_1 = {
    "sinus_rhythm": 25_288,
    "premature_atrial_complexes": 4905,
    "premature_ventricular_complexes": 4905,
    "atrial_fibrillation": 4719,
    "av_block_1st_degree": 4673,
    "atrial_flutter": 4072,
    "fusion_complexes": 2683,
    "ectopic_atrial_rhythm": 1710,
    "bigeminy": 1445,
    "av_block_2nd_degree_mobitz_i": 626,
    "avnrt": 372,
    "complete_heart_block": 204,
}
"""Records of each class in the re-sampled data of Hughes et al. 2018, Table 1, and of all classes together."""

# The paper counts no more than these twelve. The other rhythms share what they leave (14 % of the records),
# the common ones most; sinus arrhythmia and the bundle branch blocks, which go with sinus rhythm, come to 6 to
# 14 %, about the 4,000 of 41,522 that re-sampling gives a class with no lack of records.
_HUGHES = {
    "sinus_bradycardia": 0.018,
    "sinus_tachycardia": 0.030,
    "fibrillation": 0.105,  # paced ventricles under fibrillating atria are the rest
    "flutter": TABLE_1["atrial_flutter"] / TABLE_1_RECORDS,
    "ectopic_atrial": TABLE_1["ectopic_atrial_rhythm"] / TABLE_1_RECORDS,
    "reentrant_tachycardia": 0.011,
    "nodal_reentry": TABLE_1["avnrt"] / TABLE_1_RECORDS,
    "atrial_tachycardia": 0.012,
    "junctional": 0.012,
    "wenckebach": TABLE_1["av_block_2nd_degree_mobitz_i"] / TABLE_1_RECORDS,
    "advanced_block": 0.008,
    "complete_block": TABLE_1["complete_heart_block"] / TABLE_1_RECORDS,
    "ventricular_tachycardia": 0.006,
    "idioventricular": 0.006,
    "paced": 0.020,
}

HUGHES = Prior(
    mechanisms={"sinus": 1.0 - sum(_HUGHES.values())} | _HUGHES,
    premature_atrial=0.163,
    premature_ventricular=0.049,
    fusion=0.088,
    ventricular_bigeminy=0.033,
    atrial_bigeminy=0.0165,
    sinus_arrhythmia=0.06,
    block=1.68,
)
"""The data of the paper as re-sampled: 41,522 records have the counts of Table 1, fewer have them in proportion.

It is no pool to re-sample from. :func:`rarebeat.dataset.balance.choose_records` keeps it whole as long as its target is
at least the number of sinus rhythms (61 % of the records); with a lower target, records that show nothing but
sinus rhythm (a fifth) go, because the other records hold enough of it already.
"""

PRESETS = {"clinic": CLINIC, "balanced": BALANCED, "hughes": HUGHES}
