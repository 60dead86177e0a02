"""Loss and AUROC of a network while it is trained."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rarebeat.core.context import UNKNOWN, Context
from rarebeat.dataset.split import Split
from rarebeat.dataset.windows import WindowSettings
from rarebeat.inference.examples import load_examples
from rarebeat.inference.probabilities import predict_probabilities
from rarebeat.training.losses import sum_of_cross_entropies
from rarebeat.training.validation import validate

CPU = torch.device("cpu")


class Oracle(nn.Module):
    """Hears the waves of "up" and "down" without having learnt anything."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(()))  # says where the network is

    def forward(self, x: Tensor, context: Context = UNKNOWN) -> Tensor:
        return 20 * (x.unflatten(1, (2, 6)).std(dim=3).mean(dim=2) - 0.3)


def test_loss_and_auroc_are_those_of_the_whole_split(make_split: Callable[..., Split]) -> None:
    examples = load_examples(make_split(records=50, uncertain=0.1), ("up", "down"), CPU)
    loss, auroc = validate(Oracle(), examples, 16, torch.float32)
    signals, _, labels = examples.batch(np.arange(50))
    assert loss == pytest.approx(sum_of_cross_entropies(Oracle()(signals), labels).item(), rel=1e-5)
    assert auroc == 1.0


@pytest.mark.parametrize("how", ["mean", "max"])
def test_windows_are_judged_together(make_split: Callable[..., Split], how: Literal["mean", "max"]) -> None:
    """With half the signal silent, the loudest window knows what the whole recording shows."""
    split = make_split(records=40)
    signals = split.signals.copy()
    signals[::2, :, :48] = signals[1::2, :, 48:] = 0
    examples = load_examples(replace(split, signals=signals), ("up", "down"), CPU, window=32)
    settings = WindowSettings(32, how)
    loss, auroc = validate(Oracle(), examples, 16, torch.float32, windows=settings)
    expected = predict_probabilities(Oracle(), signals, 0.001, windows=settings)
    assert auroc == 1.0
    truth = torch.from_numpy(split.labels[:, :2])
    logits = torch.from_numpy(expected).logit(eps=1e-7)
    assert loss == pytest.approx(sum_of_cross_entropies(logits, truth).item(), rel=1e-4)


def test_a_class_with_one_outcome_is_left_out_of_the_auroc(make_split: Callable[..., Split]) -> None:
    split = make_split(records=20)
    labels = split.labels.copy()
    labels[:, 1] = 0
    examples = load_examples(replace(split, labels=labels), ("up", "down"), CPU)
    assert validate(Oracle(), examples, 16, torch.float32)[1] == 1.0
    labels[:, 0] = -1
    examples = load_examples(replace(split, labels=labels), ("up", "down"), CPU)
    assert validate(Oracle(), examples, 16, torch.float32)[1] is None


def test_an_empty_split_has_neither(make_split: Callable[..., Split]) -> None:
    examples = load_examples(make_split(records=0), ("up", "down"), CPU)
    assert validate(Oracle(), examples, 16, torch.float32) == (None, None)


def test_a_split_without_a_known_label_has_no_loss(make_split: Callable[..., Split]) -> None:
    split = make_split(records=4)
    examples = load_examples(replace(split, labels=np.full_like(split.labels, -1)), ("up", "down"), CPU)
    assert validate(Oracle(), examples, 16, torch.float32) == (None, None)


def test_a_network_that_diverged_has_no_auroc(make_split: Callable[..., Split]) -> None:
    class Diverged(nn.Module):
        def forward(self, x: Tensor, context: Context) -> Tensor:
            return x[:, :2, 0] * torch.nan

    examples = load_examples(make_split(records=4), ("up", "down"), CPU)
    assert validate(Diverged(), examples, 16, torch.float32)[1] is None
