"""The words of the reader: how a finding is written, by the machine and by a person in a hurry."""

Wordings = dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
"""Finding: (as the machine writes it, as a person types it)."""

PHRASES: Wordings = {
    "sinus_rhythm": (("sinus rhythm",), ("sinus rhythm", "NSR", "SR", "normal sinus rhythm")),
    "sinus_bradycardia": (("sinus bradycardia",), ("sinus bradycardia", "sinus brady", "sinus bradycardia")),
    "sinus_tachycardia": (("sinus tachycardia",), ("sinus tachycardia", "sinus tach", "sinus tachy")),
    "atrial_fibrillation": (
        ("atrial fibrillation",),
        ("AFib", "atrial fib", "A-fib", "AF", "atrial fibrillation"),
    ),
    "atrial_flutter": (("atrial flutter",), ("atrial flutter", "A-flutter", "AFL", "a flutter")),
    "ectopic_atrial_rhythm": (
        ("ectopic atrial rhythm", "low atrial rhythm"),
        ("ectopic atrial rhythm", "low atrial rhythm", "ectopic atrial focus"),
    ),
    "atrial_tachycardia": (
        ("ectopic atrial tachycardia", "atrial tachycardia"),
        ("atrial tachycardia", "atrial tach", "AT"),
    ),
    "supraventricular_tachycardia": (
        ("supraventricular tachycardia",),
        ("SVT", "supraventricular tachycardia"),
    ),
    "avnrt": (
        ("AV nodal reentrant tachycardia",),
        ("AVNRT", "AV nodal reentry tachycardia", "typical AVNRT"),
    ),
    "complete_heart_block": (
        ("complete heart block", "3rd degree A-V block"),
        ("complete heart block", "CHB", "3rd degree AVB", "third degree heart block"),
    ),
    "av_block_2nd_degree_mobitz_i": (
        ("2nd degree A-V block (Mobitz I)", "2nd degree A-V block, Mobitz I (Wenckebach)"),
        ("Wenckebach", "2nd degree AV block type I", "Mobitz I", "2nd deg AVB, Mobitz type 1"),
    ),
    "av_block_1st_degree": (
        ("1st degree A-V block", "1st degree A-V block", "1st degree AV block", "prolonged A-V conduction"),
        ("1st degree AVB", "first degree AV block", "1st deg AV block", "1 AVB", "first degree heart block"),
    ),
    "junctional_rhythm": (
        ("junctional rhythm",),
        ("junctional rhythm", "junctional escape rhythm", "junctional"),
    ),
    "idioventricular_rhythm": (
        ("idioventricular rhythm", "ventricular escape rhythm"),
        ("idioventricular rhythm", "IVR", "ventricular escape"),
    ),
    "ventricular_tachycardia": (
        ("ventricular tachycardia",),
        ("VT", "V tach", "ventricular tachycardia", "vent tach"),
    ),
    "sinus_arrhythmia": (
        ("sinus arrhythmia", "marked sinus arrhythmia"),
        ("sinus arrhythmia", "resp sinus arrhythmia"),
    ),
    "premature_atrial_complexes": (
        ("premature atrial complexes", "premature atrial complexes", "premature supraventricular complexes"),
        ("PACs", "PAC", "APCs", "PAC's", "premature atrial beats"),
    ),
    "premature_ventricular_complexes": (
        ("premature ventricular complexes",),
        ("PVCs", "PVC", "VPCs", "PVC's", "unifocal PVCs", "ventricular ectopy"),
    ),
    "fusion_complexes": (("fusion complexes",), ("fusion beats", "fusion complexes")),
    "bigeminy": (("bigeminy",), ("bigeminy",)),
    "left_bundle_branch_block": (("left bundle branch block",), ("LBBB", "left bundle branch block")),
    "right_bundle_branch_block": (("right bundle branch block",), ("RBBB", "right bundle branch block")),
}
"""Findings whose words depend on nothing else; the first of them that applies opens the rhythm line."""

