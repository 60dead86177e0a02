"""How good a network is on a split, measured while it is trained."""

import numpy as np
import torch
from torch import Tensor, nn

from rarebeat.dataset.windows import WHOLE, WindowSettings, combine, windows_of
from rarebeat.metrics.classification import auroc, macro
from rarebeat.training.data import Examples, Indices, ordered_batches
from rarebeat.training.losses import Loss, sum_of_cross_entropies
from rarebeat.training.precision import autocast

SMALLEST = 1e-7  # probability with a logit in float32


def validate(
    network: nn.Module,
    examples: Examples,
    batch: int,
    precision: torch.dtype,
    loss: Loss = sum_of_cross_entropies,
    windows: WindowSettings = WHOLE,
) -> tuple[float | None, float | None]:
    """Mean loss and mean AUROC of a network.

    Args:
        network: takes signals and returns logits; it is left in evaluation mode.
        examples: the split.
        batch: examples at a time.
        precision: of the convolutions.
        loss: a mean over examples.
        windows: how recordings longer than the network's input are judged.

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
            logits = _logits(network, examples, indices, batch, precision, windows)
            total += loss(logits, examples.labels[indices].to(examples.device)) * len(indices)
            chunks.append(logits)
    logits = torch.cat(chunks)
    if not torch.isfinite(logits).all():
        return total.item() / len(examples), None
    # Logits rank as their probabilities do, without the ties of saturated sigmoids.
    mean = float(macro(auroc(examples.labels.cpu().numpy(), logits.cpu().numpy())))
    return total.item() / len(examples), None if np.isnan(mean) else mean


def _logits(
    network: nn.Module,
    examples: Examples,
    indices: Indices,
    batch: int,
    precision: torch.dtype,
    settings: WindowSettings,
) -> Tensor:
    """Logits of some examples, float32, shape (n, classes): of all their windows together."""
    whole = examples.window == examples.signals.shape[2]
    windows = windows_of(examples.lengths[indices], examples.window)
    chunks = []
    for part in ordered_batches(len(windows.records), batch):
        starts = None if whole else windows.starts[part]
        signals, context, _ = examples.batch(indices[windows.records[part]], starts)
        with autocast(examples.device, precision):
            chunks.append(network(signals, context).float())
    logits = torch.cat(chunks)
    if whole:
        return logits
    return combine(logits.sigmoid(), windows, len(indices), settings).logit(eps=SMALLEST)
