"""Simulated sinus rhythm lies in the range of real sinus rhythm: amplitudes, dimensions, spectrum, rhythm."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import butter, find_peaks, sosfiltfilt, welch

from rarebeat.core.record_files import iterate_rows
from rarebeat.core.records import LEADS
from rarebeat.simulator.clinic import recording_at, signal_of
from rarebeat.simulator.settings import SimulatorSettings

INDEPENDENT = [LEADS.index(name) for name in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")]
BANDS = ((0.5, 5), (5, 15), (15, 40), (40, 100))  # hertz; codecs and converters rule beyond
SIMULATED = 250
COMPARED = {
    "sinus_rhythm",
    "av_block_1st_degree",
    "premature_atrial_complexes",
    "premature_ventricular_complexes",
    "left_bundle_branch_block",
    "right_bundle_branch_block",
}
"""What real records with the code of sinus rhythm may show besides."""


@pytest.fixture(scope="module")
def features(
    real_records: Path,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Features of real sinus rhythm (the records that experiments may tune on) and of simulated."""
    real = []
    for cohort in ("ptb-xl", "challenge", "ludb"):
        real += [measure(signal) for signal in real_sinus_rhythm(real_records / cohort)]
    simulated = [measure(signal) for signal in simulated_sinus_rhythm()]
    return collect(real), collect(simulated)


def real_sinus_rhythm(cohort: Path) -> Iterator[np.ndarray]:
    for row in iterate_rows(cohort):
        if row["rate"] == 500 and row["samples"] >= 5000 and _may_be_tuned_on(row) and _is_sinus(row):
            yield row["signal"][:, :5000] / 1000


def _may_be_tuned_on(row: dict[str, Any]) -> bool:
    if row["fold"] is not None:
        return bool(row["fold"] <= 6)
    return int(hashlib.sha1(row["record_id"].encode()).hexdigest(), 16) % 5 != 0


def _is_sinus(row: dict[str, Any]) -> bool:
    codes = set(row["codes"])
    return bool(codes & {"scp:SR", "snomed:426783006"}) or "sinus rhythm" in (row["text"] or "").lower()


def simulated_sinus_rhythm() -> Iterator[np.ndarray]:
    settings = SimulatorSettings(seed=31)
    found = 0
    for index in range(10 * SIMULATED):
        recording = recording_at(index, settings)
        if "sinus_rhythm" in recording.truth and recording.truth <= COMPARED:
            found += 1
            yield signal_of(index, recording, settings) / 1000
        if found == SIMULATED:
            return


def measure(signal: np.ndarray) -> dict[str, float]:
    """Features of (12, 5000) millivolts at 500 Hz."""
    steady = sosfiltfilt(butter(2, 0.6, "high", fs=500, output="sos"), signal, axis=1)
    found = {}
    for lead in INDEPENDENT:
        found[f"{LEADS[lead]} R"] = np.percentile(steady[lead], 99.7)
        found[f"{LEADS[lead]} S"] = -np.percentile(steady[lead], 0.3)
    values = np.linalg.svd(steady[INDEPENDENT], compute_uv=False)
    for order in range(1, 8):
        found[f"singular value {order + 1}"] = np.log(values[order] / values[0])
    frequency, power = welch(signal[INDEPENDENT], fs=500, nperseg=2000, axis=1)
    mains = np.minimum(np.abs(frequency - 50), np.abs(frequency - 60)) < 3
    for low, high in BANDS:
        inside = (frequency >= low) & (frequency < high) & ~mains
        found[f"{low}-{high} Hz"] = np.log10(power[:, inside].sum(axis=1).mean())
    rr = rr_intervals(signal)
    found["heart rate"] = 60 / np.median(rr)
    found["variation of RR"] = np.log(rr.std() / rr.mean())
    return found


def rr_intervals(signal: np.ndarray) -> np.ndarray:
    steep = sosfiltfilt(butter(3, [8, 30], "band", fs=500, output="sos"), signal[INDEPENDENT], axis=1)
    energy = np.convolve(np.linalg.norm(steep, axis=0), np.ones(40) / 40, "same")
    peaks, _ = find_peaks(energy, height=0.35 * np.percentile(energy, 98), distance=125)
    return np.asarray(np.diff(peaks) / 500)


def collect(rows: list[dict[str, float]]) -> dict[str, np.ndarray]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.slow
def test_the_sample_is_large_enough_to_compare_with(features: Any) -> None:
    real, simulated = (len(next(iter(group.values()))) for group in features)
    assert real > 250
    assert simulated == SIMULATED


@pytest.mark.slow
def test_the_median_simulated_record_lies_between_the_quartiles_of_the_real_ones(features: Any) -> None:
    real, simulated = features
    outside = {
        name: (np.percentile(real[name], [25, 75]).round(3).tolist(), round(np.median(simulated[name]), 3))
        for name in real
        if not np.percentile(real[name], 25) < np.median(simulated[name]) < np.percentile(real[name], 75)
    }
    assert not outside


@pytest.mark.slow
def test_the_extremes_of_the_simulated_records_are_those_of_real_ones(features: Any) -> None:
    """The 5th and the 95th percentile within the outer parts of the real range, give or take a twentieth of it."""
    real, simulated = features
    outside = {}
    for name, values in real.items():
        if (
            name == "heart rate"
        ):  # readers call 55 beats per minute sinus rhythm, the simulator's truth does not
            continue
        for percentile, low, high in ((5, 0.5, 15), (95, 85, 99.5)):
            margin = 0.05 * np.ptp(np.percentile(values, [0.5, 99.5]))
            limits = np.percentile(values, [low, high]) + np.array([-margin, margin])
            found = np.percentile(simulated[name], percentile)
            if not limits[0] <= found <= limits[1]:
                outside[f"{name}, {percentile} %"] = (limits.round(3).tolist(), round(float(found), 3))
    assert not outside


@pytest.mark.slow
def test_limb_leads_hold_einthovens_law_as_in_real_records(real_records: Path) -> None:
    real = np.median(
        [
            np.abs(signal[2] - (signal[1] - signal[0])).max()
            for signal in real_sinus_rhythm(real_records / "ptb-xl")
        ]
    )
    simulated = max(np.abs(signal[2] - (signal[1] - signal[0])).max() for signal in simulated_sinus_rhythm())
    assert simulated <= real + 1e-9
