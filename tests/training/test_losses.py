"""Mean over examples, nothing for uncertain labels, and what each loss is made of."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from rarebeat.core.errors import ParamsError
from rarebeat.evaluation.challenge import judge
from rarebeat.metrics.challenge_classes import rewards
from rarebeat.training.losses import (
    LOSSES,
    Loss,
    balancing_weights,
    make_loss,
    soft_challenge_loss,
    sum_of_cross_entropies,
    weighted_cross_entropies,
)
from rarebeat.training.settings import LossName

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


def named(name: str, labels: Tensor) -> Loss:
    return make_loss(name, labels, rewards(range(labels.shape[1])))


def random_labels(records: int, classes: int, seed: int = 0) -> Tensor:
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.choice([0, 1, -1], (records, classes), p=[0.7, 0.2, 0.1]).astype(np.int8))


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_ignores_uncertain_labels_and_stays_finite(name: str) -> None:
    labels = random_labels(30, 5)
    loss = named(name, labels)
    logits = torch.randn(30, 5, generator=torch.manual_seed(0)) * 100
    other = torch.where(labels < 0, -logits, logits)
    assert torch.isfinite(loss(logits, labels))
    assert loss(logits, labels) == loss(other, labels)
    unknown = torch.full((4, 5), -1, dtype=torch.int8)
    assert loss(torch.randn(4, 5), unknown).item() == 0.0


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_falls_when_its_gradient_is_followed(name: str) -> None:
    labels = random_labels(30, 5)
    loss = named(name, labels)
    logits = torch.zeros(30, 5, requires_grad=True)
    before = loss(logits, labels)
    before.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert loss(logits.detach() - 0.1 * logits.grad, labels) < before


def test_positives_weigh_as_much_as_negatives() -> None:
    labels = random_labels(500, 4)
    positive, negative = balancing_weights(labels)
    present, absent = (labels == 1).sum(dim=0), (labels == 0).sum(dim=0)
    torch.testing.assert_close(positive * present, negative * absent)
    torch.testing.assert_close(positive * present, (present + absent).float())
    # A network that knows nothing (p = 1/2) pays log 2 for either half.
    expected = 2 * math.log(2) * (present + absent).sum() / len(labels)
    assert weighted_cross_entropies(torch.zeros(500, 4), labels, positive, negative) == pytest.approx(
        expected
    )


def test_a_weighted_example_by_hand() -> None:
    # One of four records has the class: it weighs 4 / 1, the others 4 / 3.
    labels = torch.tensor([[1], [0], [0], [0]])
    logits = torch.tensor([[-1.0], [2.0], [0.0], [-3.0]])
    cost = [math.log1p(math.exp(value)) for value in (1.0, 2.0, 0.0, -3.0)]
    found = make_loss("weighted_bce", labels)(logits, labels)
    assert found.item() == pytest.approx((4 * cost[0] + 4 / 3 * sum(cost[1:])) / 4)


def test_a_class_with_one_outcome_has_finite_weights() -> None:
    positive, negative = balancing_weights(torch.tensor([[1, 0, -1], [1, 0, -1]]))
    assert positive.tolist() == [1.0, 2.0, 0.0]
    assert negative.tolist() == [2.0, 1.0, 0.0]


@pytest.mark.parametrize("seed", range(5))
def test_for_certain_outputs_the_soft_challenge_is_what_the_metric_counts(seed: int) -> None:
    labels = random_labels(40, 24, seed)
    decisions = np.random.default_rng([seed, 1]).random((40, 24)) < 0.2
    logits = torch.where(torch.from_numpy(decisions), 1000.0, -1000.0)
    found = -make_loss("challenge", labels, rewards())(logits, labels).item() * len(labels)
    assert found == pytest.approx(judge(labels.numpy(), decisions).earned[:, 0].sum(), rel=1e-6)


def test_a_soft_example_by_hand() -> None:
    # Class 0 is true, p = 1/2 for both: (1 + .4) / 2 of 1 + 1/2 classes.
    table = torch.tensor([[1.0, 0.4], [0.4, 1.0]])
    found = soft_challenge_loss(torch.zeros(1, 2), torch.tensor([[1, 0]]), table)
    assert found.item() == pytest.approx(-0.7 / 1.5)


def test_a_loss_that_cannot_be_is_refused() -> None:
    with pytest.raises(ParamsError, match="loss challenge needs a vocabulary"):
        make_loss("challenge", LABELS)
    with pytest.raises(ParamsError, match="unknown loss 'hinge'; there are: bce, weighted_bce, challenge"):
        make_loss("hinge", LABELS)


def test_the_losses_are_those_that_params_can_name() -> None:
    assert set(LOSSES) == set(get_args(LossName))
