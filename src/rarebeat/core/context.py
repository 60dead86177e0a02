"""What a network may be told besides the signals: how long each recording is, and whose it is."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
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

    def batch(self, rows: Tensor | slice, device: torch.device) -> "Context":
        """The facts about some of the recordings.

        Args:
            rows: indices, shape (n,), or a slice.
            device: where they are wanted.

        Returns:
            The facts of those recordings, on the device.
        """
        fields = (self.lengths, self.age, self.sex)
        return Context(*(None if field is None else field[rows].to(device) for field in fields))

    def window(self, starts: Tensor, samples: int) -> "Context":
        """The facts about a window of each recording.

        Args:
            starts: int64, shape (batch,): the first sample of each window.
            samples: of a window.

        Returns:
            The same facts with the lengths of the windows.
        """
        if self.lengths is None:
            return self
        return replace(self, lengths=(self.lengths - starts).clamp(max=samples))


UNKNOWN = Context()
"""Recordings as long as their signals, of persons of whom nothing is known."""


def persons(ages: Iterable[float | None], sexes: Iterable[str | None]) -> Context:
    """What is known of the persons of some recordings.

    Args:
        ages: years, None or NaN where unknown.
        sexes: "female", "male", or None where unknown.

    Returns:
        A context without lengths.

    Example:
        >>> persons([61.0, None], ["male", None]).sex.tolist()
        [2, 0]
    """
    codes = {"female": FEMALE, "male": MALE}
    return Context(
        age=torch.tensor([torch.nan if age is None else age for age in ages], dtype=torch.float32),
        sex=torch.tensor([codes.get(sex or "", UNKNOWN_SEX) for sex in sexes], dtype=torch.int64),
    )


def context_of(
    lengths: npt.NDArray[np.int64] | None,
    ages: npt.NDArray[np.float32] | None,
    sexes: npt.NDArray[np.object_] | None,
) -> Context:
    """A context from arrays.

    Args:
        lengths: samples before the padding, shape (n,); None where nothing is padded, so that networks need not look.
        ages: years, NaN where unknown, shape (n,).
        sexes: "female", "male" or None, shape (n,). Either may be None alone, where it is known of nobody.

    Returns:
        The context.

    Example:
        >>> context_of(None, None, np.array(["male", None], dtype=object)).sex.tolist()
        [2, 0]
    """
    known = UNKNOWN
    if ages is not None:
        known = persons(ages.tolist(), [None] * len(ages) if sexes is None else sexes.tolist())
    elif sexes is not None:
        known = persons([None] * len(sexes), sexes.tolist())
    return known if lengths is None else replace(known, lengths=torch.from_numpy(lengths))
