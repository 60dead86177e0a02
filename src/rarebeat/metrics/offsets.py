"""One number per class that is added to its logits: a model meets a site where classes are rarer or more common.

Ranking stays as it is, and so do AUROC and AUPRC. What changes are the probabilities: their mean becomes the share of
positive records, but for a prior that keeps classes with few of them from running away.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from rarebeat.metrics.arrays import FloatArray, Probability, Truth

SPREAD = 3.0
"""Standard deviation of the prior of an offset, which is normal around 0: odds of 1 to 20 in both directions."""

SMALLEST = 1e-7
"""Probabilities nearer to 0 or 1 count as this near: float32 tells no others apart."""

_NEAREST = 2.0**-150, 1 - 2.0**-25  # what 0 and 1 are taken for: further out than any other float32
_LARGEST = 40.0  # offsets that the prior makes impossible
_HALVINGS = 60


def log_odds(probability: Probability | FloatArray) -> FloatArray:
    """The log odds of probabilities, finite also for 0 and 1 (see :data:`SMALLEST`).

    Args:
        probability: any shape, from 0 to 1.

    Returns:
        The same shape.

    Example:
        >>> log_odds(np.array([0.5, 1.0])).round(1).tolist()
        [0.0, 16.1]
    """
    return np.asarray(logit(np.clip(np.asarray(probability, dtype=np.float64), SMALLEST, 1 - SMALLEST)))


def exact_log_odds(probability: Probability | FloatArray) -> FloatArray:
    """Log odds in which float32 probabilities stay apart up to 0 and 1 themselves, which become finite, too.

    Args:
        probability: any shape, from 0 to 1.

    Returns:
        The same shape.

    Example:
        >>> exact_log_odds(np.array([1e-12, 1.0])).round(1).tolist()
        [-27.6, 17.3]
    """
    return np.asarray(logit(np.clip(np.asarray(probability, dtype=np.float64), *_NEAREST)))


def without_offsets(probability: Probability | FloatArray, offsets: FloatArray) -> FloatArray:
    """The probabilities of a model before offsets were added to its logits.

    Args:
        probability: shape (n, classes).
        offsets: shape (classes,).

    Returns:
        Shape (n, classes).

    Example:
        >>> without_offsets(np.array([[0.5]]), np.array([2.0])).round(3).tolist()
        [[0.119]]
    """
    return np.asarray(expit(log_odds(probability) - offsets))


def fit_offsets(truth: Truth, probability: Probability, spread: float = SPREAD) -> FloatArray:
    """Fit an offset for the logits of each class to labelled records.

    It maximises the likelihood of the labels times the prior. Without the prior the mean probability would be the share
    of positives exactly; a class without positives, or without negatives, would have no finite offset.

    Args:
        truth: shape (n, classes): 1 present, 0 absent, -1 left out.
        probability: shape (n, classes), of a model that has not learnt from these records.
        spread: standard deviation of the prior, in logits.

    Returns:
        Shape (classes,), in logits; 0 for a class without any known record.

    Source:
        Saerens et al. 2002, Adjusting the outputs of a classifier to new a priori probabilities, Neural Computation
        14:1; here by likelihood, with a prior.

    Example:
        >>> truth = np.array([[1], [0], [0], [0]] * 100)
        >>> offsets = fit_offsets(truth, np.full((400, 1), 0.5))
        >>> (1 / (1 + np.exp(-offsets))).round(2).tolist()
        [0.25]
    """
    known = truth >= 0
    positives = np.count_nonzero(truth == 1, axis=0)
    odds = log_odds(probability)
    low: npt.NDArray[np.float64] = np.full(truth.shape[1], -_LARGEST)
    high = -low
    for _ in range(_HALVINGS):  # the slope of the log likelihood falls all the way: it has one zero
        middle = (low + high) / 2
        slope = positives - (expit(odds + middle) * known).sum(axis=0) - middle / spread**2
        low, high = np.where(slope > 0, middle, low), np.where(slope > 0, high, middle)
    return np.asarray(np.where(known.any(axis=0), (low + high) / 2, 0.0))


def calibration_error(truth: Truth, probability: Probability) -> FloatArray:
    """How far the mean probability of each class is from its share of positive records.

    Args:
        truth: shape (n, classes): 1 present, 0 absent, -1 left out.
        probability: shape (n, classes).

    Returns:
        Shape (classes,), absolute difference of the logits of the two, where half a record is added to positives and
        negatives; NaN for a class without any known record.

    Example:
        >>> truth = np.array([[1], [0], [0], [0]] * 100)
        >>> calibration_error(truth, np.full((400, 1), 0.5)).round(1).tolist()
        [1.1]
    """
    known = truth >= 0
    total = np.count_nonzero(known, axis=0)
    expected = np.where(known, probability, 0.0).sum(axis=0)
    found = np.count_nonzero(truth == 1, axis=0)
    error = np.abs(logit((expected + 0.5) / (total + 1)) - logit((found + 0.5) / (total + 1)))
    return np.asarray(np.where(total > 0, error, np.nan))
