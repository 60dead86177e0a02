"""The baseline: a class is positive when one of a few phrases stands anywhere in the report, in any case.

This is what "simple string matching" becomes when it is written in an afternoon.
"""

PHRASES = {
    "SR": ["sinus rhythm", "sinusrhythmus", "sinusrytm", "nsr"],
    "AF": ["atrial fibrillation", "afib", "a-fib", "vorhofflimmern", "förmaksflimmer"],
    "AFL": ["atrial flutter", "aflutter", "a-flutter", "vorhofflattern", "förmaksfladder"],
    "EAR": ["ectopic atrial rhythm", "atrial rhythm", "wandering atrial pacemaker"],
    "1AVB": ["1st degree", "first degree", "first-degree", "av-block i", "av block i", "1° av", "1avb"],
    "MOBI": ["mobitz i", "wenckebach"],
    "CHB": ["complete heart block", "third degree", "3rd degree", "complete av block", "av-block iii"],
    "AVNRT": ["avnrt", "av nodal reentrant tachycardia", "av nodal reentry tachycardia"],
    "PAC": ["premature atrial", "pac", "atrial premature", "supraventrikuläre extrasystole", "sves"],
    "PVC": ["premature ventricular", "pvc", "ventricular premature", "ventrikuläre extrasystole", "ves"],
    "FUS": ["fusion"],
    "BIG": ["bigemin"],
    "SB": ["sinus bradycardia", "sinus brady", "sinusbradykardi"],
    "STACH": ["sinus tachycardia", "sinus tach", "sinustachykardi", "sinustakykardi"],
    "SARRH": ["sinus arrhythmia", "sinusarrhythmie", "sinus arrhythmie", "sinusarytmi"],
    "SVT": ["supraventricular tachycardia", "svt"],
    "AT": ["atrial tachycardia"],
    "VT": ["ventricular tachycardia", "vt"],
    "JR": ["junctional"],
    "IVR": ["idioventricular", "ventricular escape"],
    "MOBII": ["mobitz ii", "2:1 av", "high grade av block", "high degree av block"],
    "PACE": ["paced", "pacemaker", "pacing", "schrittmacher"],
    "LBBB": ["left bundle branch block", "lbbb", "linksschenkelblock"],
    "RBBB": ["right bundle branch block", "rbbb", "rechtsschenkelblock"],
}


def positive_by_substring(text: str) -> set[str]:
    """Short codes of the classes that the baseline finds."""
    lower = text.lower()
    return {code for code, phrases in PHRASES.items() if any(phrase in lower for phrase in phrases)}
