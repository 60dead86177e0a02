"""Confidence intervals by resampling patients.

The recordings of one patient resemble each other, so a replicate draws *patients* with replacement and takes
all their recordings (a cluster bootstrap). A drawn replicate is an integer weight per recording, and the
metrics are computed from a matrix of such weights without sorting again. The intervals are plain percentiles
of the replicates.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.evaluation.scores import Prepared, Scores, score
from rarebeat.metrics.arrays import FloatArray

Patients = npt.NDArray[np.object_] | npt.NDArray[np.str_]

_BLOCK = 4_000_000  # class-record pairs times replicates in memory at once: 32 MB per temporary array
_USABLE = 0.5  # share of replicates in which a metric must be defined to get an interval


@dataclass(frozen=True)
class Intervals:
    """Percentile intervals; NaN where too few replicates had the metric.

    Attributes:
        low: the low end of every metric.
        high: the high end.
    """

    low: Scores
    high: Scores


def patient_weights(patients: Patients, replicates: int, seed: int, block: int) -> Iterator[FloatArray]:
    """Draw patients with replacement, again and again.

    Args:
        patients: shape (n,), who each record belongs to.
        replicates: how many times to draw.
        seed: equal seeds give equal weights.
        block: replicates at a time; it does not change the weights.

    Yields:
        Record weights, shape (up to ``block``, n): how often each record's patient was drawn.
    """
    names, owner = np.unique(patients, return_inverse=True)
    rng = np.random.default_rng([seed])
    for start in range(0, replicates, block):
        rows = [
            np.bincount(rng.integers(0, names.size, names.size), minlength=names.size)[owner]
            for _ in range(min(block, replicates - start))
        ]
        yield np.array(rows, dtype=np.float64)


def bootstrap(
    prepared: Prepared, patients: Patients, replicates: int = 1000, confidence: float = 0.95, seed: int = 0
) -> Intervals:
    """Percentile intervals of every metric.

    A replicate in which a metric of a class is undefined (no positive record, say) is left out of its interval;
    the macro average of that replicate is over the other classes. Where fewer than half of the replicates are left,
    or where there are fewer than two patients, there is no interval (NaN).

    Args:
        prepared: n records.
        patients: shape (n,), who each record belongs to.
        replicates: how many times to resample; 0 gives no intervals.
        confidence: 0.95 for the 2.5th to the 97.5th percentile.
        seed: equal seeds give equal intervals.

    Returns:
        The intervals of all classes, and of their averages.

    Raises:
        ValueError: when there are more or fewer patients than records.
    """
    if len(patients) != len(prepared.truth):
        raise ValueError(f"{len(patients)} patients for {len(prepared.truth)} records")
    low, high = resample(
        lambda weights: score(prepared, weights).values,
        patients,
        prepared.truth.shape[1],
        replicates,
        confidence,
        seed,
    )
    return Intervals(Scores(low), Scores(high))


def resample(
    metrics: Callable[[FloatArray], dict[str, FloatArray]],
    patients: Patients,
    classes: int,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Percentile intervals of whatever can be computed from record weights.

    Args:
        metrics: takes weights of shape (replicates, n), and returns arrays of shape (replicates, ...).
        patients: shape (n,), who each record belongs to.
        classes: how many numbers a record has: decides how many replicates are worked on at a time.
        replicates: how many times to resample; 0 gives no intervals (NaN).
        confidence: 0.95 for the 2.5th to the 97.5th percentile.
        seed: equal seeds give equal intervals.

    Returns:
        The low ends and the high ends, by the names of the metrics, shape (...).
    """
    if np.unique(patients).size < 2:
        replicates = 0
    block = max(1, _BLOCK // max(1, len(patients) * classes))
    parts = [metrics(weights) for weights in patient_weights(patients, replicates, seed, block)]
    if not parts:
        plain = metrics(np.ones((1, len(patients))))
        nothing = {name: np.full_like(values[0], np.nan) for name, values in plain.items()}
        return nothing, nothing
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    ends = {name: _percentiles(np.concatenate([part[name] for part in parts]), tails) for name in parts[0]}
    low, high = ({name: end[index] for name, end in ends.items()} for index in (0, 1))
    return low, high


def _percentiles(values: FloatArray, tails: tuple[float, float]) -> FloatArray:
    """From (replicates, ...) to (2, ...), without replicates that are NaN."""
    columns = values.reshape(len(values), -1)
    ends = np.full((2, columns.shape[1]), np.nan)
    for index, column in enumerate(columns.T):
        usable = column[~np.isnan(column)]
        if usable.size >= _USABLE * len(values):
            ends[:, index] = np.quantile(usable, tails)
    return ends.reshape(2, *values.shape[1:])
