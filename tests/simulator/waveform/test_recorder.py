"""What machines do to leads: exchanged cables, filters, converter steps."""

import numpy as np
import pytest
from scipy import signal as scipy_signal

from rarebeat.simulator.waveform.gaussians import Placed
from rarebeat.simulator.waveform.grid import Grid, to_samples
from rarebeat.simulator.waveform.leads import twelve_leads
from rarebeat.simulator.waveform.recorder import (
    ARMS,
    Recorder,
    connect,
    draw_recorder,
    high_pass,
    low_pass,
    record,
)


def leads(seconds: float = 10.0, rate: float = 500.0) -> np.ndarray:
    """Eight independent leads of slow and fast waves in millivolts."""
    times = np.arange(round(seconds * rate)) / rate
    rows = [np.sin(2 * np.pi * (2 + row) * times) + 0.1 * row for row in range(8)]
    return np.array(rows, np.float32)


def test_cables_in_place_change_nothing() -> None:
    signal = leads()
    assert connect(Recorder(), signal) is signal


def test_exchanged_arms_invert_lead_i_and_exchange_ii_and_iii() -> None:
    signal = leads()
    swapped = connect(Recorder(limbs=ARMS), signal)
    one, two = signal[:2]
    assert np.allclose(swapped[0], -one)
    assert np.allclose(swapped[1], two - one)
    assert np.allclose(swapped[1] - swapped[0], two, atol=1e-6)
    assert np.array_equal(swapped[2:], signal[2:])


@pytest.mark.parametrize("limbs", [ARMS, "right arm and left leg", "left arm and left leg"])
def test_exchanging_limbs_twice_restores_the_leads(limbs: str) -> None:
    signal = leads()
    again = connect(Recorder(limbs=limbs), connect(Recorder(limbs=limbs), signal))
    assert np.allclose(again, signal, atol=1e-6)


def test_exchanged_chest_electrodes() -> None:
    signal = leads()
    swapped = connect(Recorder(chest=(1, 2)), signal)
    assert np.array_equal(swapped[[3, 4]], signal[[4, 3]])
    assert np.array_equal(swapped[[0, 1, 2, 5, 6, 7]], signal[[0, 1, 2, 5, 6, 7]])


def recorded(recorder: Recorder, slow: np.ndarray, noise: np.ndarray, rate: float = 500.0) -> np.ndarray:
    """What a machine makes of slow waves, (8, places), and noise, without QRS complexes."""
    grid = Grid(noise.shape[1], rate)
    nothing = np.empty(0, np.int64)
    none = Placed(nothing, nothing, nothing, np.empty(0, np.float32), np.empty((4, 0)))
    return record(recorder, slow, np.empty((8, 0), np.float32), none, noise.copy(), grid)


def level(value: float, grid: Grid) -> np.ndarray:
    return np.full((8, grid.places), value, np.float32)


@pytest.mark.parametrize("step", [1, 2, 5])
def test_samples_are_multiples_of_the_step(step: int) -> None:
    stored = recorded(Recorder(step=step), level(0.0, Grid(5000, 500.0)), leads())
    assert (twelve_leads(stored)[[0, 1, *range(6, 12)]] % step == 0).all()


def test_the_high_pass_takes_the_offset_and_the_low_pass_the_noise() -> None:
    grid = Grid(5000, 500.0)
    silence = np.zeros((8, 5000), np.float32)
    assert np.abs(recorded(Recorder(highpass=0.5), level(1.0, grid), silence)).max() < 1e-3
    noise = np.random.default_rng(0).standard_normal((8, 5000)).astype(np.float32)
    wide = recorded(Recorder(lowpass=150), level(0.0, grid), noise).std()
    narrow = recorded(Recorder(lowpass=40), level(0.0, grid), noise).std()
    assert narrow < 0.6 * wide


@pytest.mark.parametrize("corner", [0.05, 0.5])
def test_the_high_pass_of_the_coarse_grid_is_that_of_all_samples(corner: float) -> None:
    """A beat of a slow wave and, 1 mV high and 80 ms long, a QRS complex: less than 8 microvolts apart."""
    grid = Grid(5000, 500.0)
    t_wave = np.exp(-0.5 * ((grid.times - 5.3) / 0.04) ** 2)
    samples = np.arange(2475, 2525)
    qrs = np.exp(-0.5 * ((samples / 500 - 5.0) / 0.012) ** 2)
    slow, fast = (np.repeat(one[None], 8, axis=0).astype(np.float32) for one in (t_wave, qrs))
    one = np.ones(1, np.int64)
    placed = Placed(0 * one, 2475 * one, 50 * one, np.ones(1, np.float32), np.empty((4, 1)))
    silence = np.zeros((8, 5000), np.float32)
    found = record(Recorder(highpass=corner, lowpass=1000), slow, fast, placed, silence, grid)
    signal = to_samples(slow, grid)
    signal[:, 2475:2525] += fast
    assert np.abs(found - high_pass(signal, corner, 500.0)).max() < 0.008


def drifting() -> np.ndarray:
    """Eight random walks that go beyond the amplitudes of ECGs; millivolts."""
    steps = np.random.default_rng(0).standard_normal((8, 5003))
    return (np.cumsum(steps, axis=1) / 10).astype(np.float32)


@pytest.mark.parametrize(("corner", "rate"), [(0.05, 500.0), (0.5, 500.0), (0.5, 100.0), (0.05, 2000.0)])
def test_the_high_pass_is_that_of_scipy(corner: float, rate: float) -> None:
    share = np.exp(-2 * np.pi * corner / rate)
    gain = (1 + share) / 2
    level = drifting()[:, : round(2 * rate)].mean(axis=1, keepdims=True)
    expected, _ = scipy_signal.lfilter([gain, -gain], [1, -share], drifting(), axis=1, zi=-gain * level)
    assert np.allclose(high_pass(drifting(), corner, rate), expected, atol=2e-5)


@pytest.mark.parametrize(("corner", "rate"), [(150.0, 500.0), (40.0, 500.0), (40.0, 2000.0), (100.0, 257.0)])
def test_the_low_pass_is_that_of_scipy(corner: float, rate: float) -> None:
    sections = scipy_signal.butter(2, corner, fs=rate, output="sos")
    settled = scipy_signal.sosfilt_zi(sections)[:, None] * drifting()[None, :, :1]
    expected, _ = scipy_signal.sosfilt(sections, drifting(), axis=1, zi=settled)
    assert np.allclose(low_pass(drifting(), corner, rate), expected, atol=5e-4)


def test_a_low_pass_beyond_the_sampling_rate_is_left_out() -> None:
    noise = leads(rate=250.0)
    assert np.isfinite(recorded(Recorder(lowpass=150), level(0.0, Grid(2500, 250.0)), noise, 250.0)).all()


def test_wrong_cables_are_rare_and_machines_differ() -> None:
    machines = [draw_recorder(np.random.default_rng(seed)) for seed in range(3000)]
    assert 0.002 < np.mean([bool(one.limbs) for one in machines]) < 0.02
    assert 0.004 < np.mean([one.chest is not None for one in machines]) < 0.02
    assert len({(one.highpass, one.lowpass, one.step) for one in machines}) > 20
