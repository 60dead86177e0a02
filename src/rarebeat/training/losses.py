"""The losses of multi-task training.

All are averaged over examples, and a masked label (-1: uncertain or unknown) adds nothing to any of them. The
cross-entropies are summed over classes; the soft challenge metric is of the order of one per example, so that L2 of
the same strength weighs more beside it.
"""

from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor
from torch.nn import functional

from rarebeat.core.errors import ParamsError
from rarebeat.metrics.arrays import FloatArray
from rarebeat.training.settings import LossName

Loss = Callable[[Tensor, Tensor], Tensor]
"""From logits and labels, both of shape (batch, classes), to a scalar."""

LOSSES: tuple[str, ...] = get_args(LossName)


def make_loss(name: str, labels: Tensor, rewards: FloatArray | None = None) -> Loss:
    """Make the loss of a name.

    Args:
        name: one of :data:`LOSSES`.
        labels: shape (n, classes), of the training split, on the device that the loss is computed on.
        rewards: shape (classes, classes), what calling a class (column) earns where another (row) is true.

    Returns:
        A function of logits and labels.

    Raises:
        ParamsError: see :func:`check_loss`.
    """
    check_loss(name, rewards)
    if name == "weighted_bce":
        positive, negative = balancing_weights(labels)
        return lambda logits, batch: weighted_cross_entropies(logits, batch, positive, negative)
    if rewards is not None and name == "challenge":
        table = torch.from_numpy(rewards).to(labels.device, torch.float32)
        return lambda logits, batch: soft_challenge_loss(logits, batch, table)
    return sum_of_cross_entropies


def check_loss(name: str, rewards: FloatArray | None) -> None:
    """Check that a loss can be used.

    Args:
        name: of the loss.
        rewards: as for :func:`make_loss`.

    Raises:
        ParamsError: for an unknown name, and for "challenge" without rewards.
    """
    if name not in LOSSES:
        raise ParamsError(f"unknown loss {name!r}; there are: {', '.join(LOSSES)}")
    if name == "challenge" and rewards is None:
        raise ParamsError("the loss challenge needs a vocabulary with the classes of the challenge")


def sum_of_cross_entropies(logits: Tensor, labels: Tensor) -> Tensor:
    """Sigmoid cross-entropy, summed over classes and averaged over examples.

    Args:
        logits: shape (batch, classes).
        labels: shape (batch, classes): 1 present, 0 absent, -1 masked.

    Returns:
        A scalar.

    Source:
        Hughes et al. 2018.
    """
    known = (labels >= 0).to(logits.dtype)
    return _cross_entropies(logits, labels, known)


def balancing_weights(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Weigh the positives and the negatives of each class so that both count for as much.

    Args:
        labels: shape (n, classes): 1 present, 0 absent, -1 masked.

    Returns:
        Known records per positive and per negative one, each of shape (classes,). A class without any is treated
        as if it had one.
    """
    known = (labels >= 0).sum(dim=0)
    positive, negative = (labels == 1).sum(dim=0), (labels == 0).sum(dim=0)
    return known / positive.clamp(min=1), known / negative.clamp(min=1)


def weighted_cross_entropies(logits: Tensor, labels: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Sigmoid cross-entropy in which the positives of a class weigh as much as its negatives.

    Args:
        logits: shape (batch, classes).
        labels: shape (batch, classes): 1 present, 0 absent, -1 masked.
        positive: shape (classes,), weight of a present class, from :func:`balancing_weights`.
        negative: shape (classes,), weight of an absent one.

    Returns:
        A scalar.

    Source:
        Vicar et al. 2020 (doi 10.22489/CinC.2020.189) weigh a class with n of N records by N / n where it is
        present and N / (N - n) where it is not; they average over classes, here they are summed.
    """
    known = (labels >= 0).to(logits.dtype)
    return _cross_entropies(logits, labels, known * torch.where(labels == 1, positive, negative))


def _cross_entropies(logits: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
    # A target of zero where the label is unknown keeps the loss finite; the weight then removes it.
    losses = functional.binary_cross_entropy_with_logits(
        logits, labels.clamp(min=0).to(logits.dtype), weight=weight, reduction="sum"
    )
    return losses / len(labels)


def soft_challenge_loss(logits: Tensor, labels: Tensor, rewards: Tensor) -> Tensor:
    """What the probabilities earn by the metric of the CinC Challenge 2020, with its sign turned.

    A record with labels y and probabilities p earns the sum of y_i w_ij p_j over all pairs, divided by
    max(1, sum of y + p - y p). Where every p is 0 or 1 this is what the metric itself counts
    (:mod:`rarebeat.evaluation.challenge`). The metric's scale from sinus rhythm to perfect is left out: it
    does not depend on p.

    Args:
        logits: shape (batch, classes).
        labels: shape (batch, classes): 1 present, 0 absent, -1 masked.
        rewards: shape (classes, classes).

    Returns:
        A scalar.

    Source:
        Vicar et al. 2020 (doi 10.22489/CinC.2020.189).
    """
    true = (labels == 1).to(logits.dtype)
    called = logits.sigmoid() * (labels >= 0)
    involved = (true + called - true * called).sum(dim=1)
    earned = ((true @ rewards) * called).sum(dim=1) / involved.clamp(min=1)
    return -earned.sum() / len(labels)
