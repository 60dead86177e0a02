"""What machines do to leads: exchanged cables, filters, converter steps."""

import numpy as np
import pytest
from scipy import signal as scipy_signal

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


@pytest.mark.parametrize("step", [1, 2, 5])
def test_samples_are_multiples_of_the_step(step: int) -> None:
    stored = np.rint(record(Recorder(step=step), leads(), 500.0) * 1000).astype(int)
    assert (stored % step == 0).all()


def test_the_high_pass_takes_the_offset_and_the_low_pass_the_noise() -> None:
    offset = np.ones((8, 5000), np.float32)
    assert np.abs(record(Recorder(highpass=0.5), offset, 500.0)).max() < 1e-3
    noise = np.random.default_rng(0).standard_normal((8, 5000)).astype(np.float32)
    wide = record(Recorder(lowpass=150), noise, 500.0).std()
    narrow = record(Recorder(lowpass=40), noise, 500.0).std()
    assert narrow < 0.6 * wide


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
    assert np.isfinite(record(Recorder(lowpass=150), leads(rate=250.0), 250.0)).all()


def test_wrong_cables_are_rare_and_machines_differ() -> None:
    machines = [draw_recorder(np.random.default_rng(seed)) for seed in range(3000)]
    assert 0.002 < np.mean([bool(one.limbs) for one in machines]) < 0.02
    assert 0.004 < np.mean([one.chest is not None for one in machines]) < 0.02
    assert len({(one.highpass, one.lowpass, one.step) for one in machines}) > 20
