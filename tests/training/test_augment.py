"""Augmentation changes what it says, by as much as it says, and nothing else."""

import numpy as np
import pytest
import torch

from rarebeat.core.context import FEMALE, MALE, UNKNOWN, UNKNOWN_SEX, Context
from rarebeat.inference.examples import Examples, make_examples
from rarebeat.training.augment import augment, random_batch, stretch
from rarebeat.training.settings import AugmentSettings

SIGNALS = torch.randn(64, 12, 200, generator=torch.Generator().manual_seed(0))


def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_nothing_is_changed_unless_it_is_asked_for() -> None:
    signals, context = augment(SIGNALS, UNKNOWN, AugmentSettings(), random())
    assert signals is SIGNALS
    assert context == UNKNOWN


def test_the_same_random_state_gives_the_same_and_the_input_stays() -> None:
    settings = AugmentSettings(gain=2, lead_dropout=0.2)
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


def long_recordings(stored: int, lengths: list[int] | None = None) -> Examples:
    """Recordings of which sample i has the value i + 1, which padding never has; the network sees 160 samples."""
    records = 64 if lengths is None else len(lengths)
    ramps = np.broadcast_to(np.arange(1, stored + 1, dtype=np.int16), (records, 12, stored)).copy()
    context = UNKNOWN if lengths is None else Context(lengths=torch.tensor(lengths))
    return make_examples(ramps, 1.0, torch.device("cpu"), context, 160)


@pytest.mark.parametrize("stored", [170, 200, 1000])
def test_stretched_windows_are_full_and_reach_both_ends(stored: int) -> None:
    settings = AugmentSettings(stretch=0.05)
    examples = long_recordings(stored)
    generator, firsts, lasts = random(), [], []
    for _ in range(100 if stored == 1000 else 20):
        signals, context, _ = random_batch(examples, np.arange(64), settings, generator)
        assert signals.shape == (64, 12, 160)
        assert context.lengths is not None
        assert (context.lengths == 160).all()
        firsts.append(signals[:, 0, 0])
        lasts.append(signals[:, 0, -1])
    first, last = torch.cat(firsts), torch.cat(lasts)
    assert first.min() == 1
    assert stored - 1 < last.max() <= stored
    slow = last - first < 155
    assert first[slow].min() < 5
    assert last[slow].max() > stored - 5


def test_a_stretched_window_of_a_padded_recording_ends_with_it() -> None:
    settings = AugmentSettings(stretch=0.2)
    rows = np.repeat([0, 1], 200)
    signals, context, _ = random_batch(long_recordings(1000, [400, 120]), rows, settings, random())
    assert context.lengths is not None
    assert (context.lengths[rows == 0] == 160).all()
    assert 390 < signals[rows == 0].max() <= 400
    assert (signals[rows == 1, 0, 0] == 1).all()  # shorter than a window: from its start, whole
    assert (context.lengths[rows == 1] < 150).all()


def test_without_stretching_a_window_is_cut_as_it_is() -> None:
    signals, _, _ = random_batch(long_recordings(200), np.arange(64), AugmentSettings(), random())
    starts = random().integers(0, np.full(64, 40), endpoint=True)
    assert (signals[:, 0, 0].numpy() == starts + 1).all()
    assert (signals[:, 0, -1].numpy() == starts + 160).all()


def test_recordings_that_the_network_sees_whole_are_stretched_from_their_start() -> None:
    examples = make_examples(np.full((64, 12, 160), 7, np.int16), 1.0, torch.device("cpu"))
    signals, context, _ = random_batch(examples, np.arange(64), AugmentSettings(stretch=0.2), random())
    assert (signals[:, :, 0] == 7).all()
    assert context.lengths is not None
    assert context.lengths.min() < 135
    assert (context.lengths == 160).any()


def test_a_factor_of_one_changes_nothing() -> None:
    signals, lengths = stretch(SIGNALS, None, torch.ones(64), 200)
    torch.testing.assert_close(signals, SIGNALS)
    assert (lengths == 200).all()
