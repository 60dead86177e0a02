"""A picture of each simulated class, and a page that shows them with what makes each of them recognisable."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic, check_replaceable
from rarebeat.core.records import Record
from rarebeat.readers.simulated import record_at
from rarebeat.reporting.ecg_page import draw_ecg
from rarebeat.simulator.archives.export import clear_examples
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES

DPI = 101.6
"""Dots per inch of the pictures: 4 pixels per millimetre."""

_MARKER = f"{CLASSES[0]}.png"

SIGNS: Mapping[str, tuple[str, str]] = {
    "sinus_rhythm": (
        "Sinus rhythm",
        "An upright P wave in I and II before each QRS, 60 to 100 a minute.",
    ),
    "atrial_fibrillation": (
        "Atrial fibrillation",
        "No P waves but a fine unrest between the QRS complexes, largest in V1; the intervals follow no rule.",
    ),
    "atrial_flutter": (
        "Atrial flutter",
        "A saw in II, III and aVF without a flat line, about 300 teeth a minute; every second to fourth conducts.",
    ),
    "ectopic_atrial_rhythm": (
        "Ectopic atrial rhythm",
        "The rate of a sinus rhythm with another P wave, mostly negative in II, III and aVF.",
    ),
    "av_block_1st_degree": (
        "1st degree AV block",
        "Every P wave conducts, later than 200 ms.",
    ),
    "av_block_2nd_degree_mobitz_i": (
        "2nd degree AV block, Mobitz I (Wenckebach)",
        "The PR interval grows by shrinking steps until a QRS is missing; after the pause it is shortest.",
    ),
    "complete_heart_block": (
        "Complete heart block",
        "P waves and QRS complexes keep time each on their own; the ventricles are the slower ones.",
    ),
    "avnrt": (
        "AV nodal reentrant tachycardia",
        "Narrow, regular, 140 a minute or faster; the P wave hides in the QRS or changes its last part in II and V1.",
    ),
    "premature_atrial_complexes": (
        "Premature atrial complexes",
        "An early P wave of another shape, mostly with the usual QRS; then the sinus node starts anew.",
    ),
    "premature_ventricular_complexes": (
        "Premature ventricular complexes",
        "An early, wide QRS without a P wave, T opposite to it, mostly with a full pause.",
    ),
    "fusion_complexes": (
        "Fusion complexes",
        "A QRS between the usual and a ventricular one, just when the usual one was due.",
    ),
    "bigeminy": (
        "Bigeminy",
        "Every second complex is premature, three times in a row or more.",
    ),
    "sinus_bradycardia": (
        "Sinus bradycardia",
        "Sinus P waves, slower than 60 a minute.",
    ),
    "sinus_tachycardia": (
        "Sinus tachycardia",
        "Sinus P waves, faster than 100 a minute.",
    ),
    "sinus_arrhythmia": (
        "Sinus arrhythmia",
        "Sinus P waves that come faster and slower with the breath, by more than 200 ms and a fifth.",
    ),
    "supraventricular_tachycardia": (
        "Supraventricular tachycardia",
        "Narrow, regular, 140 a minute or faster; the P wave follows in the ST segment or cannot be seen.",
    ),
    "atrial_tachycardia": (
        "Atrial tachycardia",
        "A fast atrial focus with a P wave of its own; a fast one conducts every second time.",
    ),
    "ventricular_tachycardia": (
        "Ventricular tachycardia",
        "Three or more wide complexes in a row, faster than 100 a minute; P waves march through where they show.",
    ),
    "junctional_rhythm": (
        "Junctional rhythm",
        "Narrow and regular; the P wave is negative in II, just before, inside or after the QRS.",
    ),
    "idioventricular_rhythm": (
        "Idioventricular rhythm",
        "Wide complexes from a ventricular focus, at most about 110 a minute.",
    ),
    "av_block_2nd_degree_advanced": (
        "2nd degree AV block, Mobitz II, 2:1 or high grade",
        "P waves keep their time, some are not conducted; the PR interval of the others does not change.",
    ),
    "paced_rhythm": (
        "Paced rhythm",
        "A spike before the P wave, before a wide QRS, or before both.",
    ),
    "left_bundle_branch_block": (
        "Left bundle branch block",
        "QRS of 120 ms or more; broad R in I, aVL, V5 and V6, deep S in V1, T opposite to the QRS.",
    ),
    "right_bundle_branch_block": (
        "Right bundle branch block",
        "QRS of 120 ms or more; a second R in V1, a broad S in I and V6.",
    ),
}
"""Title of each class, and what a reader looks for."""


def write_gallery(folder: Path, seed: int = 0) -> Path:
    """Draw one record of each class.

    Args:
        folder: for the pictures, ``<class>.png``; replaced when it is a gallery.
        seed: of the simulated clinic, in its preset ``hughes``.

    Returns:
        The page, a Markdown file beside the folder and named like it.

    Raises:
        RarebeatError: when the folder holds something else, or cannot be written.
    """
    check_replaceable(folder, _MARKER, [f"{name}.png" for name in SIGNS])
    settings = SimulatorSettings(seed=seed, preset="hughes", label_noise=0)
    page = folder.parent / f"{folder.name}.md"
    if page.exists() and not (folder / _MARKER).is_file():
        raise RarebeatError(
            f"{page} was not written by this command: name another folder, for it would be replaced"
        )
    examples = clear_examples(CLASSES, settings)
    sections = []
    with atomic(folder) as temporary:
        for name, (title, sign) in SIGNS.items():
            draw_ecg(temporary / f"{name}.png", _calmest(examples[name], settings), title, DPI)
            sections.append(f"## {title}\n\n{sign}\n\n![{title}, simulated]({folder.name}/{name}.png)\n")
    with atomic(page) as temporary:
        temporary.write_text("\n".join([_introduction(folder, seed), *sections]), encoding="utf-8")
    return page


def draw_example(path: Path, name: str, settings: SimulatorSettings) -> str:
    """Draw one record that shows a class and little else.

    Args:
        path: file to write; its suffix decides: .png, .pdf or .svg.
        name: the class, such as "avnrt".
        settings: of the simulated clinic that is looked through.

    Returns:
        The id of the record.

    Raises:
        ParamsError: when there is no such class.
        RarebeatError: when the file cannot be written.
    """
    record = _calmest(clear_examples([name], settings)[name], settings)
    draw_ecg(path, record, SIGNS[name][0])
    return record.record_id


def _calmest(indices: list[int], settings: SimulatorSettings) -> Record:
    return min((record_at(index, settings) for index in indices), key=_wander)


def _wander(record: Record) -> float:
    """How far the baseline of the worst lead goes, microvolts: medians of whole seconds."""
    second = int(record.rate)
    seconds = record.signal.shape[1] // second
    cut = record.signal[:, : seconds * second].reshape(len(record.signal), seconds, second)
    return float(np.ptp(np.median(cut, axis=2), axis=1).max())


def _introduction(folder: Path, seed: int) -> str:
    return (
        "# The classes, simulated\n\n"
        f"One simulated ECG of each of the {len(CLASSES)} classes, at 25 mm/s and 10 mm/mV: of the first twenty "
        "that show a class, a calm one with few others. Below each title stands what a reader looks for; the "
        "words at the upper right of a picture are the simulated report. No ECG of a person is shown, and no "
        "clinician has reviewed these.\n\n"
        f"Made by `rarebeat simulate --gallery {folder} --seed {seed}`.\n"
    )
