"""Unspecific intraventricular conduction delay, which no preset has and an option adds."""

from functools import lru_cache

import numpy as np
import pytest

from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.measure.measuring import measure
from rarebeat.simulator.clinic import Simulated, simulate, simulate_many
from rarebeat.simulator.settings import SimulatorSettings

SETTINGS = SimulatorSettings(seed=5, unspecific_delay=0.3, label_noise=0.0)
OTHERWISE_WIDE = {"ventricular_tachycardia", "idioventricular_rhythm", "paced_rhythm"}


@lru_cache(maxsize=1)
def clinic() -> dict[str, list[Simulated]]:
    """Supraventricular beats by the state of the bundle branches."""
    found: dict[str, list[Simulated]] = {}
    for one in simulate_many(range(120), SETTINGS):
        if not one.recording.truth & OTHERWISE_WIDE:
            found.setdefault(one.recording.visit.patient.conduction, []).append(one)
    return found


def widths(conduction: str) -> list[float]:
    measured = [measure(one.signal, SETTINGS.rate).qrs for one in clinic()[conduction]]
    return [width for width in measured if width is not None]


def test_the_qrs_is_wider_than_normal_and_not_as_wide_as_left_bundle_branch_block() -> None:
    assert 108 < np.median(widths("delayed")) < 140
    assert np.median(widths("normal")) < 100
    assert max(widths("delayed")) < 170


NAME = "nonspecific_intraventricular_conduction_disorder"


def stated(one: Simulated) -> bool:
    return Matcher(load_vocabulary("cinc2020")).label(one.report.text).states[NAME] == 1


def test_most_reports_say_so_in_words_that_are_read() -> None:
    """A tenth of what is none of the classes is not mentioned, as in life."""
    assert len(clinic()["delayed"]) >= 20
    assert np.mean([stated(one) for one in clinic()["delayed"]]) > 0.7
    assert not any(stated(one) for state in ("normal", "right", "left") for one in clinic()[state])


def test_no_ecg_with_a_delay_that_is_stated_is_called_normal() -> None:
    for one in filter(stated, clinic()["delayed"]):
        assert {"normal ecg", "otherwise normal ecg"}.isdisjoint(one.report.text.lower().split("\n"))


@pytest.mark.parametrize("preset", ["clinic", "balanced", "hughes"])
def test_without_the_option_no_patient_has_it(preset: str) -> None:
    settings = SimulatorSettings(preset=preset, seed=5)  # type: ignore[arg-type]
    for index in range(60):
        assert simulate(index, settings).recording.visit.patient.conduction != "delayed"
