"""The two arrays that all scoring starts from, and their check."""

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import RarebeatError

Truth = npt.NDArray[np.int8]
"""Shape (records, classes): 1 positive, 0 negative, -1 left out (unknown or uncertain)."""

Probability = npt.NDArray[np.floating]
"""Shape (records, classes), float32 or float64, larger is more likely."""

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def check(truth: npt.NDArray[np.integer], probability: Probability) -> None:
    """Check that truth and probability belong together.

    Args:
        truth: shape (records, classes).
        probability: shape (records, classes).

    Raises:
        ValueError: when they are not matrices of one shape, or truth holds anything but 1, 0 and -1.
        RarebeatError: when a probability is not a number (a model whose training diverged gives such).
    """
    if truth.ndim != 2 or truth.shape != probability.shape:
        raise ValueError(f"expected two matrices of one shape, found {truth.shape} and {probability.shape}")
    if truth.size and (truth.min() < -1 or truth.max() > 1):
        raise ValueError("truth must be 1, 0 or -1")
    broken = np.isnan(probability)
    if broken.any():
        rows, columns = broken.any(axis=1).sum(), np.flatnonzero(broken.any(axis=0))
        raise RarebeatError(
            f"{rows} of {len(truth)} records have a probability that is not a number (class columns "
            f"{', '.join(map(str, columns[:5]))}): the model has diverged, train it with a lower rate"
        )
