"""Measured tasks: what can be measured on every signal is learnt beside the classes, and forgotten at the end.

Rate, regularity and QRS width need no label, are what many statements are about, and are hard to learn from the labels
of few records. Each is asked in steps ("is the rate above 57, 64, ... a minute?"), so that all of it are yes-or-no
questions like the classes. The network has an output for each while it is trained; the trained network has none.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from rarebeat.dataset.split import Int8, Split, parts_of
from rarebeat.measure.measuring import measure
from rarebeat.models.layers import heads_of
from rarebeat.training.losses import Loss, sum_of_cross_entropies
from rarebeat.training.settings import MeasuredSettings

MEASURES = ("mean_rate", "variation", "entropy", "qrs", "axis")
"""Attributes of :class:`rarebeat.measure.measurements.Measurements` that are learnt."""

Float64 = npt.NDArray[np.float64]


def measured_labels(split: Split, settings: MeasuredSettings) -> Int8:
    """Measure the records of a split, and ask of each measure whether it is above some levels.

    The levels divide the split into parts of one size.

    Args:
        split: n records.
        settings: how many levels each measure has. Levels that are one, as of widths in steps of 4 ms, are asked once.

    Returns:
        Shape (n, measures times levels): 1 above, 0 not above, -1 where it cannot be measured. A measure that no record
        has, such as the axis where amplitudes were normalised away, is left out.
    """
    values = np.array(list(_values(split)), dtype=np.float64).reshape(-1, len(MEASURES))
    columns = [_above(column, settings.levels) for column in values.T if np.isfinite(column).any()]
    return np.concatenate([np.empty((len(split), 0), np.int8), *columns], axis=1)


def _values(split: Split) -> Iterator[list[float]]:
    """The measures of each record, NaN where there is none."""
    rate, calibrated = float(split.meta.preprocessing.rate), split.meta.units == "mV"
    lengths = iter(np.full(len(split), split.signals.shape[2]) if split.lengths is None else split.lengths)
    for part in parts_of(split.signals, 256):
        for signal in part:
            found = measure(signal[:, : next(lengths)], rate, calibrated)
            told = (getattr(found, name) for name in MEASURES)
            yield [np.nan if value is None else value for value in told]


def _above(values: Float64, levels: int) -> Int8:
    """Whether values are above the quantiles that divide them into parts of one size; shape (n, levels)."""
    limits = np.unique(np.nanquantile(values, np.arange(1, levels + 1) / (levels + 1)))
    above = (values[:, None] > limits).astype(np.int8)
    above[np.isnan(values)] = -1
    return above


def with_measured(loss: Loss, classes: int, settings: MeasuredSettings) -> Loss:
    """Add the measured tasks to a loss.

    Args:
        loss: of the classes.
        classes: how many outputs of the network belong to them; they come first.
        settings: what a measure counts beside a class.

    Returns:
        The loss of the classes, and ``weight`` times the cross-entropies of each measure, averaged over ``levels``: one
        of whose levels some are one counts a little less.
    """

    if not settings.weight:
        return loss

    def total(logits: Tensor, labels: Tensor) -> Tensor:
        extra = sum_of_cross_entropies(logits[:, classes:], labels[:, classes:]) / settings.levels
        return loss(logits[:, :classes], labels[:, :classes]) + settings.weight * extra

    return total


def without_measured(network: nn.Module, classes: int) -> None:
    """Take the outputs of the measured tasks off a network.

    Args:
        network: changed in place.
        classes: how many outputs stay, the first ones.
    """
    regressions = heads_of(network).regressions
    with torch.no_grad():
        regressions.weight = nn.Parameter(regressions.weight[:classes].clone())
        regressions.bias = nn.Parameter(regressions.bias[:classes].clone())
    regressions.out_features = classes
