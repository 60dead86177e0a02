"""Preprocessing: what passes the anti-aliasing filter, what does not, and what happens at the ends."""

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.errors import BadRecordError, ParamsError
from rarebeat.core.params import parse
from rarebeat.core.signals import Preprocessing, output_scale, output_units, preprocess, resample

AMPLITUDE = 20_000


def sines(frequencies: npt.ArrayLike, rate: float, seconds: float = 10.0) -> npt.NDArray[np.float64]:
    """One sine per row, with a phase of its own."""
    times = np.arange(round(seconds * rate)) / rate
    frequencies = np.asarray(frequencies, dtype=np.float64)[:, None]
    return AMPLITUDE * np.sin(2 * np.pi * frequencies * times + 0.1 * frequencies)


def recording(seed: int = 0, rate: float = 500, seconds: float = 10) -> npt.NDArray[np.int16]:
    noise = np.random.default_rng([seed]).normal(0, 300, (12, round(rate * seconds)))
    return np.rint(noise).astype(np.int16)


@pytest.mark.parametrize("rate", [100, 128, 240, 257, 333, 360, 500, 1000])
def test_what_lies_in_the_pass_band_keeps_amplitude_and_phase(rate: float) -> None:
    frequencies = np.linspace(0.5, 0.8 * min(rate, 250) / 2, 12)
    result = resample(np.rint(sines(frequencies, rate)).astype(np.int16), rate, 250)
    expected = sines(frequencies, 250)[:, : result.shape[1]]
    inner = slice(30, -30)  # the ends are extrapolated
    assert np.abs(result - expected)[:, inner].max() < 0.001 * AMPLITUDE


@pytest.mark.parametrize("rate", [360, 500, 1000])
def test_what_would_be_folded_into_the_pass_band_is_60_db_down(rate: float) -> None:
    frequencies = np.linspace(150, 0.99 * rate / 2, 12)
    result = resample(np.rint(sines(frequencies, rate)).astype(np.int16), rate, 250)
    assert np.abs(result)[:, 25:-25].max() < 0.001 * AMPLITUDE


@pytest.mark.parametrize(
    ("rate", "samples"), [(500, 5000), (1000, 10_000), (257, 2570), (100, 1000), (360, 3601)]
)
def test_the_length_follows_the_rate(rate: float, samples: int) -> None:
    assert resample(np.zeros((12, samples), np.int16), rate, 250).shape == (
        12,
        int(np.ceil(samples * 250 / rate)),
    )


def test_an_offset_or_a_drift_does_not_ring_at_the_ends() -> None:
    offset = np.full((1, 5000), 12_345, dtype=np.int16)
    drift = np.arange(-10_000, 10_000, 4, dtype=np.int16)[None, :]
    assert np.array_equal(np.rint(resample(offset, 500, 250)), offset[:, ::2])
    assert np.array_equal(np.rint(resample(drift, 500, 250)), drift[:, ::2])


def test_sums_are_exact_so_that_no_order_of_addition_changes_a_bit() -> None:
    one, other = recording(1), recording(2)
    whole = resample(3 * one + other, 500, 250)
    assert np.array_equal(whole, 3 * resample(one, 500, 250) + resample(other, 500, 250))


def test_at_the_rate_of_the_network_samples_stay_as_they_are() -> None:
    signal = recording(rate=250)
    assert np.array_equal(preprocess(signal, 250, Preprocessing()), signal)


def test_values_are_rounded_to_the_nearest_step() -> None:
    signal = recording()
    assert np.abs(preprocess(signal, 500, Preprocessing()) - resample(signal, 500, 250)).max() <= 0.5


def test_values_beyond_16_bits_saturate() -> None:
    square = np.tile(np.repeat(np.array([-32_768, 32_767], np.int16), 100), (12, 25))
    result = preprocess(square, 500, Preprocessing())
    assert resample(square, 500, 250).max() > 33_000  # the filter overshoots
    assert (result.min(), result.max()) == (-32_768, 32_767)
    assert np.array_equal(np.sign(result[:, 25:]), np.sign(np.rint(resample(square, 500, 250)[:, 25:])))


def test_a_long_recording_is_cropped_in_the_middle_or_at_the_start() -> None:
    signal = recording(rate=250, seconds=16)
    assert np.array_equal(preprocess(signal, 250, Preprocessing()), signal[:, 750:3250])
    assert np.array_equal(preprocess(signal, 250, Preprocessing(crop="start")), signal[:, :2500])


def test_a_short_recording_is_padded_with_zeros_at_the_end() -> None:
    signal = recording(rate=250, seconds=4)
    result = preprocess(signal, 250, Preprocessing())
    assert np.array_equal(result[:, :1000], signal)
    assert not result[:, 1000:].any()


@pytest.mark.parametrize("seconds", [6, 10, 30])
def test_z_scores_are_of_what_is_kept_and_do_not_count_the_padding(seconds: float) -> None:
    settings = Preprocessing(normalise="zscore")
    kept = preprocess(recording(seconds=seconds), 500, settings)[:, : round(250 * min(seconds, 10))]
    scaled = kept * output_scale(settings)
    assert np.abs(scaled.mean(axis=1)).max() < 1e-3
    assert np.abs(scaled.std(axis=1) - 1).max() < 1e-3


def test_a_flat_lead_becomes_zeros_instead_of_amplified_noise() -> None:
    signal = recording()
    signal[4] = 77
    result = preprocess(signal, 500, Preprocessing(normalise="zscore"))
    assert not result[4].any()
    assert result[3].any()


def test_a_z_score_beyond_16_bits_saturates() -> None:
    signal = np.zeros((12, 2500), dtype=np.int16)
    signal[:, 100] = -30_000  # 50 standard deviations
    assert preprocess(signal, 250, Preprocessing(normalise="zscore")).min() == -32_768


def test_the_band_pass_removes_drift_and_mains_and_shifts_nothing() -> None:
    settings = Preprocessing(bandpass=(0.5, 40), samples=7500)
    frequencies = np.array([0.05, 0.5, 2, 10, 20, 40, 60, 100])
    signal = sines(frequencies, 250, seconds=30)
    inner = slice(2500, 5000)
    result = preprocess(np.rint(signal).astype(np.int16), 250, settings)[:, inner]
    gains = result.std(axis=1) / signal[:, inner].std(axis=1)
    assert gains[[0, 6, 7]].max() < 0.1
    assert gains[[1, 5]] == pytest.approx([0.5, 0.5], abs=0.01)  # forward and backward: -6 dB at the corners
    assert np.abs(result - signal[:, inner])[2:5].max() < 0.02 * AMPLITUDE


def test_the_scale_tells_the_unit_of_the_stored_steps() -> None:
    settings = Preprocessing()
    signal = np.full((12, 2500), 1500, dtype=np.int16)  # 1.5 mV
    assert preprocess(signal, 250, settings).max() * output_scale(settings) == pytest.approx(1.5)
    assert (output_units(settings), output_units(Preprocessing(normalise="zscore"))) == ("mV", "z")


def test_less_than_a_second_is_refused() -> None:
    with pytest.raises(BadRecordError, match="too_short: 499 samples at 500 Hz"):
        preprocess(np.zeros((12, 499), np.int16), 500, Preprocessing())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bandpass": [40, 0.5]}, "bandpass must be .low, high. in Hz"),
        ({"bandpass": [0.5, 125]}, "high < 125"),
        ({"rate": 0}, "prepare.signal.rate"),
        ({"normalise": "minmax"}, "'none' or 'zscore'"),
        ({"sample": 2500}, "prepare.signal.sample"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        parse(Preprocessing, settings, "prepare.signal")
