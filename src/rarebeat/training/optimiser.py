"""Adam with L2, and its learning rate over time."""

import math

import torch
from torch import nn

from rarebeat.training.settings import TrainSettings


def make_optimiser(network: nn.Module, settings: TrainSettings) -> torch.optim.Adam:
    """Adam with its default constants and coupled L2.

    L2 acts on the weights of convolutions and heads. Biases and the scales of batch norm (parameters of one
    dimension) are left alone: shrinking them does not make a network simpler.
    """
    parameters = list(network.parameters())
    groups = [
        {"params": [weight for weight in parameters if weight.ndim > 1], "weight_decay": settings.l2},
        {"params": [weight for weight in parameters if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.Adam(groups, lr=settings.learning_rate, fused=True)


def set_learning_rate(optimiser: torch.optim.Optimizer, settings: TrainSettings, done: float) -> None:
    """Set the rate of the next step; ``done`` is the share of all steps that lie behind."""
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(settings, done)


def learning_rate(settings: TrainSettings, done: float) -> float:
    """The learning rate after a share ``done`` of the training.

    >>> learning_rate(TrainSettings(learning_rate=0.002, schedule="cosine"), done=0.5)
    0.001
    """
    if settings.schedule == "constant":
        return settings.learning_rate
    if settings.schedule == "steps":
        epoch = done * settings.epochs + 1e-6  # a rounding error must not delay a step
        return settings.learning_rate * 0.1 ** sum(epoch >= step for step in settings.steps)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
