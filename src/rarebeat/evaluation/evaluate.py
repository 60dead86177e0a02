"""From predictions to an evaluation: all that is known about one set of them."""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field
from pydantic.dataclasses import dataclass as settings_dataclass

from rarebeat.core.errors import RarebeatError
from rarebeat.core.params import STRICT, Seed
from rarebeat.evaluation.bootstrap import Intervals, bootstrap
from rarebeat.evaluation.certainty.measures import CertaintyScores, Claims, measure_certainty
from rarebeat.evaluation.challenge import challenge_metrics, score_intervals
from rarebeat.evaluation.scores import Scores, prepare, score
from rarebeat.inference.novelty import UNLIKE
from rarebeat.inference.predictions import Predictions
from rarebeat.metrics.arrays import BoolArray, FloatArray
from rarebeat.metrics.challenge_classes import challenge_columns, challenge_places
from rarebeat.metrics.classification import decide
from rarebeat.metrics.intervals import wilson
from rarebeat.metrics.ranking import DEFAULT_THRESHOLD


@settings_dataclass(frozen=True, config=STRICT)
class EvaluateSettings:
    """Settings of the evaluation.

    Attributes:
        replicates: bootstrap replicates over patients; 0 leaves the intervals out.
        confidence: of the intervals.
        seed: of the bootstrap.
        at_least: classes with fewer positive patients are not part of the macro averages: their scores are chance.
        test_on: cohorts whose test records are scored; None: all.
    """

    replicates: Annotated[int, Field(ge=0, le=1_000_000)] = 1000
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    seed: Seed = 0
    at_least: Annotated[int, Field(ge=1)] = 10
    test_on: tuple[str, ...] | None = None


@dataclass(frozen=True)
class OperatingPoint:
    """Scores at one set of thresholds.

    Attributes:
        thresholds: shape (classes,).
        scores: the metrics of all records.
        intervals: their confidence intervals.
    """

    thresholds: FloatArray
    scores: Scores
    intervals: Intervals

    def with_interval(self, metric: str, column: int) -> tuple[float, float, float]:
        """A metric, and the low and the high end of its interval.

        Args:
            metric: one of :data:`rarebeat.evaluation.scores.METRICS`.
            column: of a class, ``MACRO`` or ``MICRO``.

        Returns:
            Three numbers; NaN where undefined.
        """
        parts = (self.scores, self.intervals.low, self.intervals.high)
        value, low, high = (float(part.values[metric][column]) for part in parts)
        return value, low, high


@dataclass(frozen=True)
class ChallengeResult:
    """The metrics of the PhysioNet/CinC Challenge 2020 at the chosen thresholds.

    Attributes:
        values: by name as in :data:`rarebeat.evaluation.challenge.CHALLENGE_METRICS`.
        low: ends of the intervals, without those of AUROC and AUPRC, which are the macro averages.
        high: likewise.
    """

    values: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]


