"""Metrics per class, and their macro and micro averages. NumPy alone.

Conventions, the same everywhere:

- Truth -1 is left out, class by class.
- A class without a known positive record has no metric but specificity (NaN), whatever was predicted; one
  without a known negative record none but recall: nothing could have been called wrongly, so that precision, F1
  and AUPRC would say nothing of the model. Macro averages leave NaN out.
- Precision is 0 where there are positives but none was called (so is F1).
- A record is called positive when its probability is at least the threshold.
- Micro averages pool all known class-record pairs, those of classes without positives too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.metrics.arrays import BoolArray, FloatArray, Probability, Truth, check
from rarebeat.metrics.ranking import area_under_roc, average_precision, cumulate, rank_classes


@dataclass(frozen=True)
class Counts:
    """Confusion counts (sums of weights).

    Attributes:
        true_positive: shape (..., classes).
        false_positive: shape (..., classes).
        false_negative: shape (..., classes).
        true_negative: shape (..., classes).
    """

    true_positive: FloatArray
    false_positive: FloatArray
    false_negative: FloatArray
    true_negative: FloatArray

    @property
    def positives(self) -> FloatArray:
        """Known positive records."""
        return self.true_positive + self.false_negative

    @property
    def negatives(self) -> FloatArray:
        """Known negative records."""
        return self.true_negative + self.false_positive

    @property
    def precision(self) -> FloatArray:
        """TP / (TP + FP); 0 where nothing was called positive; NaN without positives or negatives."""
        return self._with_both(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> FloatArray:
        """TP / (TP + FN), also called sensitivity; NaN without positives."""
        return _quotient(self.true_positive, self.positives, otherwise=np.nan)

    @property
    def f1(self) -> FloatArray:
        """2 TP / (2 TP + FP + FN); NaN without positives or negatives."""
        hits = 2 * self.true_positive
        return self._with_both(hits, hits + self.false_positive + self.false_negative)

    @property
    def specificity(self) -> FloatArray:
        """TN / (TN + FP); NaN without negatives."""
        return _quotient(self.true_negative, self.negatives, otherwise=np.nan)

    def pooled(self) -> "Counts":
        """The counts of all classes together, with a class axis of length 1."""
        return Counts(
            self.true_positive.sum(axis=-1, keepdims=True),
            self.false_positive.sum(axis=-1, keepdims=True),
            self.false_negative.sum(axis=-1, keepdims=True),
            self.true_negative.sum(axis=-1, keepdims=True),
        )

    def _with_both(self, part: FloatArray, whole: FloatArray) -> FloatArray:
        both = (self.positives > 0) & (self.negatives > 0)
        return np.where(both, _quotient(part, whole, otherwise=0.0), np.nan)


def _quotient(part: FloatArray, whole: FloatArray, otherwise: float) -> FloatArray:
    return np.divide(part, whole, out=np.full_like(whole, otherwise), where=whole > 0)


def decide(probability: Probability, thresholds: npt.ArrayLike) -> BoolArray:
    """Decide which classes are called: probability >= threshold, compared in double precision.

    Args:
        probability: shape (n, classes).
        thresholds: shape (classes,), or one number for all.

    Returns:
        Shape (n, classes).
    """
    return np.asarray(probability >= np.asarray(thresholds, dtype=np.float64))


def count(truth: Truth, decisions: BoolArray, weights: FloatArray | None = None) -> Counts:
    """Count true and false decisions.

    Args:
        truth: shape (n, classes).
        decisions: shape (n, classes).
        weights: shape (..., n), for example one row per bootstrap replicate; default: none.

    Returns:
        Counts of shape (..., classes).
    """

    def total(cells: BoolArray) -> FloatArray:
        ones = cells.astype(np.float64)
        return np.asarray(ones.sum(axis=0) if weights is None else weights @ ones)

    positive, negative = truth == 1, truth == 0
    return Counts(
        true_positive=total(positive & decisions),
        false_positive=total(negative & decisions),
        false_negative=total(positive & ~decisions),
        true_negative=total(negative & ~decisions),
    )


def auroc(truth: Truth, probability: Probability, weights: FloatArray | None = None) -> FloatArray:
    """Area under the ROC curve of each class.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        weights: shape (..., n), for example one row per bootstrap replicate; default: none.

    Returns:
        Shape (..., classes).

    Raises:
        RarebeatError: when a probability is not a number.
    """
    return _per_class(area_under_roc, truth, probability, weights)


def auprc(truth: Truth, probability: Probability, weights: FloatArray | None = None) -> FloatArray:
    """Average precision of each class.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        weights: shape (..., n), for example one row per bootstrap replicate; default: none.

    Returns:
        Shape (..., classes).

    Raises:
        RarebeatError: when a probability is not a number.
    """
    return _per_class(average_precision, truth, probability, weights)


def _per_class(
    area: Callable[[FloatArray, FloatArray], FloatArray],
    truth: Truth,
    probability: Probability,
    weights: FloatArray | None,
) -> FloatArray:
    check(truth, probability)
    return np.stack(
        [area(*cumulate(ranking, weights)) for ranking in rank_classes(truth, probability)], axis=-1
    )


def macro(values: FloatArray) -> FloatArray:
    """Mean over the classes in which a metric is defined.

    Args:
        values: shape (..., classes); NaN where undefined.

    Returns:
        Shape (...); NaN where every class is undefined.

    Example:
        >>> macro(np.array([[0.5, np.nan, 1.0], [np.nan, np.nan, np.nan]]))
        array([0.75,  nan])
    """
    defined = ~np.isnan(values)
    number = defined.sum(axis=-1)
    total = np.where(defined, values, 0.0).sum(axis=-1)
    return np.asarray(np.where(number > 0, total / np.maximum(number, 1), np.nan))
