"""Probabilities from a trained network."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import nn


def predict_probabilities(
    module: nn.Module,
    signals: npt.NDArray[np.int16],
    scale: float,
    batch_size: int = 64,
    device: str | torch.device | None = None,
) -> npt.NDArray[np.float32]:
    """Classify ECGs.

    The arithmetic is fp32 whatever the training used: a prediction is made once and may be compared with a
    threshold or with one made elsewhere, so the speed of bf16 is not worth its third digit.

    Args:
        module: a network; it is put in evaluation mode.
        signals: shape (n, 12, samples), as :func:`rarebeat.signals.preprocess` returns them.
        scale: signals times scale is in the unit that the network was trained with.
        batch_size: ECGs in memory at a time; it does not change the result.
        device: where to compute; the network is moved there. Default: where it is.

    Returns:
        Shape (n, classes).
    """
    if device is not None:
        module.to(device)
    place = next(module.parameters()).device
    module.eval()
    factor = np.float32(scale)
    chunks = []
    with torch.no_grad(), torch.autocast(place.type, enabled=False), _exact_fp32():
        # Once at least: an empty array, too, needs the number of classes.
        for start in range(0, max(len(signals), 1), batch_size):
            batch = torch.from_numpy(signals[start : start + batch_size].astype(np.float32) * factor)
            chunks.append(module(batch.to(place)).sigmoid().cpu().numpy())
    return np.concatenate(chunks)


@contextmanager
def _exact_fp32() -> Iterator[None]:
    """Keep cuDNN from rounding fp32 to TensorFloat32, which its choice of algorithm would make visible."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
