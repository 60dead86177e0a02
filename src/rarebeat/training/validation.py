"""What a network scores on the validation split, after each epoch."""

import numpy as np
import torch
from torch import nn

from rarebeat.dataset.windows import WHOLE, WindowSettings
from rarebeat.inference.examples import Examples, ordered_batches
from rarebeat.inference.probabilities import record_logits
from rarebeat.metrics.classification import auroc, macro
from rarebeat.training.distributed.world import ALONE, World
from rarebeat.training.losses import Loss, sum_of_cross_entropies
from rarebeat.training.precision import autocast


def validate(
    network: nn.Module,
    examples: Examples,
    batch: int,
    precision: torch.dtype,
    loss: Loss = sum_of_cross_entropies,
    windows: WindowSettings = WHOLE,
    world: World = ALONE,
) -> tuple[float | None, float | None]:
    """Mean loss and mean AUROC of a network.

    Args:
        network: takes signals and returns logits; it is left in evaluation mode.
        examples: the split.
        batch: examples at a time.
        precision: of the convolutions.
        loss: a mean over examples.
        windows: how recordings longer than the network's input are judged.
        world: the processes that share the work, in whole batches, so that the numbers are those of one process.

    Returns:
        The loss (None without a known label) and the AUROC averaged over the classes that have both outcomes (None
        where none has, or where the network has diverged).
    """
    if not bool((examples.labels >= 0).any()):
        return None, None
    batches = world.part(-(-len(examples) // batch))
    part = slice(batches.start * batch, min(batches.stop * batch, len(examples)))
    labels = examples.labels.to(examples.device)
    logits = torch.empty(0, labels.shape[1], device=examples.device)
    if batches.stop > batches.start:
        with autocast(examples.device, precision):
            found = record_logits(network, examples.part(part), batch, windows)
        logits = found[:, : labels.shape[1]]  # a network in training may have outputs for what has no label
    logits = world.gather(logits, part, len(examples))
    total = torch.zeros((), device=examples.device)
    for rows in ordered_batches(len(examples), batch):
        total += loss(logits[rows], labels[rows]) * len(rows)
    mean_loss = total.item() / len(examples)
    if not torch.isfinite(logits).all():
        return mean_loss, None
    # Logits rank as their probabilities do, without the ties of saturated sigmoids.
    mean = float(macro(auroc(examples.labels.cpu().numpy(), logits.cpu().numpy())))
    return mean_loss, None if np.isnan(mean) else mean
