"""Augmentation: each epoch sees every recording a little differently."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from rarebeat.core.context import UNKNOWN_SEX, Context
from rarebeat.inference.examples import Examples, Indices
from rarebeat.training.settings import AugmentSettings

ALL = slice(None)
"""A part that is the whole batch."""


def random_batch(
    examples: Examples,
    indices: Indices,
    settings: AugmentSettings,
    random: np.random.Generator,
    part: slice = ALL,
) -> tuple[Tensor, Context, Tensor]:
    """Make a batch as the network sees it in training: a window of each recording, changed at random.

    Where recordings are stretched, the window of a slow one is made of fewer samples than that of a fast one. It may
    start wherever these lie within the recording, so that slow and fast windows reach both of its ends.

    Args:
        examples: the training split.
        indices: shape (batch,), which of them.
        settings: what may change, and how much.
        random: everything is drawn from it, on the CPU: a GPU gets the same.
        part: of the batch that is wanted. All is drawn for the whole batch, so that its parts, put together, are it.

    Returns:
        Signals (float32, shape (batch, 12, window)), context, and labels of shape (batch, classes), of the part.
    """
    window, stored = examples.window, examples.signals.shape[2]
    factors = None
    if settings.stretch:
        drawn = random.uniform(1 - settings.stretch, 1 + settings.stretch, len(indices))
        factors = drawn.astype(np.float32)
    starts = None
    samples = np.full(len(indices), window)
    if not examples.whole:
        if factors is not None:
            samples = np.ceil((window - 1) / factors).astype(np.int64) + 1
        starts = examples.random_starts(indices, samples, random)
    firsts = None if starts is None else starts[part]
    signals, context, labels = examples.batch(indices[part], firsts, min(stored, int(samples.max())))
    if factors is not None:
        speeds = torch.from_numpy(factors[part]).to(signals)
        signals, lengths = stretch(signals, context.lengths, speeds, window)
        context = replace(context, lengths=lengths)
    return *augment(signals, context, settings, random, len(indices), part), labels


def augment(
    signals: Tensor,
    context: Context,
    settings: AugmentSettings,
    random: np.random.Generator,
    batch: int | None = None,
    part: slice = ALL,
) -> tuple[Tensor, Context]:
    """Change amplitudes, leads and persons of a batch at random; :func:`random_batch` also stretches.

    Args:
        signals: float32, shape (batch, 12, n).
        context: of the batch.
        settings: what may change, and how much.
        random: everything is drawn from it, on the CPU: a GPU gets the same.
        batch: where the signals are a part of a batch, how many the whole batch has.
        part: which part.

    Returns:
        Signals, shape (batch, 12, n), and context; the input is left as it is.
    """
    batch = len(signals) if batch is None else batch
    if settings.gain != 1:
        limit = np.log(settings.gain)
        gains = np.exp(random.uniform(-limit, limit, (batch, 1, 1)))
        signals = signals * torch.from_numpy(gains[part]).to(signals)
    if settings.lead_dropout:
        kept = random.random((batch, signals.shape[1], 1)) >= settings.lead_dropout
        kept |= ~kept.any(axis=1, keepdims=True)  # an ECG without a lead teaches nothing
        signals = signals * torch.from_numpy(kept[part]).to(signals)
    if settings.hide_person:
        hidden = torch.from_numpy(random.random(batch)[part] < settings.hide_person).to(signals.device)
        context = hide_persons(context, hidden)
    return signals, context


def stretch(signals: Tensor, lengths: Tensor | None, factors: Tensor, samples: int) -> tuple[Tensor, Tensor]:
    """Make recordings slower (factors above 1) or faster, by linear interpolation.

    Args:
        signals: shape (batch, leads, n).
        lengths: shape (batch,), samples before the padding; None where there is none.
        factors: shape (batch,), how many times as long the recordings become.
        samples: of the result.

    Returns:
        The signals, shape (batch, leads, samples), cropped or padded with zeros at their end, and their new lengths,
        shape (batch,).
    """
    end = signals.shape[2] - 1
    if lengths is None:
        lengths = torch.full_like(factors, end + 1, dtype=torch.int64)
    position = torch.arange(samples, device=signals.device) / factors[:, None]
    before = position.floor().long().clamp(max=end)
    after = (before + 1).clamp(max=end)
    share = (position - before)[:, None]
    values = torch.lerp(_at(signals, before), _at(signals, after), share)
    inside = position <= (lengths - 1)[:, None]
    return values * inside[:, None], inside.sum(dim=1)


def hide_persons(context: Context, hidden: Tensor) -> Context:
    """Forget age and sex of some recordings, so that a network learns to do without.

    Args:
        context: of a batch.
        hidden: bool, shape (batch,), whose.

    Returns:
        The context without them; the input is left as it is.
    """
    age = None if context.age is None else context.age.masked_fill(hidden, torch.nan)
    sex = None if context.sex is None else context.sex.masked_fill(hidden, UNKNOWN_SEX)
    return replace(context, age=age, sex=sex)


def _at(signals: Tensor, index: Tensor) -> Tensor:
    return signals.gather(2, index[:, None].expand(-1, signals.shape[1], -1))
