"""Statistics of an audit: the share of records that an unequally drawn sample speaks for, and agreement.

A share is weighted by what the items stand for (Horvitz & Thompson, J Am Stat Assoc 47, 1952). Its interval is
Wilson's (J Am Stat Assoc 22, 1927) at the effective sample size ``(sum w)^2 / sum w^2`` (Kish, Survey Sampling,
1965); Franco et al. (J Surv Stat Methodol 7, 2019) compare such intervals. It errs on the wide side: it does not
count what strata gain where some patterns are good and others bad, and it is for reports like these, so that it
does not shrink to a point where all records were judged.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri


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

    >>> [round(number, 3) for number in weighted_share([1] * 9 + [0], [2] * 10)]
    [0.9, 0.596, 0.982, 10.0]
    """
    w = np.asarray(weights, dtype=np.float64)
    share = float(w @ np.asarray(values, dtype=np.float64) / w.sum())
    n = float(w.sum() ** 2 / (w @ w))
    z = float(ndtri((1 + confidence) / 2))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return share, max(0.0, float(centre - half)), min(1.0, float(centre + half)), n


def cohen_kappa(pairs: Sequence[tuple[str, str]], words: Sequence[str]) -> tuple[float, float | None]:
    """Share of equal verdicts, and Cohen's kappa (Educ Psychol Meas 20, 1960) over all words.

    Args:
        pairs: the verdicts of two readers on the same items, at least one.
        words: all that they could have said.

    Returns:
        The share, and kappa: None where both readers gave one and the same verdict throughout.
    """
    table = np.zeros((len(words), len(words)))
    for one, other in pairs:
        table[words.index(one), words.index(other)] += 1
    table /= len(pairs)
    observed = float(np.trace(table))
    by_chance = float(table.sum(axis=0) @ table.sum(axis=1))
    return observed, None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)
