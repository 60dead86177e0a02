"""What a network may be told besides the signals: how long each recording is, and whose it is."""

from dataclasses import dataclass

from torch import Tensor

UNKNOWN_SEX, FEMALE, MALE = 0, 1, 2


@dataclass(frozen=True)
class Context:
    """Facts about the recordings of one batch, on the device of its signals. A network uses those it can.

    Attributes:
        lengths: int64, shape (batch,): samples before the padding. None: nothing is padded.
        age: float32, shape (batch,): years, NaN where unknown. None: unknown for all.
        sex: int64, shape (batch,): :data:`FEMALE`, :data:`MALE` or :data:`UNKNOWN_SEX`. None: unknown for all.
    """

    lengths: Tensor | None = None
    age: Tensor | None = None
    sex: Tensor | None = None


UNKNOWN = Context()
"""Recordings as long as their signals, of persons of whom nothing is known."""
