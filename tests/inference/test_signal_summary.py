"""A few numbers say how large, how fast and how flat a recording is, and what its spectrum is."""

import tracemalloc

import numpy as np
import pytest

from rarebeat.core.signals import Int16
from rarebeat.inference.signal_summary import BAND_EDGES, SignalSummary, _band_powers, summarise

RATE = 250.0
SECONDS = np.arange(2500) / RATE


def one(lead: np.ndarray, length: int = 2500, rate: float = RATE) -> SignalSummary:
    """The summary of twelve equal leads."""
    signal = np.rint(np.tile(lead, (12, 1))).astype(np.int16)
    return summarise(signal[None], np.array([length]), rate)


def beats(per_minute: float, height: float = 1000) -> np.ndarray:
    """Narrow waves on a silent baseline."""
    return height * np.exp(-0.5 * (((SECONDS % (60 / per_minute)) - 0.3) / 0.012) ** 2)


def test_span_and_frequency_of_a_sine_are_those_that_it_was_made_with() -> None:
    (measures,) = one(500 * np.sin(2 * np.pi * 10 * SECONDS)).measures
    span, frequency, flat, _ = measures
    assert span == pytest.approx(1000, rel=0.01)
    assert frequency == pytest.approx(10, rel=0.01)
    assert flat == 0


@pytest.mark.parametrize("hz", [1.0, 10.0, 50.0, 110.0])
def test_the_power_of_a_sine_lies_in_its_band(hz: float) -> None:
    (bands,) = one(500 * np.sin(2 * np.pi * hz * SECONDS)).bands
    assert bands.argmax() == max(index for index, edge in enumerate(BAND_EDGES) if edge <= hz)
    # Hann's window spreads a line over three bins, which together hold 1.5 times its power.
    assert bands.max() == pytest.approx(np.log10(500**2 / 2), abs=0.3)


@pytest.mark.parametrize("per_minute", [45, 70, 150])
def test_the_heart_rate_is_counted(per_minute: float) -> None:
    assert one(beats(per_minute)).measures[0, 3] == pytest.approx(per_minute, rel=0.02)


def test_noise_has_no_heart_rate() -> None:
    noise = np.random.default_rng(0).normal(0, 200, (12, 2500)).astype(np.int16)
    assert np.isnan(summarise(noise[None], np.array([2500]), RATE).measures[0, 3])


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_a_flat_half_is_a_flat_half_also_with_a_little_noise(noise: float) -> None:
    lead = beats(70)
    lead[1250:] = lead[1250]
    lead += np.random.default_rng(0).normal(0, noise, 2500)
    assert one(lead).measures[0, 2] == pytest.approx(0.5, abs=0.05)


def test_padding_does_not_count() -> None:
    whole = beats(70)
    padded = np.concatenate([whole[:1000], np.zeros(1500)])
    assert np.array_equal(one(padded, 1000).measures, one(whole[:1000], 1000).measures)
    assert np.array_equal(one(padded, 1000).bands, one(whole[:1000], 1000).bands)


def test_the_bands_end_where_the_rate_ends() -> None:
    signals: Int16 = np.zeros((2, 12, 500), np.int16)
    assert summarise(signals, np.array([500, 40]), 100.0).bands.shape == (2, 10)  # up to 50 Hz
    assert np.isfinite(summarise(signals, np.array([500, 40]), 100.0).bands).all()
    assert summarise(signals[:0], np.empty(0, np.int64), 100.0).measures.shape == (0, 4)


def test_spectra_of_a_long_recording_are_not_all_in_memory() -> None:
    piece = np.random.default_rng(0).normal(0, 200, (12, 2500)).astype(np.int16)
    long: Int16 = np.tile(piece, 180)  # half an hour: 3,600 windows, eight parts
    tracemalloc.start()
    bands = _band_powers(long, RATE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert bands == pytest.approx(_band_powers(piece, RATE), abs=0.05)
    assert (
        peak < 8 * long.size + 120e6
    )  # itself in fp64; all windows and their spectra take six times as much
