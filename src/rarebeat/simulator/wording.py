"""The words of the reader: how a finding is written, by the machine and by a person in a hurry."""

PHRASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # finding: (as the machine writes it, as a person types it)
    "sinus_rhythm": (("sinus rhythm",), ("sinus rhythm", "NSR")),
    "sinus_bradycardia": (("sinus bradycardia",), ("sinus bradycardia", "sinus brady")),
    "sinus_tachycardia": (("sinus tachycardia",), ("sinus tachycardia", "sinus tach")),
    "atrial_fibrillation": (("atrial fibrillation",), ("AFib", "atrial fib", "A-fib")),
    "atrial_flutter": (("atrial flutter",), ("atrial flutter", "A-flutter")),
    "ectopic_atrial_rhythm": (("ectopic atrial rhythm", "low atrial rhythm"), ("ectopic atrial rhythm",)),
    "atrial_tachycardia": (
        ("ectopic atrial tachycardia", "atrial tachycardia"),
        ("atrial tachycardia", "atrial tach"),
    ),
    "supraventricular_tachycardia": (("supraventricular tachycardia", "narrow QRS tachycardia"), ("SVT",)),
    "avnrt": (("AV nodal reentrant tachycardia",), ("AVNRT", "AV nodal reentry tachycardia")),
    "complete_heart_block": (
        ("complete heart block", "3rd degree A-V block"),
        ("complete heart block", "CHB"),
    ),
    "av_block_2nd_degree_mobitz_i": (
        ("2nd degree A-V block (Mobitz I)", "2nd degree A-V block, Mobitz I (Wenckebach)"),
        ("Wenckebach", "2nd degree AV block type I", "Mobitz I"),
    ),
    "av_block_1st_degree": (
        ("1st degree A-V block", "1st degree A-V block", "prolonged A-V conduction"),
        ("1st degree AVB", "first degree AV block"),
    ),
    "junctional_rhythm": (("junctional rhythm",), ("junctional rhythm", "junctional escape rhythm")),
    "idioventricular_rhythm": (
        ("idioventricular rhythm", "ventricular escape rhythm"),
        ("idioventricular rhythm",),
    ),
    "ventricular_tachycardia": (("ventricular tachycardia",), ("VT", "V tach, ventricular tachycardia")),
    "sinus_arrhythmia": (("sinus arrhythmia", "marked sinus arrhythmia"), ("sinus arrhythmia",)),
    "premature_atrial_complexes": (
        ("premature atrial complexes", "premature supraventricular complexes"),
        ("PACs", "PAC", "APCs"),
    ),
    "premature_ventricular_complexes": (("premature ventricular complexes",), ("PVCs", "PVC", "VPCs")),
    "fusion_complexes": (("fusion complexes",), ("fusion beats", "fusion complexes")),
    "left_bundle_branch_block": (("left bundle branch block",), ("LBBB",)),
    "right_bundle_branch_block": (("right bundle branch block",), ("RBBB",)),
}
"""Findings whose words depend on nothing else; the first of them that applies opens the rhythm line."""

DEGREES: dict[str, tuple[str, ...]] = {
    "2:1": ("2:1 A-V conduction", "2:1 AV block"),
    "type II": ("2nd degree A-V block (Mobitz II)", "Mobitz II AV block"),
    "high grade": ("high grade A-V block", "advanced AV block"),
}
"""Block below the AV node, by variant."""

PACING: dict[str, tuple[str, ...]] = {
    "ventricular": ("electronic ventricular pacemaker", "ventricular-paced rhythm", "V-paced rhythm"),
    "atrial sensed": ("atrial-sensed ventricular-paced rhythm",),
    "dual": ("AV dual-paced rhythm", "AV sequential or dual chamber electronic pacemaker"),
    "atrial": ("electronic atrial pacemaker", "atrial-paced rhythm"),
    "demand": ("electronic demand pacing", "ventricular-paced complexes"),
}
"""Pacing, by mode."""

FLUTTER = {
    "2:1": "2:1 A-V conduction",
    "3:1": "3:1 A-V conduction",
    "4:1": "4:1 A-V conduction",
    "variable": "variable A-V block",
}
"""Conduction of flutter, by variant."""

RHYTHMS = (
    "sinus_rhythm",
    "sinus_bradycardia",
    "sinus_tachycardia",
    "atrial_fibrillation",
    "atrial_flutter",
    "ectopic_atrial_rhythm",
    "atrial_tachycardia",
    "supraventricular_tachycardia",
    "avnrt",
)
"""What opens the rhythm line, if it is there."""

CONDUCTION = (
    "complete_heart_block",
    "av_block_2nd_degree_advanced",
    "av_block_2nd_degree_mobitz_i",
    "av_block_1st_degree",
)
SUBSIDIARY = ("junctional_rhythm", "idioventricular_rhythm", "ventricular_tachycardia", "paced_rhythm")

MISTAKEN: dict[str, tuple[str, ...]] = {
    "sinus_rhythm": (
        "sinus_bradycardia",
        "sinus_tachycardia",
        "ectopic_atrial_rhythm",
        "atrial_fibrillation",
    ),
    "sinus_tachycardia": ("sinus_rhythm", "supraventricular_tachycardia"),
    "sinus_bradycardia": ("sinus_rhythm", "junctional_rhythm"),
    "atrial_fibrillation": ("sinus_rhythm", "atrial_flutter"),
    "atrial_flutter": ("atrial_fibrillation", "supraventricular_tachycardia"),
    "atrial_tachycardia": ("sinus_tachycardia", "atrial_flutter"),
    "ectopic_atrial_rhythm": ("sinus_rhythm",),
    "supraventricular_tachycardia": ("sinus_tachycardia",),
    "junctional_rhythm": ("sinus_bradycardia",),
    "ventricular_tachycardia": ("supraventricular_tachycardia",),
    "idioventricular_rhythm": ("junctional_rhythm",),
    "premature_atrial_complexes": ("premature_ventricular_complexes",),
    "premature_ventricular_complexes": ("premature_atrial_complexes",),
    "av_block_2nd_degree_mobitz_i": ("premature_atrial_complexes",),
    "left_bundle_branch_block": ("right_bundle_branch_block",),
}
"""What a reader writes instead when mistaken, one of these."""
