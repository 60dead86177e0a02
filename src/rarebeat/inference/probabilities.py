"""Probabilities from a trained network."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from rarebeat.dataset.windows import WHOLE, Indices, WindowSettings, combine, windows_of
from rarebeat.models.context import UNKNOWN, Context

Int16 = npt.NDArray[np.int16]


def predict_probabilities(
    module: nn.Module,
    signals: Int16,
    scale: float,
    batch_size: int = 64,
    device: str | torch.device | None = None,
    context: Context = UNKNOWN,
    windows: WindowSettings = WHOLE,
) -> npt.NDArray[np.float32]:
    """Classify ECGs.

    The arithmetic is fp32 whatever the training used: a prediction is made once and may be compared with a
    threshold or with one made elsewhere, so the speed of bf16 is not worth its third digit.

    Args:
        module: a network; it is put in evaluation mode.
        signals: shape (n, 12, samples), as :func:`rarebeat.core.signals.preprocess` returns them.
        scale: signals times scale is in the unit that the network was trained with.
        batch_size: ECGs in memory at a time; it does not change the result.
        device: where to compute; the network is moved there. Default: where it is.
        context: what is known of the ECGs besides, in main memory.
        windows: how ECGs longer than the network's input are judged.

    Returns:
        Shape (n, classes).
    """
    if device is not None:
        module.to(device)
    place = next(module.parameters()).device
    module.eval()
    factor = np.float32(scale)
    whole, samples = signals.shape[2], windows.of(signals.shape[2])
    lengths = np.full(len(signals), whole) if context.lengths is None else context.lengths.numpy()
    pieces = windows_of(lengths, samples)
    chunks = []
    with torch.no_grad(), torch.autocast(place.type, enabled=False), _exact_fp32():
        # Once at least: an empty array, too, needs the number of classes.
        for start in range(0, max(len(pieces.records), 1), batch_size):
            part = slice(start, start + batch_size)
            records, starts = pieces.records[part], pieces.starts[part]
            batch = torch.from_numpy(_cut(signals, records, starts, samples).astype(np.float32) * factor)
            facts = context.batch(torch.from_numpy(records), place)
            if samples < whole:
                facts = facts.window(torch.from_numpy(starts).to(place), samples)
            chunks.append(module(batch.to(place), facts).sigmoid().cpu())
    probabilities = torch.cat(chunks)
    if samples < whole:
        probabilities = combine(probabilities, pieces, len(signals), windows)
    result: npt.NDArray[np.float32] = probabilities.numpy()
    return result


def _cut(signals: Int16, records: Indices, starts: Indices, samples: int) -> Int16:
    """Some windows, shape (m, 12, samples)."""
    if samples == signals.shape[2]:
        return signals[records]
    pieces = [
        signals[record, :, start : start + samples] for record, start in zip(records, starts, strict=True)
    ]
    return np.stack(pieces) if pieces else signals[:0, :, :samples]


@contextmanager
def _exact_fp32() -> Iterator[None]:
    """Keep cuDNN from rounding fp32 to TensorFloat32, which its choice of algorithm would make visible."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
