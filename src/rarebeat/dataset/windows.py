"""Recordings longer than a network's input are cut into windows."""

from dataclasses import dataclass as plain_dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from pydantic.dataclasses import dataclass

from rarebeat.core.params import STRICT

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, config=STRICT)
class WindowSettings:
    """What of a recording the network sees at a time.

    Attributes:
        samples: of a window; None takes the recordings whole.
        combine: a class's probability for a recording is the "mean" or the "max" of those of its windows.
    """

    samples: Annotated[int, Field(ge=1)] | None = None
    combine: Literal["mean", "max"] = "mean"

    def of(self, samples: int) -> int:
        """Tell how long the network's input is.

        Args:
            samples: of the recordings as they are stored.

        Returns:
            Samples of the input.
        """
        return samples if self.samples is None else min(self.samples, samples)


WHOLE = WindowSettings()
"""No windows: the network sees recordings whole."""


@plain_dataclass(frozen=True)
class Windows:
    """The windows of some recordings, in order.

    Attributes:
        records: shape (m,), which recording.
        starts: shape (m,), the first sample.
    """

    records: Indices
    starts: Indices


def windows_of(lengths: Indices, samples: int) -> Windows:
    """Cover recordings with windows.

    Neighbours share half a window or more, so that what lies across an end lies within another window.
    Padding is not covered: a recording that is no longer than a window has one.

    Args:
        lengths: shape (n,), samples of each recording.
        samples: of a window.

    Returns:
        The windows, recording after recording.

    Example:
        >>> windows_of(np.array([2500, 6000]), 2500)
        Windows(records=array([0, 1, 1, 1, 1]), starts=array([   0,    0, 1167, 2333, 3500]))
    """
    room = np.maximum(lengths - samples, 0)
    counts = 1 + -(-2 * room // samples)
    records = np.repeat(np.arange(len(lengths)), counts)
    place = np.arange(len(records)) - np.repeat(np.cumsum(counts) - counts, counts)
    share = place / np.maximum(counts - 1, 1)[records]
    return Windows(records, np.rint(share * room[records]).astype(np.int64))
