"""Statistics of what people judged: the share of records that a sample speaks for, and the agreement of two readings.

A share is weighted by what the items stand for (Horvitz & Thompson, J Am Stat Assoc 47, 1952). Its interval is
Wilson's (J Am Stat Assoc 22, 1927) at the effective sample size ``(sum w)^2 / sum w^2`` (Kish, Survey Sampling,
1965); Franco et al. (J Surv Stat Methodol 7, 2019) compare such intervals. It errs on the wide side: it does not
count what strata gain where some patterns are good and others bad, and it is for reports like these, so that it
does not shrink to a point where all records were judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.core.tables import interval_text, tidy
from rarebeat.evaluation.bootstrap import Patients, resample
from rarebeat.metrics.arrays import BoolArray, FloatArray
from rarebeat.metrics.intervals import wilson as wilson_ends

Readings = npt.NDArray[np.int8] | npt.NDArray[np.int64]
"""What a reader, or whoever is compared with one, says of records: the number of a category, or -1 for nothing."""


def weighted_share(
    values: Sequence[float], weights: Sequence[float], confidence: float = 0.95
) -> tuple[float, float, float, float]:
    """A weighted share with its Wilson interval at Kish's effective sample size.

    Args:
        values: 1 for right and 0 for wrong (or between), at least one.
        weights: what each stands for.
        confidence: 0.95 for a 95 % interval.

    Returns:
        Share, lower and upper end, effective sample size.

    Source:
        Wilson 1927, Kish 1965; see the module.

    Example:
        >>> [round(number, 3) for number in weighted_share([1] * 9 + [0], [2] * 10)]
        [0.9, 0.596, 0.982, 10.0]
    """
    w = np.asarray(weights, dtype=np.float64)
    share = float(w @ np.asarray(values, dtype=np.float64) / w.sum())
    n = float(w.sum() ** 2 / (w @ w))
    low, high = wilson_ends(share, n, confidence)
    return share, float(low), float(high), n


def wilson(count: int, total: int) -> tuple[float, float, float]:
    """A share with the ends of its 95 % Wilson interval.

    Args:
        count: how many of them.
        total: how many there are, at least one.

    Returns:
        Share, lower and upper end.

    Example:
        >>> [round(number, 3) for number in wilson(9, 10)]
        [0.9, 0.596, 0.982]
    """
    low, high = wilson_ends(count / total, total)
    return count / total, float(low), float(high)


@dataclass(frozen=True)
class Kappas:
    """Agreement of two readings of the same records, class by class; each array has shape (classes,).

    Attributes:
        records: int64, how many both have read.
        agreement: share of equal readings; NaN without records.
        value: Cohen's kappa; NaN where it is undefined: no records, or both readings one and the same throughout.
        low: lower end of the interval of kappa; NaN where there is none.
        high: upper end.
        constant: whether one of the two says the same throughout. Kappa is then 0 or undefined, whatever the other
            says, and tells nothing.
    """

    records: npt.NDArray[np.int64]
    agreement: FloatArray
    value: FloatArray
    low: FloatArray
    high: FloatArray
    constant: BoolArray


def cohen_kappa(
    one: Readings,
    other: Readings,
    patients: Patients | None = None,
    replicates: int = 0,
    confidence: float = 0.95,
    seed: int = 0,
) -> Kappas:
    """Cohen's kappa between two readings of the same records, for many classes at once, with intervals.

    Kappa is (observed agreement - agreement by chance) / (1 - agreement by chance): 1 for full agreement, 0 for what
    two readings that use each category as often have by chance, and below 0 for less.

    Args:
        one: shape (n, classes), the first reading.
        other: shape (n, classes), the second; what either has left out (-1) is not compared.
        patients: shape (n,), who is resampled for the intervals; None resamples records.
        replicates: of the bootstrap over patients; 0 gives no intervals.
        confidence: 0.95 for 95 % intervals.
        seed: equal seeds give equal intervals.

    Source:
        Cohen, Educ Psychol Meas 20, 1960; the intervals are those of :mod:`rarebeat.evaluation.bootstrap`.

    Example:
        >>> one, other = np.array([[0, 1, 1, 1, -1]]).T, np.array([[0, 0, 1, 1, 1]]).T
        >>> kappas = cohen_kappa(one, other)
        >>> int(kappas.records[0]), float(kappas.agreement[0]), float(kappas.value[0])
        (4, 0.75, 0.5)
    """
    known = (one >= 0) & (other >= 0)
    categories = range(int(max(one.max(initial=-1), other.max(initial=-1))) + 1)
    said = [(known & (one == category), known & (other == category)) for category in categories]
    counted = [
        (first.astype(float), second.astype(float), (first & second).astype(float)) for first, second in said
    ]
    read = known.astype(float)

    def metrics(weights: FloatArray) -> dict[str, FloatArray]:
        records = weights @ read
        equal, by_chance = np.zeros_like(records), np.zeros_like(records)
        for first, second, both in counted:
            equal += weights @ both
            by_chance += (weights @ first) * (weights @ second)
        with np.errstate(divide="ignore", invalid="ignore"):
            observed, expected = equal / records, by_chance / records**2
            kappa = np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)
        return {"agreement": observed, "kappa": kappa}

    plain = metrics(np.ones((1, len(known))))
    who = np.arange(len(known)).astype(str) if patients is None else patients
    low, high = resample(metrics, who, known.shape[1], replicates, confidence, seed)
    records = known.sum(axis=0)
    constant = [(side.sum(axis=0) == records) for pair in said for side in pair]
    return Kappas(
        records,
        plain["agreement"][0],
        plain["kappa"][0],
        low["kappa"],
        high["kappa"],
        np.any(constant, axis=0) if constant else np.ones(known.shape[1], dtype=np.bool_),
    )


def kappa_cell(kappas: Kappas, index: int) -> str | None:
    """The kappa of one class for a table, with its interval and its records.

    Args:
        kappas: of several classes.
        index: which of them.

    Returns:
        A dash for a kappa that tells nothing because one side never varies; None where both have read none.
    """
    if not kappas.records[index]:
        return None
    value = np.nan if kappas.constant[index] else kappas.value[index]
    return f"{interval_text(value, kappas.low[index], kappas.high[index])} [{kappas.records[index]}]"


def kappa_content(kappas: Kappas, index: int) -> dict[str, float | None]:
    """The kappa of one class for a program: records, value, low and high; None where undefined.

    Args:
        kappas: of several classes.
        index: which of them.
    """
    ends = {"value": kappas.value, "low": kappas.low, "high": kappas.high}
    return {
        "records": int(kappas.records[index]),
        **{name: tidy(numbers[index]) for name, numbers in ends.items()},
    }
