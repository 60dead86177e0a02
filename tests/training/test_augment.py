"""Augmentation changes what it says, by as much as it says, and nothing else."""

import numpy as np
import pytest
import torch

from rarebeat.core.context import FEMALE, MALE, UNKNOWN, UNKNOWN_SEX, Context
from rarebeat.training.augment import augment, piece_length, stretch
from rarebeat.training.settings import AugmentSettings

SIGNALS = torch.randn(64, 12, 200, generator=torch.Generator().manual_seed(0))


def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_nothing_is_changed_unless_it_is_asked_for() -> None:
    signals, context = augment(SIGNALS, UNKNOWN, AugmentSettings(), random())
    assert signals is SIGNALS
    assert context == UNKNOWN


def test_the_same_random_state_gives_the_same_and_the_input_stays() -> None:
    settings = AugmentSettings(gain=2, stretch=0.1, lead_dropout=0.2)
    before = SIGNALS.clone()
    first, second = (augment(SIGNALS, UNKNOWN, settings, random())[0] for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(SIGNALS, before)


def test_gain_is_one_factor_for_all_leads_as_often_below_one_as_above() -> None:
    signals, _ = augment(SIGNALS, UNKNOWN, AugmentSettings(gain=5), random())
    factors = signals / SIGNALS
    torch.testing.assert_close(factors, factors[:, :1, :1].expand_as(factors), rtol=1e-3, atol=0)
    factors = factors[:, 0, 0]
    assert 0.2 <= factors.min() < 0.25
    assert 4 < factors.max() <= 5
    assert 20 < (factors < 1).sum() < 44


def test_a_dropped_lead_is_zero_and_one_is_always_kept() -> None:
    signals, _ = augment(SIGNALS, UNKNOWN, AugmentSettings(lead_dropout=0.95), random())
    kept = (signals != 0).all(dim=2)
    assert torch.equal((signals != 0).any(dim=2), kept)
    assert kept.any(dim=1).all()
    assert torch.equal(signals[kept], SIGNALS[kept])
    mild, _ = augment(SIGNALS, UNKNOWN, AugmentSettings(lead_dropout=0.1), random())
    assert (mild == 0).all(dim=2).float().mean() == pytest.approx(0.1, abs=0.03)


def test_hidden_persons_have_neither_age_nor_sex() -> None:
    context = Context(age=torch.full((64,), 50.0), sex=torch.tensor([FEMALE, MALE] * 32))
    _, hidden = augment(SIGNALS, context, AugmentSettings(hide_person=0.5), random())
    assert hidden.age is not None
    assert hidden.sex is not None
    assert torch.equal(hidden.age.isnan(), hidden.sex == UNKNOWN_SEX)
    assert 20 < hidden.age.isnan().sum() < 44


def test_a_stretched_wave_is_slower_by_the_factor() -> None:
    time = torch.arange(200.0)
    wave = torch.sin(2 * torch.pi * time / 50).expand(2, 12, 200)
    slow, lengths = stretch(wave, None, torch.tensor([1.25, 0.8]), 200)
    torch.testing.assert_close(slow[0, 0], torch.sin(2 * torch.pi * time / 62.5), atol=0.01, rtol=0)
    torch.testing.assert_close(slow[1, 0, :160], torch.sin(2 * torch.pi * time[:160] / 40), atol=0.01, rtol=0)
    assert lengths.tolist() == [200, 160]
    assert not slow[1, :, 160:].any()


def test_padding_is_not_stretched_into_the_recording() -> None:
    signals = torch.ones(1, 12, 200)
    signals[:, :, 100:] = 0
    longer, lengths = stretch(signals, torch.tensor([100]), torch.tensor([1.5]), 200)
    assert lengths.tolist() == [149]
    assert longer[0, 0, :149].tolist() == [1.0] * 149
    assert not longer[0, 0, 149:].any()


def test_a_window_of_a_longer_recording_is_full_however_fast_it_becomes() -> None:
    settings = AugmentSettings(stretch=0.2)
    piece = piece_length(160, 1000, settings)
    signals, context = augment(SIGNALS[:, :, :piece], UNKNOWN, settings, random(), 160)
    assert signals.shape == (64, 12, 160)
    assert context.lengths is not None
    assert (context.lengths == 160).all()


def test_a_factor_of_one_changes_nothing() -> None:
    signals, lengths = stretch(SIGNALS, None, torch.ones(64), 200)
    torch.testing.assert_close(signals, SIGNALS)
    assert (lengths == 200).all()
