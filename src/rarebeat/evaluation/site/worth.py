"""What offsets of the logits are worth at a site: calibration before and after, on patients they were not fitted to.

The patients are dealt into :data:`FOLDS` parts, and each part is judged with offsets that were fitted to the others,
or with the earlier offset of a class that has no labels there.
The intervals are over patients, and hold the offsets fixed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from rarebeat.core.tables import markdown_table
from rarebeat.evaluation.bootstrap import patient_weights
from rarebeat.evaluation.site.recordings import Scored
from rarebeat.inference.model_card import ModelCard
from rarebeat.metrics.arrays import FloatArray, Probability, Truth
from rarebeat.metrics.offsets import fit_offsets, log_odds

FOLDS = 5
REPLICATES = 1000
CONFIDENCE = 0.95
_BLOCK = 100  # replicates at a time


@dataclass(frozen=True)
class ClassChange:
    """How one class was adapted.

    Attributes:
        name: class id.
        positives: records that have it.
        negatives: records that do not; of the others it is unknown.
        positive_patients: patients with a positive record.
        offset: by how much the offset of its logit changes.
        threshold_before: of the model as it came.
        threshold: of the adapted one.
        excess_before: mean probability less the share of positives, then low and high end of its interval, which is NaN
            where the labelled records are of one patient.
        excess: the same on patients that the offset was not fitted to.
        brier_before: mean squared distance of probability and truth.
        brier: the same on patients that the offset was not fitted to.
        brier_gain: how much smaller it became, then low and high end of its interval.
    """

    name: str
    positives: int
    negatives: int
    positive_patients: int
    offset: float
    threshold_before: float
    threshold: float
    excess_before: tuple[float, float, float]
    excess: tuple[float, float, float]
    brier_before: float
    brier: float
    brier_gain: tuple[float, float, float]


def class_changes(
    truth: Truth,
    scored: Scored,
    plain: FloatArray,
    moves: FloatArray,
    thresholds: FloatArray,
    card: ModelCard,
) -> tuple[ClassChange, ...]:
    """Measure what was changed.

    Args:
        truth: shape (n, classes).
        scored: what the model says of the n records before.
        plain: shape (n, classes), what it would say without any offsets.
        moves: shape (classes,), by how much its offsets change.
        thresholds: shape (classes,), new.
        card: of the model before.

    Returns:
        The change of each class.
    """
    before = scored.probability.astype(np.float64)
    earlier = np.array([card.offsets.get(name, 0.0) for name in card.classes])
    after = held_out(truth, plain, scored.patients, earlier)
    weights = np.concatenate(list(patient_weights(scored.patients, REPLICATES, 0, _BLOCK)))
    return tuple(
        _change(
            name,
            truth[:, k],
            before[:, k],
            after[:, k],
            scored.patients,
            weights,
            moves[k],
            card,
            thresholds[k],
        )
        for k, name in enumerate(card.classes)
    )


def held_out(
    truth: Truth, probability: Probability, patients: npt.NDArray[np.object_], earlier: FloatArray
) -> FloatArray:
    """Probabilities with offsets that were fitted to other patients.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes), without offsets.
        patients: shape (n,), who each record is of.
        earlier: shape (classes,), offsets that stay where the other patients have no label of a class.

    Returns:
        Shape (n, classes).
    """
    names, owner = np.unique(patients, return_inverse=True)
    fold = np.random.default_rng([0]).permutation(names.size)[owner] % FOLDS
    after = probability.astype(np.float64)
    for number in np.unique(fold):
        out = fold == number
        others = truth[~out]
        fitted = np.where((others >= 0).any(axis=0), fit_offsets(others, probability[~out]), earlier)
        after[out] = expit(log_odds(after[out]) + fitted)
    return after


def _change(
    name: str,
    truth: npt.NDArray[np.int8],
    before: FloatArray,
    after: FloatArray,
    patients: npt.NDArray[np.object_],
    weights: FloatArray,
    offset: float,
    card: ModelCard,
    threshold: float,
) -> ClassChange:
    known = truth >= 0
    positive, weights = (truth[known] == 1).astype(np.float64), weights[:, known]
    if len(set(patients[known].tolist())) < 2:
        weights = weights[:0]  # one patient does not say how patients differ
    squared = [np.square(values[known] - positive) for values in (before, after)]
    return ClassChange(
        name=name,
        positives=int(positive.sum()),
        negatives=int(known.sum() - positive.sum()),
        positive_patients=len(set(patients[truth == 1].tolist())),
        offset=float(offset),
        threshold_before=card.thresholds[name],
        threshold=float(threshold),
        excess_before=mean_with_interval(before[known] - positive, weights),
        excess=mean_with_interval(after[known] - positive, weights),
        brier_before=mean_with_interval(squared[0], weights)[0],
        brier=mean_with_interval(squared[1], weights)[0],
        brier_gain=mean_with_interval(squared[0] - squared[1], weights),
    )


def mean_with_interval(values: FloatArray, weights: FloatArray) -> tuple[float, float, float]:
    """A mean, and the percentiles of the means of replicates.

    Args:
        values: shape (n,).
        weights: shape (replicates, n), how often each record was drawn.

    Returns:
        The mean, low and high end; NaN without values, and ends of NaN without replicates.
    """
    if not values.size:
        return np.nan, np.nan, np.nan
    if not len(weights):
        return float(values.mean()), np.nan, np.nan
    total = weights.sum(axis=1)
    means = (weights @ values)[total > 0] / total[total > 0]
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(values.mean()), float(low), float(high)


def change_table(changes: Sequence[ClassChange]) -> str:
    """The labelled classes as a Markdown table."""
    rows = [
        {
            "Class": one.name,
            "Positives": f"{one.positives} of {one.positives + one.negatives}",
            "Too high by, before": _signed(one.excess_before),
            "after": _signed(one.excess),
            "Brier before": f"{one.brier_before:.3f}",
            "after ": f"{one.brier:.3f}",
            "gained": _signed(one.brier_gain, 3),
            "Offset": f"{one.offset:+.2f}",
            "Threshold": f"{one.threshold_before:.2f} -> {one.threshold:.2f}",
        }
        for one in changes
        if one.positives + one.negatives
    ]
    return markdown_table(rows)


def _signed(values: tuple[float, float, float], digits: int = 2) -> str:
    value, low, high = (f"{entry:+.{digits}f}" for entry in values)
    return value if np.isnan(values[1]) else f"{value} ({low} to {high})"
