"""Measurements on real recordings: against an independent detector, and against what the labels say."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tests.real.cohorts import COHORTS, rows
from wfdb.processing import xqrs_detect

from rarebeat.core.parquet import read_table
from rarebeat.core.record_files import iterate_rows
from rarebeat.core.records import LEADS
from rarebeat.core.signals import resample
from rarebeat.labels.signal_checks import check_cohort
from rarebeat.measure.cohort import measure_cohort
from rarebeat.measure.measurements import Measurements
from rarebeat.measure.measuring import measure

pytestmark = pytest.mark.slow

Labelled = tuple[Measurements, dict[str, int | None]]


@pytest.fixture(scope="module")
def measured(real_records: Path, real_labels: Path) -> list[Labelled]:
    """Every record with its labels: those from codes, or from text where there are no codes."""
    result = []
    for name in COHORTS:
        text, codes = (read_table(real_labels / name / f"{o}.parquet").to_pylist() for o in ("text", "codes"))
        for (_, measurements), said, coded in zip(
            measure_cohort(real_records / name), text, codes, strict=True
        ):
            known = any(state is not None for key, state in coded.items() if key != "record_id")
            result.append((measurements, coded if known else said))
    return result


def values(measured: list[Labelled], name: str, present: str, *absent: str) -> np.ndarray[Any, Any]:
    """One measurement of all records that have a class and are known or thought not to have others."""
    found = [
        getattr(measurements, name)
        for measurements, states in measured
        if states[present] == 1 and not any(states[other] in (1, -1) for other in absent)
    ]
    return np.array([value for value in found if value is not None])


def independent_rates(row: dict[str, Any]) -> Iterator[float]:
    """Heart rates by the detector of wfdb, in leads II, V2 and V5."""
    signal = resample(row["signal"], row["rate"], 250) / 1000
    for lead in ("II", "V2", "V5"):
        beats = xqrs_detect(signal[LEADS.index(lead)], fs=250, verbose=False)
        if len(beats) > 2:
            yield 60 * 250 / float(np.median(np.diff(beats)))


@pytest.mark.parametrize("cohort", list(COHORTS))
def test_the_rate_agrees_with_an_independent_detector(real_records: Path, cohort: str) -> None:
    every = {"ptb-xl": 9, "challenge": 5, "ludb": 4, "ptb-xl-filtered": 40}[cohort]
    differences = []
    for row in list(iterate_rows(real_records / cohort))[::every]:
        rate = measure(row["signal"], row["rate"], row["calibrated"]).rate
        assert rate is not None
        differences.append(abs(rate - float(np.median(list(independent_rates(row))))))
    assert len(differences) >= 35
    assert np.median(differences) <= 1
    assert np.mean(np.array(differences) <= 3) >= 0.92


def test_nearly_all_records_can_be_measured(measured: list[Labelled]) -> None:
    assert len(measured) == 2113
    for name in ("rate", "variation", "entropy", "qrs"):
        assert sum(getattr(measurements, name) is None for measurements, _ in measured) <= 12, name


@pytest.mark.parametrize(
    ("class_id", "holds", "share"),
    [
        ("sinus_bradycardia", lambda rate: rate < 65, 0.95),
        ("sinus_tachycardia", lambda rate: rate > 95, 0.90),
        ("sinus_rhythm", lambda rate: (rate > 47) & (rate < 110), 0.98),
    ],
)
def test_the_rate_bears_out_the_label(
    measured: list[Labelled], class_id: str, holds: Callable[[Any], Any], share: float
) -> None:
    assert np.mean(holds(values(measured, "rate", class_id))) >= share


def test_fibrillation_is_irregular_and_sinus_rhythm_is_not(measured: list[Labelled]) -> None:
    ectopy = ("premature_atrial_complexes", "premature_ventricular_complexes", "sinus_arrhythmia")
    for name, area in (("variation", 0.98), ("entropy", 0.96)):
        fibrillation = values(measured, name, "atrial_fibrillation", "paced_rhythm")
        sinus = values(measured, name, "sinus_rhythm", *ectopy)
        truth = np.repeat([1, 0], [len(fibrillation), len(sinus)])
        assert roc_auc_score(truth, np.concatenate([fibrillation, sinus])) >= area
    assert np.mean(values(measured, "variation", "atrial_fibrillation", "paced_rhythm") > 0.06) >= 0.97
    assert np.mean(values(measured, "variation", "sinus_rhythm", *ectopy) < 0.1) >= 0.95


def test_bundle_branch_blocks_are_wide_and_sinus_rhythm_is_narrow(measured: list[Labelled]) -> None:
    left, right = "left_bundle_branch_block", "right_bundle_branch_block"
    assert np.mean(values(measured, "qrs", left) > 120) >= 0.93
    assert np.mean(values(measured, "qrs", right) > 105) >= 0.85
    narrow = values(measured, "qrs", "sinus_rhythm", left, right, "paced_rhythm")
    assert np.mean(narrow < 120) >= 0.94
    assert 80 <= np.median(narrow) <= 96


def test_the_axis_points_to_the_left_and_down_in_most(measured: list[Labelled]) -> None:
    axis = values(measured, "axis", "sinus_rhythm")
    assert len(axis) > 300  # leads share no unit in most of the recordings
    assert np.mean((axis > -45) & (axis < 105)) >= 0.9
    assert 20 <= np.median(axis) <= 60


def test_the_axis_is_where_the_readers_of_ptb_xl_say(real_ecg: Path, real_records: Path) -> None:
    table = real_ecg / "ptb-xl" / "ptbxl_database.csv"
    said = {row["ecg_id"]: row["heart_axis"] for row in rows(table)}
    axes: dict[str, list[float]] = {}
    for record_id, measurements in measure_cohort(real_records / "ptb-xl"):
        if measurements.axis is not None:
            axes.setdefault(said[record_id], []).append(measurements.axis)
    assert len(axes["LAD"] + axes["ALAD"]) >= 30
    assert np.median(axes["ALAD"]) < np.median(axes["LAD"]) < -25
    assert np.mean(np.array(axes["LAD"] + axes["ALAD"]) < 0) >= 0.9
    assert all(0 < axis < 90 for axis in axes["MID"])
    assert np.median(axes["RAD"]) > 80


def test_few_labels_are_contradicted(real_records: Path, real_labels: Path) -> None:
    for name in COHORTS:
        for origin, checks in check_cohort(real_records / name, real_labels / name).items():
            checked = sum(counts["checked"] for counts in checks.values())
            contradicted = sum(counts["contradicted"] for counts in checks.values())
            assert contradicted <= 0.05 * checked + 2, (name, origin, checks)
    table = read_table(real_labels / "challenge" / "signal_checks.parquet").to_pylist()
    narrow = {row["record_id"]: row["value"] for row in table if row["check"] == "left_block_is_narrow"}
    assert narrow == {"Q0033": pytest.approx(88, abs=8)}
