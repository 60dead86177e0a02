"""QRS complexes are found where they are, whatever else the leads show."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import butter, sosfiltfilt

from rarebeat.core.signals import resample
from rarebeat.measure import qrs
from rarebeat.measure.qrs import RATE, find_beats
from rarebeat.simulator.clinic import simulate
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import ventricular_beats

Signal = npt.NDArray[np.int16]
Draw = Callable[..., Signal]

TIMES = np.arange(0.5, 9.8, 0.8)


def found(signal: npt.NDArray[np.generic], rate: float = 500.0) -> npt.NDArray[np.float64]:
    """Times of the beats, seconds."""
    return find_beats(resample(signal.astype(np.int16), rate, RATE)) / RATE


def assert_found(signal: npt.NDArray[np.generic], times: npt.ArrayLike, rate: float = 500.0) -> None:
    beats = found(signal, rate)
    assert len(beats) == len(np.asarray(times)), beats
    np.testing.assert_allclose(beats, times, atol=0.03)


@pytest.mark.parametrize("bpm", [35, 60, 100, 150, 200])
def test_every_beat_is_found_once_at_any_heart_rate(draw: Draw, bpm: float) -> None:
    times = np.arange(0.4, 9.8, 60 / bpm)
    assert_found(draw(times, p_wave=0.1 if bpm < 150 else 0), times)


@pytest.mark.parametrize("rate", [100.0, 250.0, 257.0, 360.0, 500.0, 1000.0])
def test_any_sampling_rate_gives_the_same_times(draw: Draw, rate: float) -> None:
    assert_found(draw(TIMES, rate=rate), TIMES, rate)


@pytest.mark.parametrize("seconds", [3.0, 6.0, 60.0])
def test_short_and_long_recordings(draw: Draw, seconds: float) -> None:
    times = np.arange(0.5, seconds - 0.2, 0.8)
    assert_found(draw(times, seconds), times)


@pytest.mark.parametrize("width", [0.06, 0.12, 0.16, 0.2])
def test_narrow_and_wide_complexes(draw: Draw, width: float) -> None:
    assert_found(draw(TIMES, width=width), TIMES)


def test_amplitude_does_not_matter_nor_that_leads_differ_in_it(draw: Draw) -> None:
    assert_found(draw(TIMES, height=0.12, p_wave=0.02, t_wave=0.03), TIMES)
    scaled = draw(TIMES) * np.geomspace(0.05, 5, 12)[:, None]
    assert_found(np.rint(scaled), TIMES)


def test_flat_leads_are_not_heard(draw: Draw) -> None:
    signal = draw(TIMES)
    signal[:10] = 0
    assert_found(signal, TIMES)


def test_noisy_leads_are_heard_less_than_the_others(draw: Draw) -> None:
    signal = draw(TIMES).astype(float)
    signal[:5] += 2000 * np.random.default_rng(0).standard_normal((5, signal.shape[1]))
    assert_found(signal, TIMES)


def test_a_burst_of_noise_in_some_leads_is_no_row_of_beats(draw: Draw) -> None:
    signal = draw(TIMES).astype(float)
    signal[:4, 2000:3000] += 1000 * np.random.default_rng(0).standard_normal((4, 1000))
    assert_found(signal, TIMES)


def test_a_wandering_baseline_is_ignored(draw: Draw) -> None:
    signal = draw(TIMES)
    wander = 2000 * np.sin(2 * np.pi * 0.3 * np.arange(signal.shape[1]) / 500)
    assert_found(signal + wander, TIMES)


def test_t_waves_as_tall_as_the_complexes_are_no_beats(draw: Draw) -> None:
    assert_found(draw(TIMES, t_wave=1.4), TIMES)


def test_pacing_spikes_are_no_beats(draw: Draw) -> None:
    signal = draw(TIMES, width=0.16)
    for before in (0.24, 0.09):  # of the atrium and of the ventricle
        starts = np.rint((TIMES - before) * 500).astype(int)
        signal[:, starts] += 3000
    assert_found(signal, TIMES)


def test_an_irregular_rhythm_with_beats_of_changing_height(draw: Draw) -> None:
    rng = np.random.default_rng(3)
    times = 0.3 + np.cumsum(rng.uniform(0.4, 1.2, 11))
    assert_found(draw(times, height=rng.uniform(0.7, 1.5, 11), p_wave=0), times)


def test_early_wide_and_tall_beats_are_found_and_hide_no_others(draw: Draw) -> None:
    times = TIMES.copy()
    times[[3, 7]] -= 0.3
    tall = np.isin(np.arange(len(times)), (3, 7))
    assert_found(draw(times, width=np.where(tall, 0.16, 0.09), height=np.where(tall, 3.0, 1.2)), times)


def test_a_low_beat_is_found_where_a_long_gap_asks_for_it(draw: Draw) -> None:
    height = np.full(len(TIMES), 1.2)
    height[5] = 0.3
    assert_found(draw(TIMES, height=height, t_wave=0.1, p_wave=0.05), TIMES)


def test_a_pause_stays_a_pause(draw: Draw) -> None:
    times = np.delete(TIMES, [5, 6])
    assert_found(draw(times), times)


def test_where_no_beat_stands_out_none_is_found() -> None:
    rng = np.random.default_rng(1)
    white = 100 * rng.standard_normal((12, 5000))
    assert len(found(white)) == 0
    assert len(found(np.cumsum(white, axis=1) / 20)) == 0
    assert len(found(np.zeros((12, 5000)))) == 0
    assert len(found(np.full((12, 5000), 321))) == 0


def test_simulated_beats_of_every_rhythm_are_found() -> None:
    settings = SimulatorSettings(seed=2, preset="balanced")
    hits = true = claimed = 0
    for index in range(60):
        simulated = simulate(index, settings)
        beats = found(simulated.signal, settings.rate)
        shown = ventricular_beats(simulated.recording.rhythm, settings.seconds)
        onsets = np.array([beat.time for beat in shown if beat.time > 0.1])  # not cut in two by the start
        delay = beats - onsets[:, None]  # from onset to middle
        hits += int(((delay > -0.02) & (delay < 0.16)).any(axis=1).sum())
        true += len(onsets)
        claimed += int((beats > 0.2).sum())
    assert hits >= 0.985 * true
    assert claimed <= 1.015 * true


@pytest.mark.parametrize("samples", [250, 2500])
def test_the_filter_is_scipys_forward_and_backward(samples: int) -> None:
    values = np.random.default_rng(samples).normal(size=(4, samples)).cumsum(axis=1)
    sections = butter(2, (6, 22), btype="bandpass", fs=RATE, output="sos")
    assert np.array_equal(qrs._band_pass(values), sosfiltfilt(sections, values, axis=1))
