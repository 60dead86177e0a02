"""What a network looked at: integrated gradients of one logit with respect to the twelve leads.

An attribution has one number for each lead and sample. Their sum is by how much the logit of the ECG exceeds that of
a flat ECG, so that a number says how much of it that sample is worth: above zero it speaks for the class, below zero
against it. It tells what this network used, not what makes a diagnosis.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from rarebeat.core.context import UNKNOWN, Context
from rarebeat.dataset.split import Int16
from rarebeat.dataset.windows import WHOLE, WindowSettings, windows_of
from rarebeat.inference.probabilities import exact_fp32

Float32 = npt.NDArray[np.float32]

STEPS = 32
"""Points on the way from the flat ECG to the ECG at which gradients are taken. On the default model the sum of the
values misses the difference of the logits by about one percent."""

BATCH = 32
"""Windows that go through the network at a time."""

_Logits = Callable[[Tensor, Tensor | None, Tensor | None, Tensor | None], Tensor]


@dataclass(frozen=True)
class Attributions:
    """What one logit of each ECG is due to.

    Attributes:
        values: float32, shape (n, 12, samples), in logits: above zero for the class, below zero against it. Padding
            has zeros.
        differences: float32, shape (n,), the logit of each ECG less that of the flat ECG; ``values`` add up to it, up
            to the error of the integration.
    """

    values: Float32
    differences: Float32


def attribute(
    module: nn.Module,
    signals: Int16,
    scale: float,
    columns: npt.NDArray[np.intp],
    context: Context = UNKNOWN,
    windows: WindowSettings = WHOLE,
    steps: int = STEPS,
) -> Attributions:
    """Attribute one logit of each ECG to its leads and samples.

    Each ECG is compared with a flat one: every lead at its own median, age and sex as they are. With windows, the logit
    is that of the whole recording, as :func:`rarebeat.inference.probabilities.record_logits` combines it. The
    arithmetic is fp32, ECG by ECG, so that an attribution does not depend on the others, and on a CPU it repeats.

    Args:
        module: a network; it is put in evaluation mode.
        signals: shape (n, 12, samples), as :func:`rarebeat.core.signals.preprocess` returns them.
        scale: signals times scale is in the unit that the network was trained with.
        columns: shape (n,), which class of each ECG is asked for.
        context: what is known of the n ECGs besides, in main memory.
        windows: how ECGs longer than the network's input are judged.
        steps: points at which gradients are taken; the error falls with their number.

    Returns:
        The attributions of the n ECGs.

    Source:
        Sundararajan et al. 2017, Axiomatic Attribution for Deep Networks, arXiv 1703.01365; computed by Captum with
        Gauss-Legendre quadrature.
    """
    # Captum takes a second to import, and is asked for by few.
    from captum.attr import IntegratedGradients

    module.eval()
    place = next(module.parameters()).device
    values = np.zeros(signals.shape, dtype=np.float32)
    differences = np.zeros(len(signals), dtype=np.float32)
    with torch.autocast(place.type, enabled=False), exact_fp32():
        for row, column in enumerate(columns.tolist()):
            known = context.batch(slice(row, row + 1), place)
            length = signals.shape[2] if known.lengths is None else int(known.lengths)
            ecg = torch.from_numpy(signals[row : row + 1].astype(np.float32)).to(place) * scale
            flat = _flat(ecg, length)
            pieces = windows_of(np.array([length]), windows.of(signals.shape[2])).starts.tolist()
            logits = _record_logits(module, pieces, windows.of(signals.shape[2]), windows.combine)
            found = IntegratedGradients(logits, multiply_by_inputs=True).attribute(
                ecg,
                flat,
                target=column,
                additional_forward_args=(known.lengths, known.age, known.sex),
                n_steps=steps,
                method="gausslegendre",
                internal_batch_size=max(1, BATCH // len(pieces)),
            )
            values[row] = found[0].detach().cpu().numpy()
            with torch.no_grad():
                person = (known.lengths, known.age, known.sex)
                ends = (logits(signal, *person)[0, column] for signal in (ecg, flat))
                differences[row] = float(next(ends) - next(ends))
    return Attributions(values, differences)


def _flat(ecg: Tensor, length: int) -> Tensor:
    """The same ECG without a beat in it: each lead at its median, the padding as it is."""
    flat = ecg.clone()
    flat[..., :length] = ecg[..., :length].median(dim=-1, keepdim=True).values
    return flat


def _record_logits(module: nn.Module, starts: list[int], samples: int, combine: str) -> _Logits:
    """A function from signals of one recording, shape (batch, 12, n), to its logits, shape (batch, classes).

    The weights are constants in it, so that their gradients are not computed.
    """
    weights = {name: value.detach() for name, value in module.state_dict(keep_vars=True).items()}

    def logits(signals: Tensor, lengths: Tensor | None, age: Tensor | None, sex: Tensor | None) -> Tensor:
        found = []
        for start in starts:
            context = Context(lengths, age, sex)
            if samples < signals.shape[2]:
                first = torch.full_like(signals[:, 0, 0], start, dtype=torch.int64)
                context = context.window(first, samples)
            window = signals[..., start : start + samples]
            found.append(functional_call(module, weights, (window, context)))
        return _combined(torch.stack(found), combine)

    return logits


def _combined(logits: Tensor, combine: str) -> Tensor:
    """Logits of windows, shape (windows, batch, classes), as the logits of the recording.

    The logit of a mean of probabilities is taken from their logarithms, which do not saturate.
    """
    if len(logits) == 1:
        return logits[0]
    if combine == "max":
        return logits.amax(dim=0)
    present, absent = functional.logsigmoid(logits), functional.logsigmoid(-logits)
    return present.logsumexp(dim=0) - absent.logsumexp(dim=0)
