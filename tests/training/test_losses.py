"""Sum over classes, mean over examples, nothing for uncertain labels."""

import math

import pytest
import torch

from rarebeat.training.losses import sum_of_cross_entropies

LABELS = torch.tensor([[1, 0, -1], [0, -1, -1]], dtype=torch.int8)


def test_the_loss_is_summed_over_known_classes_and_averaged_over_examples() -> None:
    logits = torch.tensor([[2.0, -1.0, 5.0], [0.5, 7.0, -7.0]])
    softplus = [math.log1p(math.exp(value)) for value in (-2.0, -1.0, 0.5)]
    assert sum_of_cross_entropies(logits, LABELS).item() == pytest.approx(sum(softplus) / 2)


def test_an_uncertain_label_has_no_gradient() -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    sum_of_cross_entropies(logits, LABELS).backward()
    assert logits.grad is not None
    assert logits.grad[LABELS == -1].eq(0).all()
    assert logits.grad[LABELS != -1].ne(0).all()


def test_examples_without_any_known_label_give_zero_and_not_nan() -> None:
    assert sum_of_cross_entropies(torch.randn(4, 2), torch.full((4, 2), -1)).item() == 0.0


def test_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([[-1000.0, 1000.0, 0.0]])
    assert sum_of_cross_entropies(logits, torch.tensor([[1, 0, -1]])).item() == 2000.0
