"""Class re-sampling as in Hughes et al. 2018: the rarest classes first, until each has enough examples.

The rule: classes are taken from the rarest to the most common (by positive records; equal counts in the
order of the vocabulary). To each, positive records that are not chosen yet are added until ``target`` of the
chosen records are positive for it, however they came to be chosen, or until no positive record is left. No
record is chosen twice.

So a rare class keeps all its records, a common one may end above the target because it accompanies rarer
ones, and a record that is positive for no class is never chosen. Negatives are not sampled: the positives of
other classes are the negatives of a class.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import PositiveInt
from pydantic.dataclasses import dataclass

from rarebeat.core.params import STRICT, Seed

Labels = npt.NDArray[np.int8]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, config=STRICT)
class BalanceSettings:
    """Class re-sampling.

    Attributes:
        enabled: False keeps every labelled record, also those that are positive for no class.
        target: positive records that each class should have.
        splits: the splits that are re-sampled; the others keep their natural frequencies.
        seed: decides which records of a common class are taken.
    """

    enabled: bool = True
    target: PositiveInt = 4000
    splits: tuple[Literal["train", "validation", "test"], ...] = ("train",)
    seed: Seed = 0


def choose_records(labels: Labels, target: int, seed: int) -> Indices:
    """Choose records so that every class has ``target`` positives, or all there are.

    Args:
        labels: shape (n, classes); 1 is positive, everything else is not.
        target: positive records wanted per class.
        seed: of the random order in which records are taken.

    Returns:
        Indices of the chosen records, ascending.

    Source:
        Hughes et al. 2018.

    Example:
        >>> labels = np.array([[1, 0], [1, 0], [1, 1], [0, 0]], dtype=np.int8)
        >>> choose_records(labels, target=1, seed=0)
        array([2])
    """
    positive = labels == 1
    order = np.random.default_rng([seed]).permutation(len(labels))
    chosen = np.zeros(len(labels), dtype=np.bool_)
    for column in np.argsort(positive.sum(axis=0), kind="stable"):
        missing = target - int(np.count_nonzero(chosen & positive[:, column]))
        candidates = order[(positive[:, column] & ~chosen)[order]]
        chosen[candidates[: max(0, missing)]] = True
    return np.flatnonzero(chosen)
