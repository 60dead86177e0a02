"""Cohen's kappa between two readings of the same records, for many classes at once, with intervals.

Cohen (Educ Psychol Meas 20, 1960): (observed agreement - agreement by chance) / (1 - agreement by chance). It is 1
for full agreement, 0 for what two readings with the same numbers of positive records have by chance, and below 0 for
less. Intervals come from resampled patients (:mod:`rarebeat.evaluation.bootstrap`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.evaluation.bootstrap import Patients, resample
from rarebeat.metrics.arrays import BoolArray, FloatArray


@dataclass(frozen=True)
class Kappas:
    """Kappa of each class; NaN where it is undefined: no records, or both readings one and the same throughout.

    Attributes:
        records: shape (classes,), int64: how many both have read.
        value: shape (classes,).
        low: shape (classes,), lower end of the interval; NaN where there is none.
        high: shape (classes,), upper end.
    """

    records: npt.NDArray[np.int64]
    value: FloatArray
    low: FloatArray
    high: FloatArray


def cohen_kappas(
    one: BoolArray,
    other: BoolArray,
    known: BoolArray,
    patients: Patients,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Kappas:
    """Kappa between two readings, class by class.

    Args:
        one: shape (n, classes), the first reading.
        other: shape (n, classes), the second.
        known: shape (n, classes), which of them both have read.
        patients: shape (n,), who is resampled.
        replicates: of the bootstrap; 0 gives no intervals.
        confidence: 0.95 for 95 % intervals.
        seed: equal seeds give equal intervals.
    """
    counted = [
        matrix.astype(np.float64) for matrix in (known, known & one, known & other, known & one & other)
    ]

    def metrics(weights: FloatArray) -> dict[str, FloatArray]:
        return {"kappa": _kappa(*(weights @ matrix for matrix in counted))}

    value = metrics(np.ones((1, len(patients))))["kappa"][0]
    low, high = resample(metrics, patients, known.shape[1], replicates, confidence, seed)
    return Kappas(known.sum(axis=0), value, low["kappa"], high["kappa"])


def _kappa(records: FloatArray, one: FloatArray, other: FloatArray, both: FloatArray) -> FloatArray:
    """From numbers of records: all, positive by the first, by the second, by both."""
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = (records - one - other + 2 * both) / records
        by_chance = (one * other + (records - one) * (records - other)) / records**2
        return np.where(by_chance < 1, (observed - by_chance) / (1 - by_chance), np.nan)
