"""What a model said of its validation records: stored with it, so that a site can compare what it says there."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from rarebeat.metrics.arrays import FloatArray

LEVELS = 1001
"""Probabilities that are stored of a class at most; of more records, quantiles that are evenly spaced."""


@dataclass(frozen=True)
class KnownScores:
    """The probabilities of validation records; arrays, so that they can be stored as tensors.

    Attributes:
        quantiles: shape (classes, k), the probabilities of each class from the lowest to the highest, in the order of
            the model's classes and before any offset that a site may have added.
        patients: shape (1,), how many patients they are of.
        unlike: shape (1,), share of the validation records that the detector calls unlike the training data.
    """

    quantiles: FloatArray
    patients: FloatArray
    unlike: FloatArray

    def __post_init__(self) -> None:
        if self.quantiles.ndim != 2 or not self.quantiles.size:
            raise ValueError(f"quantiles must have the shape (classes, k), found {self.quantiles.shape}")
        for name in ("patients", "unlike"):
            if (found := getattr(self, name).shape) != (1,):
                raise ValueError(f"{name} must have the shape (1,), found {found}")
        if not (np.diff(self.quantiles, axis=1) >= 0).all() or not self._is_probable():
            raise ValueError("quantiles must rise, from 0 at least to 1 at most")

    def _is_probable(self) -> bool:
        return bool((self.quantiles >= 0).all() and (self.quantiles <= 1).all() and 0 <= self.unlike[0] <= 1)


def known_scores(probability: npt.NDArray[np.floating], patients: int, unlike: float) -> KnownScores | None:
    """Summarise what a model says of its validation records.

    Args:
        probability: shape (n, classes).
        patients: how many patients the records are of.
        unlike: share of the records that the detector calls unlike the training data.

    Returns:
        What is stored; None where there are no records.

    Example:
        >>> known_scores(np.array([[0.75], [0.25]]), 2, 0.0).quantiles.tolist()
        [[0.25, 0.75]]
    """
    if not len(probability):
        return None
    ordered = np.sort(probability.astype(np.float64), axis=0).T
    if len(probability) > LEVELS:
        rows = np.linspace(0, len(probability) - 1, LEVELS).round().astype(np.int64)
        ordered = ordered[:, rows]
    return KnownScores(ordered, np.array([float(patients)]), np.array([unlike]))


def scores_to_arrays(scores: KnownScores) -> dict[str, npt.NDArray[np.float32]]:
    """What is stored of the scores."""
    return {entry.name: getattr(scores, entry.name).astype(np.float32) for entry in fields(scores)}


def scores_from_arrays(arrays: Mapping[str, npt.NDArray[np.floating]]) -> KnownScores:
    """The scores that :func:`scores_to_arrays` stored.

    Raises:
        ValueError: when arrays are missing, or hold what no probabilities can be.
    """
    names = [entry.name for entry in fields(KnownScores)]
    if set(arrays) != set(names):
        raise ValueError(f"expected {', '.join(names)}, found {', '.join(sorted(arrays))}")
    return KnownScores(**{name: np.asarray(arrays[name], dtype=np.float64) for name in names})