HELD_OUT: Wordings = {
    "sinus_rhythm": (("sinus rhythm",), ("sinus mechanism", "sinus")),
    "sinus_bradycardia": (("sinus bradycardia",), ("slow sinus rhythm",)),
    "sinus_tachycardia": (("sinus tachycardia",), ("rapid sinus rhythm", "S tach")),
    "atrial_fibrillation": (("atrial fibrillation",), ("auricular fibrillation", "a. fib")),
    "atrial_flutter": (("atrial flutter",), ("auricular flutter", "a. flutter")),
    "ectopic_atrial_rhythm": (("atrial rhythm",), ("non-sinus atrial rhythm", "coronary sinus rhythm")),
    "atrial_tachycardia": (("automatic atrial tachycardia",), ("focal atrial tachycardia", "ectopic AT")),
    "supraventricular_tachycardia": (
        ("paroxysmal supraventricular tachycardia",),
        ("PSVT", "supraventricular tach", "supravent tachycardia"),
    ),
    "avnrt": (("AV node reentry tachycardia",), ("slow-fast AVNRT", "nodal reentry")),
    "complete_heart_block": (
        ("third degree atrioventricular block", "complete A-V block"),
        ("complete AVB", "AVB III", "third-degree block", "total AV block"),
    ),
    "av_block_2nd_degree_mobitz_i": (
        ("second degree atrioventricular block, type I",),
        ("Wenckebach periodicity", "Wenckebach conduction", "type 1 second-degree AVB"),
    ),
    "av_block_1st_degree": (
        ("first degree atrioventricular block",),
        ("1° AVB", "first-degree block", "AVB I", "1st degree block"),
    ),
    "junctional_rhythm": (("A-V junctional rhythm", "nodal rhythm"), ("nodal rhythm", "AV junctional")),
    "idioventricular_rhythm": (("idio-ventricular rhythm",), ("AIVR", "idio-ventricular escape")),
    "ventricular_tachycardia": (("ventricular tachycardia",), ("v-tach", "NSVT", "vtach")),
    "sinus_arrhythmia": (("phasic sinus arrhythmia",), ("respiratory variation of sinus rate",)),
    "premature_atrial_complexes": (
        ("atrial premature complexes",),
        (
            "atrial extrasystoles",
            "premature atrial contractions",
            "atrial ectopics",
            "atrial premature beats",
        ),
    ),
    "premature_ventricular_complexes": (
        ("ventricular premature complexes",),
        ("ventricular extrasystoles", "premature ventricular contractions", "ventricular ectopics", "VEs"),
    ),
    "fusion_complexes": (("fused complexes",), ("fusions", "fused beats")),
    "bigeminy": (("bigeminal pattern",), ("bigeminal pattern", "bigeminal rhythm")),
    "left_bundle_branch_block": (("complete left bundle branch block",), ("left BBB", "LBB block", "cLBBB")),
    "right_bundle_branch_block": (
        ("complete right bundle branch block",),
        ("right BBB", "RBB block", "cRBBB"),
    ),
}
"""Other wordings of the same findings, kept back: see :class:`rarebeat.simulator.reports.findings.Style`."""

DEGREES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "2:1": (("2:1 A-V conduction",), ("2:1 AV block", "2:1 AVB")),
    "type II": (
        ("2nd degree A-V block (Mobitz II)",),
        ("Mobitz II AV block", "2nd degree AVB, Mobitz II", "Mobitz 2"),
    ),
    "high grade": (
        ("high grade A-V block", "high degree A-V block"),
        ("advanced AV block", "high-grade AVB"),
    ),
}
"""Block below the AV node, by variant."""

BY_RATE: dict[str, Wordings] = {
    "junctional_rhythm": {
        "escape": (
            ("junctional rhythm", "junctional bradycardia"),
            ("junctional rhythm", "junctional escape rhythm", "junctional", "slow junctional rhythm"),
        ),
        "accelerated": (
            ("accelerated junctional rhythm", "junctional rhythm"),
            ("accelerated junctional rhythm", "junctional rhythm", "accel junctional rhythm"),
        ),
        "tachycardia": (
            ("junctional tachycardia",),
            ("junctional tachycardia", "junctional tach", "fast junctional rhythm"),
        ),
    },
    "idioventricular_rhythm": {
        "accelerated": (
            ("accelerated idioventricular rhythm", "idioventricular rhythm"),
            ("accelerated idioventricular rhythm", "accelerated IVR", "idioventricular rhythm"),
        ),
    },
}
"""Rhythms of the junction and of the ventricles, by the variant, which says how fast they are."""

PACING: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ventricular": (
        ("electronic ventricular pacemaker", "ventricular-paced rhythm"),
        ("V-paced rhythm", "V paced", "ventricular pacing", "paced rhythm"),
    ),
    "atrial sensed": (("atrial-sensed ventricular-paced rhythm",), ("A-sensed V-paced", "AS-VP rhythm")),
    "dual": (
        ("AV dual-paced rhythm", "AV sequential or dual chamber electronic pacemaker"),
        ("AV paced", "dual chamber pacing", "A-V sequential pacing"),
    ),
    "atrial": (
        ("electronic atrial pacemaker", "atrial-paced rhythm"),
        ("A-paced", "A paced rhythm", "atrial pacing"),
    ),
    "demand": (
        ("electronic demand pacing", "ventricular-paced complexes"),
        ("demand V-pacing", "intermittent ventricular pacing", "occ paced beats"),
    ),
    "biventricular": (
        ("biventricular pacemaker detected", "electronic biventricular pacemaker"),
        ("BiV paced", "biventricular pacing", "CRT, V-paced", "bi-V pacing"),
    ),
}
"""Pacing, by mode."""

FLUTTER: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "2:1": (("2:1 A-V conduction",), ("2:1 conduction", "2:1 block")),
    "3:1": (("3:1 A-V conduction",), ("3:1 conduction",)),
    "4:1": (("4:1 A-V conduction",), ("4:1 conduction", "4:1 block")),
    "variable": (("variable A-V block",), ("variable block", "variable conduction")),
}
"""Conduction of flutter, by variant."""

REGULARISED: Wordings = {
    "usual": (
        ("slow, regular ventricular response",),
        ("slow regular ventricular response", "regular slow VR", "regularized slow V rate"),
    ),
    "held out": (("slow and regular ventricular rate",), ("fixed slow V rate", "regular slow QRS rate")),
}
"""Fibrillation above a block, by what is seen of it: the ventricles have become regular."""

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
ECTOPY = ("premature_atrial_complexes", "premature_ventricular_complexes", "fusion_complexes")
BUNDLE_BRANCHES = ("left_bundle_branch_block", "right_bundle_branch_block")
