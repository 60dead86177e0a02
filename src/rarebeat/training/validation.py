"""How good a network is on a split, measured while it is trained."""

import numpy as np
import torch
from torch import nn

from rarebeat.evaluation.metrics import auroc, macro
from rarebeat.training.data import Examples, ordered_batches
from rarebeat.training.losses import Loss, sum_of_cross_entropies
from rarebeat.training.precision import autocast


def validate(
    network: nn.Module,
    examples: Examples,
    batch: int,
    precision: torch.dtype,
    loss: Loss = sum_of_cross_entropies,
) -> tuple[float | None, float | None]:
    """Mean loss and mean AUROC of a network.

    Args:
        network: takes signals and returns logits; it is left in evaluation mode.
        examples: the split.
        batch: examples at a time.
        precision: of the convolutions.
        loss: a mean over examples.

    Returns:
        The loss (None without examples) and the AUROC averaged over the classes that have both outcomes (None
        where none has, or where the network has diverged).
    """
    if not len(examples):
        return None, None
    network.eval()
    total = torch.zeros((), device=examples.device)
    chunks = []
    with torch.no_grad():
        for indices in ordered_batches(len(examples), batch):
            signals, labels = examples.batch(indices)
            with autocast(examples.device, precision):
                logits = network(signals).float()
            total += loss(logits, labels) * len(indices)
            chunks.append(logits)
    logits = torch.cat(chunks)
    if not torch.isfinite(logits).all():
        return total.item() / len(examples), None
    # Logits rank as their probabilities do, without the ties of saturated sigmoids.
    mean = float(macro(auroc(examples.labels.cpu().numpy(), logits.cpu().numpy())))
    return total.item() / len(examples), None if np.isnan(mean) else mean
