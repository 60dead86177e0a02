"""Incomplete right bundle branch block as most archives show it, which no preset has and an option adds."""

from functools import lru_cache

import numpy as np
import pytest
from scipy.signal import resample_poly

from rarebeat.core.records import LEADS
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.measure.beat import BEFORE, median_beat
from rarebeat.measure.measuring import measure
from rarebeat.measure.qrs import RATE, find_beats
from rarebeat.simulator.clinic import Simulated, simulate, simulate_many
from rarebeat.simulator.settings import SimulatorSettings

SETTINGS = SimulatorSettings(seed=5, late_right=0.3, label_noise=0.0)
OTHERWISE_WIDE = {"ventricular_tachycardia", "idioventricular_rhythm", "paced_rhythm"}
NAME = "incomplete_right_bundle_branch_block"


@lru_cache(maxsize=1)
def clinic() -> dict[str, list[Simulated]]:
    """Supraventricular beats by the state of the bundle branches."""
    found: dict[str, list[Simulated]] = {}
    for one in simulate_many(range(160), SETTINGS):
        if not one.recording.truth & OTHERWISE_WIDE:
            found.setdefault(one.recording.visit.patient.conduction, []).append(one)
    return found


def late_force(conduction: str, lead: str) -> float:
    """Median voltage 28 ms after the middle of the QRS complex, as a share of the median beat's range."""
    shares = []
    for one in clinic()[conduction]:
        values = resample_poly(one.signal.astype(np.float64), RATE, int(SETTINGS.rate), axis=1)
        beat = median_beat(values, find_beats(values))
        if beat is not None:
            voltage = beat[LEADS.index(lead)]
            shares.append((voltage[BEFORE + 7] - np.median(voltage[:20])) / np.ptp(voltage))
    return float(np.median(shares))


def test_the_late_forces_point_to_the_right_and_upwards() -> None:
    """In PTB-XL's median beat of the class V1 ends with an r', and I, II and V6 with an S wave."""
    assert late_force("late right", "V1") > 0 > late_force("normal", "V1") + 0.05
    for lead in ("I", "II", "aVF", "V6"):
        assert late_force("late right", lead) < late_force("normal", lead) - 0.05


def test_the_qrs_is_narrower_than_in_complete_block() -> None:
    def width(conduction: str) -> float:
        measured = [measure(one.signal, SETTINGS.rate).qrs for one in clinic()[conduction]]
        return float(np.median([each for each in measured if each is not None]))

    assert width("normal") <= width("late right") < 112 < width("right")


def stated(one: Simulated) -> bool:
    return Matcher(load_vocabulary("cinc2020")).label(one.report.text).states[NAME] == 1


def test_reports_say_so_as_in_the_other_incomplete_block() -> None:
    """By that name, or as an rSr' pattern in V1, which leaves the class undecided; some do not mention it."""
    assert len(clinic()["late right"]) >= 20
    assert 0.3 < np.mean([stated(one) for one in clinic()["late right"]]) < 0.7
    assert not any(stated(one) for one in clinic()["normal"])


@pytest.mark.parametrize("preset", ["clinic", "balanced", "hughes"])
def test_without_the_option_no_patient_has_it(preset: str) -> None:
    settings = SimulatorSettings(preset=preset, seed=5)  # type: ignore[arg-type]
    for index in range(60):
        assert simulate(index, settings).recording.visit.patient.conduction != "late right"
