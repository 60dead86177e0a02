"""Detectors and delineators of another library find what was planned."""

import re
import warnings
from itertools import islice

import neurokit2
import numpy as np
import pytest
from tests.simulator.physiology.calipers import (
    FIRED,
    II,
    LEAD_I,
    RATE,
    V1,
    V2,
    V4,
    V5,
    V6,
    examples,
    plain,
    planned_pr,
    recorded,
    recordings,
    rr,
    shown,
    usual,
)

from rarebeat.simulator.clinic import Simulated, report_of
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import ventricular_rate


def found_rate(signal: np.ndarray, method: str) -> float:
    """Beats per minute by a QRS detector of neurokit2: median over intervals, then over seven leads."""
    found = []
    for lead in (LEAD_I, II, V1, V2, V4, V5, V6):
        clean = neurokit2.ecg_clean(signal[lead], sampling_rate=RATE)
        _, peaks = neurokit2.ecg_peaks(clean, sampling_rate=RATE, method=method)
        found.append(60 * RATE / np.median(np.diff(peaks["ECG_R_Peaks"])))
    return float(np.nanmedian(found))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "method"),  # one finds narrow fast beats, one wide and slow ones
    [
        ("sinus_bradycardia", "kalidas2017"),
        ("sinus_tachycardia", "rodrigues2021"),
        ("supraventricular_tachycardia", "rodrigues2021"),
        ("avnrt", "rodrigues2021"),
        ("atrial_tachycardia", "rodrigues2021"),
        ("ectopic_atrial_rhythm", "kalidas2017"),
        ("ventricular_tachycardia", "kalidas2017"),
        ("junctional_rhythm", "kalidas2017"),
        ("idioventricular_rhythm", "kalidas2017"),
        ("complete_heart_block", "kalidas2017"),
        ("paced_rhythm", "kalidas2017"),
    ],
)
def test_an_independent_detector_finds_the_rate_of_regular_rhythms(name: str, method: str) -> None:
    errors = []
    for record in examples(name, 12, others=(*FIRED, "bigeminy")):
        if rr(record).std() < 0.05 * rr(record).mean():
            errors.append(found_rate(record.signal / 1000, method) * np.median(rr(record)) / 60 - 1)
    assert len(errors) >= 5
    assert np.mean(np.abs(errors) < 0.03) > 0.7


def delineate(record: Simulated) -> np.ndarray:
    """Rate, PR, QRS and QT in ms by neurokit2: medians over beats, then over the leads II, V1 and V5.

    Its peaks and prominences; its wavelets find a QRS of 175 ms in real and in simulated ECGs alike.
    """
    found = []
    for lead in (II, V1, V5):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            clean = neurokit2.ecg_clean(record.signal[lead] / 1000, sampling_rate=RATE)
            _, peaks = neurokit2.ecg_peaks(clean, sampling_rate=RATE)
            if len(peaks["ECG_R_Peaks"]) < 5:  # a lead too small for it
                continue
            _, waves = neurokit2.ecg_delineate(
                clean, peaks["ECG_R_Peaks"], sampling_rate=RATE, method="prominence"
            )
            found_waves = [
                waves[f"ECG_{name}"] for name in ("R_Onsets", "R_Offsets", "P_Onsets", "T_Offsets")
            ]
            if len({len(one) for one in found_waves}) > 1:  # it has lost one, and with it which beat is which
                continue
            onset, offset, p, t = 2 * np.array(found_waves, float)
            rate = 60 * RATE / np.median(np.diff(peaks["ECG_R_Peaks"]))
            found.append([rate] + [np.nanmedian(one) for one in (onset - p, offset - onset, t - onset)])
    return np.asarray(np.nanmedian(found, axis=0))


def test_an_independent_delineator_finds_rate_and_intervals_as_planned() -> None:
    differences = []
    for record in examples("sinus_rhythm", 25, others=plain()):
        rate = ventricular_rate(record.recording.rhythm, 10.0)
        qt = 1000 * record.recording.visit.patient.qtc * np.cbrt(60 / rate)
        if record.recording.visit.patient.conduction == "normal":
            differences.append(delineate(record) - [rate, planned_pr(record), 78, qt])
    rate, pr, qrs, qt = np.nanmedian(differences, axis=0)
    assert abs(rate) < 1
    assert abs(pr) < 20
    assert abs(qrs) < 10
    assert abs(qt) < 20


def test_an_independent_delineator_finds_a_long_pr_interval_in_first_degree_block() -> None:
    blocked = examples("av_block_1st_degree", 15, others=plain("av_block_1st_degree"))
    found = np.array([delineate(record)[1] for record in blocked])
    assert np.nanmedian(found) > 200
    assert abs(np.nanmedian(found - [planned_pr(record) for record in blocked])) < 30
    assert np.nanmedian(found) > np.nanmedian([delineate(one)[1] for one in usual()]) + 40


def test_an_independent_delineator_finds_a_long_qt_interval_where_the_report_speaks_of_one() -> None:
    settings = SimulatorSettings(seed=4)
    words = re.compile("prolonged QT|long QT|QT prolonged", re.IGNORECASE)

    def corrected_qt(index: int) -> float:
        rate, _, _, qt = delineate(shown(index, settings))
        return float(qt / np.cbrt(60 / rate))

    alone = list(islice(recordings(lambda one: one.truth == {"sinus_rhythm"}, settings), 450))
    texts = {index: report_of(index, recorded(index, settings), settings).text for index in alone}
    prolonged = [index for index in alone if words.search(texts[index])][:10]
    normal = [index for index in alone if texts[index].startswith("Normal sinus rhythm\nNormal ECG")][:10]
    assert min(len(prolonged), len(normal)) >= 8
    qtc = [np.nanmedian([corrected_qt(index) for index in group]) for group in (prolonged, normal)]
    assert qtc[0] > 440
    assert qtc[0] > qtc[1] + 30
