"""Calibration before and after the stored map, and how often certain answers are right, class by class.

Intervals of calibration are percentiles of a bootstrap over patients, those of shares Wilson's at the effective number
of records. They hold model, map and limits fixed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.evaluation.bootstrap import patient_weights
from rarebeat.inference.model_card import ModelCard
from rarebeat.inference.predictions import Predictions
from rarebeat.metrics.arrays import BoolArray, FloatArray, Truth
from rarebeat.metrics.calibration import calibration_slope
from rarebeat.metrics.certainty import Told, tell, tell_together
from rarebeat.metrics.intervals import share_interval

BINS = 10
"""Equal steps of probability in which calibration is looked at."""

Ends = tuple[float, float, float]
"""A value, then the low and the high end of its interval; NaN where it is undefined."""

_CELLS = 4_000_000  # record weights in memory at once


@dataclass(frozen=True)
class ClassCalibration:
    """How far the probabilities of one class are right, as the network gives them and after the map.

    Attributes:
        brier_before: mean squared distance of probability and truth.
        brier: after the map.
        brier_gain: how much smaller it became.
        error_before: expected calibration error: distance of mean probability and share of positives, mean over
            :data:`BINS` steps of probability, each weighing as much as it has records.
        error: after the map.
        slope_before: of the log odds; below 1 they are too sure of themselves.
        slope: after the map.
    """

    brier_before: Ends
    brier: Ends
    brier_gain: Ends
    error_before: Ends
    error: Ends
    slope_before: float
    slope: float


@dataclass(frozen=True)
class ClassAnswers:
    """What the certain answers of one class are worth.

    Attributes:
        kept_present: share of the records with the class that are not answered "no".
        kept_absent: share of the records without it that are not answered "yes".
        unsure_present: share of the records with the class that are answered "unsure".
        unsure_absent: share of the records without it.
        patients: with a record of the class, in what it was calibrated on.
        never_no: whether no record can be answered "no": these are too few.
        never_yes: whether none can be answered "yes": too few had a record without the class.
    """

    kept_present: Ends
    kept_absent: Ends
    unsure_present: Ends
    unsure_absent: Ends
    patients: int
    never_no: bool
    never_yes: bool


@dataclass(frozen=True)
class CertaintyScores:
    """What calibration and certain answers are worth.

    Attributes:
        coverage: that the answers promise.
        calibration: class id to its calibration; classes of which nothing is stored are left out.
        answers: class id to its answers.
        confidence: of the intervals.
        together: whether an ensemble answers, whose promise is weaker.
        at_site: whether a site's labelled records were calibrated on, in place of the validation split.
    """

    coverage: float
    calibration: dict[str, ClassCalibration]
    answers: dict[str, ClassAnswers]
    confidence: float
    together: bool = False
    at_site: bool = False


@dataclass(frozen=True)
class Claims:
    """What a model tells of the records of a test split, and what it promises.

    Attributes:
        told: of its n records and its classes.
        coverage: share of records whose true label shall not be excluded.
        patients: shape (classes,), with a record of each class, in what it was calibrated on; of an ensemble the
            fewest of a member that tells of the class.
        never_no: shape (classes,), whether no record can be answered "no".
        never_yes: likewise for "yes".
        together: whether an ensemble tells it.
        at_site: whether a site's labelled records were calibrated on, in place of the validation split.
    """

    told: Told
    coverage: float
    patients: npt.NDArray[np.intp]
    never_no: BoolArray
    never_yes: BoolArray
    together: bool = False
    at_site: bool = False


def claims_of(card: ModelCard, predictions: Predictions) -> Claims | None:
    """What one model tells of records.

    Args:
        card: of the model.
        predictions: of it.

    Returns:
        What it tells; None where it was trained before there was anything to tell.
    """
    if card.certainty is None:
        return None
    stored = [card.certainty.classes.get(name) for name in predictions.classes]
    return Claims(
        tell(card.certainty, predictions.classes, predictions.probability, card.offsets),
        card.certainty.coverage,
        np.array([0 if one is None else one.positives for one in stored]),
        np.array([one is None or one.no_below is None for one in stored]),
        np.array([one is None or one.yes_above is None for one in stored]),
        at_site=bool(card.adapted),
    )


def claims_together(members: Sequence[Claims | None]) -> Claims | None:
    """What an ensemble tells of the records that each member has told of.

    Args:
        members: what each tells of the same records and classes.

    Returns:
        What they tell; None where one of them tells nothing.
    """
    known = [one for one in members if one is not None]
    if not known or len(known) < len(members):
        return None
    votes = np.array([~np.isnan(one.told.calibrated).all(axis=0) for one in known])
    half = votes.sum(axis=0) / 2
    never_no, never_yes = (
        np.sum(votes & [getattr(one, name) for one in known], axis=0) >= half
        for name in ("never_no", "never_yes")
    )
    fewest = np.where(votes, [one.patients for one in known], np.iinfo(np.intp).max).min(axis=0)
    return Claims(
        tell_together([one.told for one in known]),
        min(one.coverage for one in known),
        np.where(votes.any(axis=0), fewest, 0),
        never_no,
        never_yes,
        together=True,
        at_site=all(one.at_site for one in known),
    )


def measure_certainty(
    claims: Claims | None,
    predictions: Predictions,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> CertaintyScores | None:
    """Compare what a model tells with what is true.

    Args:
        claims: what it tells of n records; None for a model that tells nothing.
        predictions: of the same records and classes.
        replicates: of the bootstrap; 0 leaves its intervals out, as known records of a single patient do.
        confidence: of the intervals.
        seed: of the bootstrap.

    Returns:
        The scores; None without claims.
    """
    if claims is None:
        return None
    truth, probability = predictions.truth, predictions.probability.astype(np.float64)
    patients, classes = predictions.patients, predictions.classes
    calibrated = claims.told.calibrated
    columns = [k for k in range(len(classes)) if not np.isnan(calibrated[:, k]).any()]
    before, after = (
        _replicated(truth[:, columns], values[:, columns], patients, replicates, seed)
        for values in (probability, calibrated)
    )
    said = claims.told.answers(predictions.decisions)
    calibration, answers = {}, {}
    for place, k in enumerate(columns):
        known = truth[:, k] >= 0
        positive = truth[known, k] == 1
        # One patient does not say how patients differ.
        drawn = slice(None if np.unique(patients[known]).size > 1 else 1)
        raw, fitted = ([scores[drawn, place] for scores in one] for one in (before, after))
        calibration[classes[k]] = ClassCalibration(
            brier_before=_ends(raw[0], confidence),
            brier=_ends(fitted[0], confidence),
            brier_gain=_ends(raw[0] - fitted[0], confidence),
            error_before=_ends(raw[1], confidence),
            error=_ends(fitted[1], confidence),
            slope_before=calibration_slope(positive, probability[known, k]),
            slope=calibration_slope(positive, calibrated[known, k]),
        )
        answers[classes[k]] = _answers(
            said[known, k],
            positive,
            patients[known],
            confidence,
            (int(claims.patients[k]), bool(claims.never_no[k]), bool(claims.never_yes[k])),
        )
    return CertaintyScores(claims.coverage, calibration, answers, confidence, claims.together, claims.at_site)


def _answers(
    said: npt.NDArray[np.str_],
    positive: BoolArray,
    patients: npt.NDArray[np.object_] | npt.NDArray[np.str_],
    confidence: float,
    limits: tuple[int, bool, bool],
) -> ClassAnswers:
    def share(hit: BoolArray, rows: BoolArray) -> Ends:
        return share_interval(hit[rows], patients[rows], confidence) if rows.any() else (np.nan,) * 3

    return ClassAnswers(
        share(said != "no", positive),
        share(said != "yes", ~positive),
        share(said == "unsure", positive),
        share(said == "unsure", ~positive),
        *limits,
    )


def _replicated(
    truth: Truth,
    probability: FloatArray,
    patients: npt.NDArray[np.object_] | npt.NDArray[np.str_],
    replicates: int,
    seed: int,
) -> tuple[FloatArray, FloatArray]:
    """Brier score and calibration error, shape (1 + replicates, classes): of the records, then of the replicates."""
    records, classes = truth.shape
    known = (truth >= 0).astype(np.float64)
    positive = (truth == 1).astype(np.float64)
    squared = known * (probability - positive) ** 2
    steps = np.clip((probability * BINS).astype(np.intp), 0, BINS - 1)
    by_step = np.zeros((records, classes, BINS))
    np.put_along_axis(by_step, steps[:, :, None], (known * (probability - positive))[:, :, None], axis=2)
    excess = by_step.reshape(records, classes * BINS)
    brier, error = [], []
    for weights in _all_weights(patients, replicates, seed):
        total = weights @ known
        with np.errstate(invalid="ignore", divide="ignore"):
            brier.append(weights @ squared / total)
            apart = np.abs(weights @ excess).reshape(len(weights), classes, BINS).sum(axis=2)
            error.append(apart / total)
    return np.concatenate(brier), np.concatenate(error)


def _all_weights(
    patients: npt.NDArray[np.object_] | npt.NDArray[np.str_], replicates: int, seed: int
) -> Iterator[FloatArray]:
    """Record weights: each record once, then those of the replicates, in blocks."""
    yield np.ones((1, len(patients)))
    if replicates:
        yield from patient_weights(patients, replicates, seed, max(1, _CELLS // len(patients)))


def _ends(values: FloatArray, confidence: float) -> Ends:
    """The first value, and the percentiles of the others that are defined."""
    others = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or not others.size:
        return float(values[0]), np.nan, np.nan
    low, high = np.quantile(others, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(values[0]), float(low), float(high)
