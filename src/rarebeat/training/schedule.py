"""The schedule of a training: its stages, its optimiser, and the learning rate at every step."""

import math
from dataclasses import dataclass, replace

import torch
from torch import nn

from rarebeat.training.settings import Pretrain, TrainSettings


@dataclass(frozen=True)
class Stage:
    """Consecutive epochs with one loss and one learning-rate schedule.

    Attributes:
        first: its first epoch, counted from zero over the whole training.
        settings: as if the stage were a training of its own.
    """

    first: int
    settings: TrainSettings

    @property
    def end(self) -> int:
        """The epoch after its last."""
        return self.first + self.settings.epochs

    def progress(self, epoch: int, share: float = 0.0) -> float:
        """Tell how much of the stage is over.

        Args:
            epoch: the present one, counted from zero over the whole training.
            share: of this epoch that is over, from 0 to 1.

        Returns:
            From 0 to 1.
        """
        return (epoch - self.first + share) / self.settings.epochs


def stages_of(settings: TrainSettings) -> tuple[Stage, ...]:
    """List the stages of a training.

    Args:
        settings: of the training.

    Returns:
        One stage or two; the last is the training itself.
    """
    pretrain = settings.pretrain
    if not pretrain.epochs:
        return (Stage(0, settings),)
    first = replace(
        settings,
        epochs=pretrain.epochs,
        loss=pretrain.loss,
        learning_rate=pretrain.learning_rate or settings.learning_rate,
        steps=pretrain.steps,
        pretrain=Pretrain(),
    )
    return Stage(0, first), Stage(first.epochs, settings)


def make_optimiser(network: nn.Module, settings: TrainSettings) -> torch.optim.Adam:
    """Adam with its default constants and coupled L2.

    L2 acts on the weights of convolutions and heads. Biases and the scales of batch norm (parameters of one
    dimension) are left alone: shrinking them does not make a network simpler.

    Args:
        network: whose parameters are learnt.
        settings: of the training.

    Returns:
        The optimiser.
    """
    parameters = list(network.parameters())
    groups = [
        {"params": [weight for weight in parameters if weight.ndim > 1], "weight_decay": settings.l2},
        {"params": [weight for weight in parameters if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.Adam(groups, lr=settings.learning_rate, fused=True)


def set_learning_rate(optimiser: torch.optim.Optimizer, settings: TrainSettings, progress: float) -> None:
    """Set the learning rate of the next step.

    Args:
        optimiser: of the training.
        settings: of the stage.
        progress: how much of the stage is over, from 0 to 1.
    """
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(settings, progress)


def learning_rate(settings: TrainSettings, progress: float) -> float:
    """Compute the learning rate of a step.

    Args:
        settings: of the stage.
        progress: how much of the stage is over, from 0 to 1.

    Returns:
        The rate.

    Example:
        >>> learning_rate(TrainSettings(learning_rate=0.002, schedule="cosine"), progress=0.5)
        0.001
    """
    if settings.schedule == "constant":
        return settings.learning_rate
    if settings.schedule == "steps":
        epoch = progress * settings.epochs + 1e-6  # a rounding error must not delay a step
        return settings.learning_rate * 0.1 ** sum(epoch >= step for step in settings.steps)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
