"""Logits and probabilities from a trained network: the one way in which ECGs of any length are judged."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from rarebeat.core.context import UNKNOWN, Context
from rarebeat.dataset.split import Int16
from rarebeat.dataset.stored import StoredSignals
from rarebeat.dataset.windows import WHOLE, Windows, WindowSettings, windows_of
from rarebeat.inference.examples import Examples, make_examples, ordered_batches
from rarebeat.models.layers import TwoStepNetwork, pooled

Float32 = npt.NDArray[np.float32]

SMALLEST = 1e-7
"""The smallest probability whose logit is taken: float32 has no smaller distance from 1."""

FULL = 4
"""Batches that are judged are filled up to a multiple of so many. For smaller ones libraries of linear algebra choose
other algorithms, whose rounding moves probabilities by up to 1e-4. With it, and heads that add up in fp64, an ECG has
one probability, whatever the others in its batch: to the last digit of float32, of which products of a few columns may
depend on the row."""


def predict_probabilities(
    module: nn.Module,
    signals: Int16 | StoredSignals,
    scale: float,
    batch_size: int = 64,
    device: str | torch.device | None = None,
    context: Context = UNKNOWN,
    windows: WindowSettings = WHOLE,
) -> Float32:
    """Classify ECGs.

    The arithmetic is fp32 whatever the training used: a prediction is made once and may be compared with a
    threshold or with one made elsewhere, so the speed of bf16 is not worth its third digit.

    Args:
        module: a network; it is put in evaluation mode.
        signals: shape (n, 12, samples), as :func:`rarebeat.core.signals.preprocess` returns them.
        scale: signals times scale is in the unit that the network was trained with.
        batch_size: ECGs in memory at a time. It does not change the result, and neither do the other ECGs (see
            :data:`FULL`).
        device: where to compute; the network is moved there. Default: where it is.
        context: what is known of the ECGs besides, in main memory.
        windows: how ECGs longer than the network's input are judged.

    Returns:
        Shape (n, classes).
    """
    return _predict(module, signals, scale, batch_size, device, context, windows, None)[0]


def predict_with_features(
    module: nn.Module,
    signals: Int16 | StoredSignals,
    scale: float,
    batch_size: int = 64,
    device: str | torch.device | None = None,
    context: Context = UNKNOWN,
    windows: WindowSettings = WHOLE,
) -> tuple[Float32, Float32]:
    """Classify ECGs, and say what the network found in them.

    Args:
        module: a network in two steps; it is put in evaluation mode.
        signals: as in :func:`predict_probabilities`, and so are the others.
        scale: of the signals.
        batch_size: ECGs in memory at a time.
        device: where to compute.
        context: what is known of the ECGs besides.
        windows: how ECGs longer than the network's input are judged.

    Returns:
        The probabilities of :func:`predict_probabilities`, shape (n, classes), from the same forward pass as the
        features, shape (n, channels): means over time, and over the windows of an ECG.
    """
    features: list[Tensor] = []
    return _predict(module, signals, scale, batch_size, device, context, windows, features)


def _predict(
    module: nn.Module,
    signals: Int16 | StoredSignals,
    scale: float,
    batch_size: int,
    device: str | torch.device | None,
    context: Context,
    windows: WindowSettings,
    features: list[Tensor] | None,
) -> tuple[Float32, Float32]:
    """Probabilities, and features where there is a list to gather them in."""
    if device is not None:
        module.to(device)
    place = next(module.parameters()).device
    examples = make_examples(signals, scale, place, context, windows.of(signals.shape[2]))
    with torch.autocast(place.type, enabled=False), exact_fp32():
        logits, pieces = window_logits(module, examples, batch_size, features, FULL)
    probabilities = logits.sigmoid().cpu()
    found = torch.cat(features).float().cpu() if features else probabilities.new_empty(len(signals), 0)
    if not examples.whole:
        probabilities = combine(probabilities, pieces, len(examples), windows)
        if features:
            found = combine(found, pieces, len(examples), replace(windows, combine="mean"))
    return probabilities.numpy(), found.numpy()


def record_logits(network: nn.Module, examples: Examples, batch: int, windows: WindowSettings) -> Tensor:
    """One logit per ECG and class: of the ECG itself, or of its windows together.

    Args:
        network: it is left in evaluation mode.
        examples: the ECGs.
        batch: windows at a time.
        windows: how the windows of an ECG are combined.

    Returns:
        Float32, shape (n, classes), on the device of the examples.
    """
    logits, pieces = window_logits(network, examples, batch)
    if examples.whole:
        return logits
    # On the CPU: the sum over an ECG's windows depends on the order of the GPU's threads, which is never the same.
    combined = combine(logits.sigmoid().cpu(), pieces, len(examples), windows)
    return combined.to(logits.device).logit(eps=SMALLEST)


def window_logits(
    network: nn.Module,
    examples: Examples,
    batch: int,
    features: list[Tensor] | None = None,
    multiple: int = 1,
) -> tuple[Tensor, Windows]:
    """The logits of all windows of ECGs, and which windows they are.

    Args:
        network: it is left in evaluation mode.
        examples: the ECGs; one that is no longer than the network's input is one window.
        batch: windows at a time.
        features: where it is a list, the pooled features of the windows are added to it, batch by batch; the network
            must then be one in two steps.
        multiple: batches are filled up to a multiple of so many by their last window, whose other answers are dropped.

    Returns:
        Float32, shape (m, classes), on the device of the examples; and the m windows in order.
    """
    network.eval()
    pieces = windows_of(examples.lengths, examples.window)
    chunks = []
    with torch.no_grad():
        # Once at least: also for no ECG at all the number of classes must be found.
        parts = ordered_batches(len(pieces.records), batch) or [np.arange(0)]
        filled = [np.append(part, np.repeat(part[-1:], -len(part) % multiple)) for part in parts]
        records = examples.following([pieces.records[windows] for windows in filled])
        for part, windows, indices in zip(parts, filled, records, strict=True):
            starts = None if examples.whole else pieces.starts[windows]
            signals, context, _ = examples.batch(indices, starts)
            if features is None:
                chunks.append(network(signals, context)[: len(part)].float())
                continue
            assert isinstance(network, TwoStepNetwork)
            found = network.features(signals, context)
            features.append(pooled(found)[: len(part)])
            chunks.append(network.classify(found, context)[: len(part)].float())
    return torch.cat(chunks), pieces


def combine(probabilities: Tensor, windows: Windows, records: int, settings: WindowSettings) -> Tensor:
    """One probability per recording and class.

    Args:
        probabilities: shape (m, classes), of the windows.
        windows: which they are.
        records: how many recordings there are; each has one window or more.
        settings: say how.

    Returns:
        Shape (records, classes).
    """
    where = torch.from_numpy(windows.records).to(probabilities.device)
    where = where[:, None].expand_as(probabilities)
    result = probabilities.new_zeros(records, probabilities.shape[1])
    reduce = {"mean": "mean", "max": "amax"}[settings.combine]
    return result.scatter_reduce(0, where, probabilities, reduce, include_self=False)


@contextmanager
def exact_fp32() -> Iterator[None]:
    """Keep cuDNN from rounding fp32 to TensorFloat32, which its choice of algorithm would make visible."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
