"""The schedule of a training: its stages, its optimiser, and the learning rate at every step."""

import math
from dataclasses import dataclass, replace
from itertools import accumulate

import torch
from torch import Tensor, nn

from rarebeat.core.errors import ParamsError
from rarebeat.training.muon import Muon
from rarebeat.training.settings import Pretrain, TrainSettings


@dataclass(frozen=True)
class Stage:
    """Consecutive epochs with one loss and one learning-rate schedule.

    Attributes:
        first: its first epoch, counted from zero over the whole training.
        settings: as if the stage were a training of its own.
        heads_only: the weights and the statistics of all other layers stay as they are.
    """

    first: int
    settings: TrainSettings
    heads_only: bool = False

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


def check_steps(settings: TrainSettings) -> None:
    """Make sure that the schedule "steps" has epochs to fall at, and that no other schedule is told such epochs.

    Raises:
        ParamsError: when one is there without the other, so that it would change nothing.
    """
    told = bool(settings.steps or settings.pretrain.steps)
    if told and settings.schedule != "steps":
        raise ParamsError(
            f"train.steps: they are of train.schedule steps, and the schedule is {settings.schedule}"
        )
    if settings.schedule == "steps" and not told:
        raise ParamsError("train.schedule: steps needs the epochs at which the rate falls (train.steps)")


def stages_of(settings: TrainSettings) -> tuple[Stage, ...]:
    """List the stages of a training.

    Args:
        settings: of the training.

    Returns:
        One stage or more; the last is the training itself. None where the weights stay as they are.
    """
    tuning, pretrain = settings.finetune, settings.pretrain
    if tuning.without_training:
        return ()
    plain = replace(settings, pretrain=Pretrain())
    parts: list[tuple[TrainSettings, bool]] = []
    if tuning.protocol == "heads_first":
        heads = replace(plain, epochs=tuning.head_epochs, learning_rate=tuning.head_learning_rate, steps=())
        parts.append((heads, True))
    frozen = tuning.protocol == "frozen_body"
    if pretrain.epochs:
        first = replace(
            plain,
            epochs=pretrain.epochs,
            loss=pretrain.loss,
            learning_rate=pretrain.learning_rate or settings.learning_rate,
            steps=pretrain.steps,
        )
        parts.append((first, frozen))
    parts.append((settings, frozen))
    begins = accumulate((part.epochs for part, _ in parts), initial=0)
    return tuple(
        Stage(begin, part, heads_only) for begin, (part, heads_only) in zip(begins, parts, strict=False)
    )


def make_optimiser(network: nn.Module, settings: TrainSettings) -> torch.optim.Adam:
    """Adam with its default constants and coupled L2, or Muon.

    L2 acts on the weights of convolutions and heads, but not on those that Muon levels. Biases and the scales of batch
    norm (parameters of one dimension) are left alone: shrinking them does not make a network simpler.

    Args:
        network: whose parameters are learnt.
        settings: of the training.

    Returns:
        The optimiser. Each of its groups has a ``share``, which its learning rate is multiplied by.
    """
    shares = [1.0] * len(list(network.parameters()))
    if settings.finetune.protocol == "heads_first":
        shares = layer_shares(network, settings.finetune.first_layer_rate)
    muon = settings.optimiser == "muon"
    levelled = convolutions(network) if muon else set()
    kinds: dict[tuple[float, bool, bool], list[nn.Parameter]] = {}
    for weight, share in zip(network.parameters(), shares, strict=True):
        kinds.setdefault((share, weight.ndim > 1, weight in levelled), []).append(weight)
    groups = [
        {
            "params": weights,
            "weight_decay": settings.l2 if decays and not level else 0.0,
            "share": share,
            "levelled": level,
        }
        for (share, decays, level), weights in kinds.items()
    ]
    if muon:
        return Muon(groups, lr=settings.learning_rate)
    return torch.optim.Adam(groups, lr=settings.learning_rate, fused=True)


def convolutions(network: nn.Module) -> set[Tensor]:
    """Find what Muon is made for: the weights of convolutions in which each filter sees all channels.

    Args:
        network: with its heads, which are left out.

    Returns:
        Their parameters.
    """
    return {
        layer.weight
        for name, layer in network.named_modules()
        if isinstance(layer, (nn.Conv1d, nn.Conv2d)) and layer.groups == 1 and not is_head(name)
    }


def layer_shares(network: nn.Module, first: float) -> list[float]:
    """Discriminative learning rates: how much each parameter's layer learns beside the heads.

    Args:
        network: whose layers are registered in the order in which a signal meets them.
        first: share of the first layer; the shares of those after it rise geometrically up to 1, that of the heads.

    Returns:
        A share for each parameter, in the order of ``network.parameters()``.

    Source:
        Howard and Ruder 2018, arXiv 1801.06146, section 3.2, with a rate for each layer.
    """
    names = [name.rpartition(".")[0] for name, _ in network.named_parameters()]
    body = list(dict.fromkeys(name for name in names if not is_head(name)))
    depth = {name: index / len(body) for index, name in enumerate(body)}
    return [first ** (1 - depth.get(name, 1.0)) for name in names]


def is_head(name: str) -> bool:
    """Whether a parameter, a buffer or a layer of a network belongs to its heads.

    Args:
        name: its dotted name.

    Example:
        >>> is_head("heads.regressions.weight"), is_head("trunk.0.weight")
        (True, False)
    """
    return name.partition(".")[0] == "heads"


def train_mode(network: nn.Module, heads_only: bool) -> None:
    """Put a network into the mode of a stage.

    Args:
        network: as it is called in training steps.
        heads_only: every layer but the heads stays as it is: no gradients, and evaluation mode, so that batch norm
            takes its stored statistics and does not move them, and nothing is dropped out.
    """
    network.train(not heads_only)
    for name, parameter in network.named_parameters():
        own = name.removeprefix("_orig_mod.").removeprefix("module.")  # compiled, or shared between processes
        parameter.requires_grad_(not heads_only or is_head(own))


def set_learning_rate(optimiser: torch.optim.Optimizer, settings: TrainSettings, progress: float) -> None:
    """Set the learning rate of the next step.

    Args:
        optimiser: of :func:`make_optimiser`.
        settings: of the stage.
        progress: how much of the stage is over, from 0 to 1.
    """
    rate = learning_rate(settings, progress)
    for group in optimiser.param_groups:
        group["lr"] = rate * group["share"]


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