@dataclass(frozen=True)
class Share:
    """A share of records, with its interval.

    Attributes:
        value: between 0 and 1.
        low: low end of the interval.
        high: high end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """All that is known about one set of predictions.

    Attributes:
        classes: names, in column order.
        records: number of records.
        patients: number of patients; a record whose patient is not known counts as one.
        known: shape (classes,), records whose truth is known.
        positives: shape (classes,), positive records.
        positive_patients: shape (classes,), patients who have any.
        averaged: shape (classes,), whether a class is part of the macro averages: it has at least ``at_least`` positive
            patients, and a negative record.
        at_least: of the settings.
        tuned: all metrics at the chosen thresholds.
        at_half: F1, precision and recall at a threshold of 0.5.
        cohorts: the same for each cohort alone, where there are several.
        confidence: of the intervals, such as 0.95.
        without_patient: records whose patient is not known.
        challenge: where all the challenge's classes are there.
        unlike: records that are said to be unlike the training data, where that can be told.
        certainty: what calibration and certain answers are worth, where the model has any.
    """

    classes: tuple[str, ...]
    records: int
    patients: int
    known: npt.NDArray[np.intp]
    positives: npt.NDArray[np.intp]
    positive_patients: npt.NDArray[np.intp]
    averaged: BoolArray
    at_least: int
    tuned: OperatingPoint
    at_half: OperatingPoint
    cohorts: dict[str, "Evaluation"]
    confidence: float
    without_patient: int = 0
    challenge: ChallengeResult | None = None
    unlike: Share | None = None
    certainty: CertaintyScores | None = None


def evaluate(
    predictions: Predictions,
    settings: EvaluateSettings | None = None,
    by_cohort: bool = True,
    claims: Claims | None = None,
) -> Evaluation:
    """Score predictions, with bootstrap intervals over patients.

    Args:
        predictions: of records that neither weights nor thresholds have seen. Classes that the model does not know
            (their threshold is NaN) are left out.
        settings: of the intervals; default: :class:`EvaluateSettings`.
        by_cohort: with two or more cohorts, score each alone, too.
        claims: what else is told of the same records and classes; it is scored over all cohorts.

    Returns:
        All metrics at the chosen thresholds and at 0.5; those of the CinC Challenge 2020 where all of its classes
        are there.

    Raises:
        RarebeatError: when there are no records, or a probability is not a number.
    """
    if not len(predictions):
        raise RarebeatError(
            "there are no records to evaluate: the split is empty, use more data or larger splits"
        )
    settings = settings or EvaluateSettings()
    known = predictions.known_classes()
    names = np.unique(known.cohorts).tolist() if by_cohort else []
    parts = {
        str(name): evaluate(known.rows(known.cohorts == name), settings, by_cohort=False)
        for name in (names if len(names) > 1 else [])
    }
    half = np.full(len(known.classes), DEFAULT_THRESHOLD)
    positive_patients = count_positive_patients(known)
    averaged = (positive_patients >= settings.at_least) & (known.truth == 0).any(axis=0)
    return Evaluation(
        classes=known.classes,
        records=len(known),
        patients=np.unique(known.patients).size,
        without_patient=known.without_patient,
        known=np.count_nonzero(known.truth >= 0, axis=0),
        positives=np.count_nonzero(known.truth == 1, axis=0),
        positive_patients=positive_patients,
        averaged=averaged,
        at_least=settings.at_least,
        tuned=_operating_point(known, known.thresholds, known.decisions, settings, averaged, areas=True),
        at_half=_operating_point(
            known, half, decide(known.probability, half), settings, averaged, areas=False
        ),
        cohorts=parts,
        confidence=settings.confidence,
        challenge=_challenge(known, settings),
        unlike=_unlike(known, settings.confidence),
        certainty=measure_certainty(
            claims, predictions, settings.replicates, settings.confidence, settings.seed
        ),
    )


def count_positive_patients(predictions: Predictions) -> npt.NDArray[np.intp]:
    """Count the patients with a positive record, class by class.

    Args:
        predictions: of any records.

    Returns:
        Shape (classes,).
    """
    names, owner = np.unique(predictions.patients, return_inverse=True)
    found = np.zeros((names.size, len(predictions.classes)), dtype=np.bool_)
    rows, columns = np.nonzero(predictions.truth == 1)
    found[owner[rows], columns] = True
    return np.asarray(np.count_nonzero(found, axis=0))


def _unlike(predictions: Predictions, confidence: float) -> Share | None:
    """The share of records that are unlike the training data; the Wilson interval as if each patient had one record.

    A bootstrap has no interval for the most welcome result, which is not one warning.
    """
    if predictions.warnings is None:
        return None
    share = float(np.mean([UNLIKE in text for text in predictions.warnings.tolist()]))
    low, high = wilson(share, np.unique(predictions.patients).size, confidence)
    return Share(share, float(low), float(high))


def _operating_point(
    predictions: Predictions,
    thresholds: FloatArray,
    decisions: BoolArray,
    settings: EvaluateSettings,
    averaged: BoolArray,
    areas: bool,
) -> OperatingPoint:
    """Scores of some decisions, and of the ranking where ``areas`` is True."""
    prepared = replace(
        prepare(predictions.truth, predictions.probability, thresholds, areas, averaged), decisions=decisions
    )
    intervals = bootstrap(
        prepared, predictions.patients, settings.replicates, settings.confidence, settings.seed
    )
    return OperatingPoint(thresholds, score(prepared), intervals)


def _challenge(predictions: Predictions, settings: EvaluateSettings) -> ChallengeResult | None:
    places = challenge_places(predictions.vocabulary, predictions.codes)
    if (columns := challenge_columns(predictions.classes, places)) is None:
        return None
    truth, decisions = predictions.truth[:, columns], predictions.decisions[:, columns]
    low, high = score_intervals(
        truth, decisions, predictions.patients, settings.replicates, settings.confidence, settings.seed
    )
    return ChallengeResult(
        challenge_metrics(truth, decisions, predictions.probability[:, columns]), low, high
    )
