"""Noise arises at electrodes, and a few of them are bad."""

import numpy as np

from rarebeat.simulator.rhythm.clocks import Breathing
from rarebeat.simulator.waveform.grid import Grid, to_samples
from rarebeat.simulator.waveform.noise import curves, draw_levels, fast_noise, slow_noise

BREATHING = Breathing(0.25, 0.0)


def made(seed: int) -> np.ndarray:
    """All noise of one recording, (8, samples)."""
    rng, grid = np.random.default_rng(seed), Grid(5000, 500.0)
    levels = draw_levels(rng)
    slow = slow_noise(rng, levels, BREATHING, grid)
    return np.asarray(to_samples(slow, grid) + fast_noise(rng, levels, grid))


def test_noise_has_no_offset_of_its_own_size_and_differs_between_recordings() -> None:
    noises = [made(seed) for seed in range(20)]
    level = np.array([one.std() for one in noises])
    assert noises[0].shape == (8, 5000)
    assert np.isfinite(level).all()
    assert 0.005 < np.median(level) < 0.1
    assert level.max() > 2 * level.min()


def test_contacts_differ_and_a_few_electrodes_come_off() -> None:
    contacts = np.array([draw_levels(np.random.default_rng(seed)).contact for seed in range(800)])
    worst = contacts.max(axis=1) / np.median(contacts, axis=1)
    assert 1.5 < np.median(worst) < 4
    assert 0.005 < np.mean(worst > 10) < 0.05


def test_limb_leads_share_the_noise_of_the_right_arm() -> None:
    shared = [np.corrcoef(made(seed)[:2])[0, 1] for seed in range(40)]
    assert np.median(shared) > 0.2


def test_most_noise_is_slow() -> None:
    slow = []
    for seed in range(20):
        power = np.abs(np.fft.rfft(made(seed), axis=1)) ** 2
        frequency = np.fft.rfftfreq(5000, 1 / 500)
        slow.append(power[:, frequency < 3].sum() / power.sum())
    assert np.median(slow) > 0.9


def test_mains_hum_is_at_50_or_60_hertz() -> None:
    levels = [draw_levels(np.random.default_rng(seed)) for seed in range(300)]
    assert {one.frequency for one in levels} == {50.0, 60.0}
    humming = [seed for seed, one in enumerate(levels) if one.mains > 2 * one.muscle]
    for seed in humming[:5]:
        power = np.abs(np.fft.rfft(made(seed), axis=1)).sum(axis=0)
        at = round(levels[seed].frequency * 10)
        assert power[at] > 3 * np.median(power[at - 30 : at + 30])


def test_curves_follow_their_knots_and_keep_a_level() -> None:
    assert np.allclose(curves(np.ones((2, 13)), 50, 480), 1, atol=1e-6)
    line = curves(np.arange(-1.0, 12.0)[None], 50, 480)[0]
    assert np.allclose(line, np.arange(480) / 50, atol=1e-5)


def test_muscle_noise_falls_off_above_60_hertz_and_is_nearly_normal() -> None:
    loud = [seed for seed in range(300) if draw_levels(np.random.default_rng(seed)).muscle > 0.004][:5]
    assert loud
    for seed in loud:
        spectrum = np.fft.rfft(made(seed), axis=1)
        frequency = np.fft.rfftfreq(5000, 1 / 500)
        power = (np.abs(spectrum) ** 2).sum(axis=0)
        low, high = (power[(frequency > one) & (frequency < one + 25)].mean() for one in (20, 215))
        assert low > 4 * high
        spectrum[:, frequency < 65] = 0
        fast = np.fft.irfft(spectrum, axis=1).reshape(8, 50, 100)  # it swells and fades, but not within 0.2 s
        assert 2.6 < ((fast / fast.std(axis=2, keepdims=True)) ** 4).mean() < 3.3  # 3 is normal
