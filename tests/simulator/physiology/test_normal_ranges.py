"""Simulated normal ECGs lie in the published normal limits of their sex, in every age group.

PR and QRS of women are the 2nd and 98th percentiles of Rijnbeek et al. 2014 (J Electrocardiol 47:914); QRS of men and
the axis are those of the AHA/ACCF/HRS recommendations, part III (Surawicz et al. 2009), T waves and QT those of part IV
(Rautaharju et al. 2009), the level of the ST segment that of part VI (Wagner et al. 2009). Published limits hold some
96 of 100 healthy people; of each of these small groups at least 85 of 100 must lie within.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pytest

from rarebeat.core.records import LEADS
from rarebeat.core.signals import resample
from rarebeat.measure.beat import BEFORE, median_beat, qrs_axis, qrs_bounds, qrs_duration
from rarebeat.measure.qrs import RATE, find_beats
from rarebeat.simulator.clinic import Recording, recording_at, signal_of
from rarebeat.simulator.patients.streams import stream
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.waveform.anatomy import draw_anatomy

SETTINGS = SimulatorSettings(seed=8)
EACH = 60
AGES = {"18 to 39": (18, 40), "40 to 59": (40, 60), "60 and more": (60, 120)}
GROUPS = [(sex, ages) for sex in ("female", "male") for ages in AGES]
WITHIN = 0.85


class Normal(NamedTuple):
    """Measurements on one normal ECG: milliseconds, degrees, and millivolts of (12,) leads."""

    pr: float
    qrs: float
    qtc: float
    axis: float
    p: np.ndarray
    st: np.ndarray
    t: np.ndarray


@lru_cache(maxsize=1)
def everybody() -> dict[tuple[str, str], list[Normal]]:
    """Sinus rhythm without any finding, by sex and age."""
    found: dict[tuple[str, str], list[Normal]] = {group: [] for group in GROUPS}
    for index in range(6000):
        recording = recording_at(index, SETTINGS)
        visit = recording.visit
        ages = next(name for name, (low, high) in AGES.items() if low <= visit.age < high)
        group = found[visit.patient.sex, ages]
        if len(group) < EACH and is_normal(recording):
            measured = measure(recording, signal_of(index, recording, SETTINGS))
            if measured:
                group.append(measured)
    return found


def is_normal(recording: Recording) -> bool:
    """Nothing but sinus rhythm, with all cables in place and a healthy heart."""
    patient, machine = recording.visit.patient, recording.recorder
    if (
        recording.truth != {"sinus_rhythm"}
        or patient.conduction != "normal"
        or machine.limbs
        or machine.chest
    ):
        return False
    rng = stream(SETTINGS.seed, "anatomy", patient.number)
    anatomy = draw_anatomy(rng, patient.conduction, recording.visit.age, patient.sex, patient.conditions)
    return not anatomy.findings


def measure(recording: Recording, signal: np.ndarray) -> Normal | None:
    """As a reader would, on the median beat; PR and QT are those that were planned."""
    values = resample(signal, SETTINGS.rate, RATE) / 1000
    beat = median_beat(values, find_beats(values))
    bounds = None if beat is None else qrs_bounds(beat)
    axis = None if beat is None or bounds is None else qrs_axis(beat, bounds)
    if beat is None or bounds is None or axis is None:
        return None
    start, end = bounds
    beat = beat - beat[:, start - 10 : start].mean(axis=1, keepdims=True)
    t_wave = beat[:, end + 20 : BEFORE + 70]
    return Normal(
        pr=1000 * float(np.median([one.pr for one in recording.rhythm.ventricular if one.pr is not None])),
        qrs=qrs_duration(bounds),
        qtc=1000 * recording.visit.patient.qtc,
        axis=axis,
        p=beat[:, max(0, start - 45) : start - 10].max(axis=1),
        st=beat[:, end],
        t=np.take_along_axis(t_wave, np.abs(t_wave).argmax(axis=1)[:, None], axis=1)[:, 0],
    )


def within(sex: str, ages: str, name: str, low: float, high: float) -> float:
    """Share of a group between two limits."""
    values = np.array([getattr(one, name) for one in everybody()[sex, ages]])
    return float(np.mean((values >= low) & (values <= high)))


@pytest.mark.parametrize(("sex", "ages"), GROUPS)
def test_every_group_has_enough_normal_ecgs(sex: str, ages: str) -> None:
    assert len(everybody()[sex, ages]) == EACH


@pytest.mark.parametrize(("sex", "ages"), GROUPS)
def test_intervals_and_axis_are_normal(sex: str, ages: str) -> None:
    qrs = (70, 104) if sex == "female" else (74, 114)
    assert within(sex, ages, "pr", 118, 212) >= WITHIN
    assert within(sex, ages, "qrs", *qrs) >= WITHIN
    assert within(sex, ages, "qtc", 350, 460 if sex == "female" else 450) >= WITHIN
    assert within(sex, ages, "axis", -30, 90) >= WITHIN


@pytest.mark.parametrize(("sex", "ages"), GROUPS)
def test_p_waves_are_upright_in_lead_ii_and_below_a_quarter_of_a_millivolt(sex: str, ages: str) -> None:
    p = np.array([one.p[LEADS.index("II")] for one in everybody()[sex, ages]])
    assert np.mean((p > 0.02) & (p < 0.25)) >= WITHIN


@pytest.mark.parametrize(("sex", "ages"), GROUPS)
def test_t_waves_are_upright_where_they_are_in_healthy_adults(sex: str, ages: str) -> None:
    t = np.array([one.t for one in everybody()[sex, ages]])
    for lead in ("I", "II", "V3", "V4", "V5", "V6"):
        assert np.mean(t[:, LEADS.index(lead)] > 0) >= WITHIN, lead
    assert np.mean(t[:, LEADS.index("aVR")] < 0) >= WITHIN


@pytest.mark.parametrize(("sex", "ages"), GROUPS)
def test_st_segments_are_below_the_limits_of_elevation(sex: str, ages: str) -> None:
    anterior = 0.15 if sex == "female" else 0.25 if ages == "18 to 39" else 0.20
    st = np.array([one.st for one in everybody()[sex, ages]])
    for lead in ("I", "II", "V1", "V5", "V6"):
        assert np.mean(st[:, LEADS.index(lead)] < 0.1) >= WITHIN, lead
    for lead in ("V2", "V3", "V4"):  # V4 of young men is often higher than 0.1 mV, too
        assert np.mean(st[:, LEADS.index(lead)] < anterior) >= WITHIN, lead


def test_men_have_longer_qrs_complexes_and_the_old_smaller_t_waves_and_an_axis_to_the_left() -> None:
    def median(name: str, *groups: tuple[str, str]) -> np.ndarray:
        chosen = [getattr(one, name) for group in groups for one in everybody()[group]]
        return np.asarray(np.median(chosen, axis=0))

    women, men = ([(sex, ages) for ages in AGES] for sex in ("female", "male"))
    young, old = ([(sex, ages) for sex in ("female", "male")] for ages in ("18 to 39", "60 and more"))
    assert 3 <= median("qrs", *men) - median("qrs", *women) <= 14
    assert median("t", *young)[LEADS.index("V5")] > median("t", *old)[LEADS.index("V5")]
    assert median("axis", *young) > median("axis", *old)
