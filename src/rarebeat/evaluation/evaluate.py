"""From predictions to an evaluation, and from there to the content of ``reports/metrics.json``."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import RarebeatError
from rarebeat.core.tables import tidy
from rarebeat.evaluation.bootstrap import Intervals, Patients, bootstrap
from rarebeat.evaluation.challenge import challenge_metrics, score_intervals
from rarebeat.evaluation.scores import DECISION_METRICS, MACRO, METRICS, MICRO, Scores, prepare, score
from rarebeat.evaluation.settings import EvaluateSettings
from rarebeat.metrics.arrays import BoolArray, FloatArray, Probability, Truth
from rarebeat.metrics.classification import decide
from rarebeat.metrics.cuts import FIXED

MetricTree = dict[str, "float | MetricTree | None"]
"""Nested mappings of numbers; None stands for an undefined metric."""

_WITH_INTERVAL = ("f1", "auroc", "auprc")


@dataclass(frozen=True)
class Operating:
    """Scores at one set of thresholds.

    Attributes:
        thresholds: shape (classes,).
        scores: the metrics of all records.
        intervals: their confidence intervals.
    """

    thresholds: FloatArray
    scores: Scores
    intervals: Intervals


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
class Evaluation:
    """All that is known about one set of predictions.

    Attributes:
        classes: names, in column order.
        records: number of records.
        patients: number of patients.
        known: shape (classes,), records whose truth is known.
        positives: shape (classes,), positive records.
        tuned: all metrics at the chosen thresholds.
        half: F1, precision and recall at a threshold of 0.5.
        cohorts: the same for each cohort alone, where there are several.
        confidence: of the intervals, such as 0.95.
        challenge: where all the challenge's classes are there.
    """

    classes: tuple[str, ...]
    records: int
    patients: int
    known: npt.NDArray[np.intp]
    positives: npt.NDArray[np.intp]
    tuned: Operating
    half: Operating
    cohorts: dict[str, "Evaluation"]
    confidence: float
    challenge: ChallengeResult | None = None


def evaluate(
    truth: Truth,
    probability: Probability,
    thresholds: FloatArray,
    patients: Patients,
    classes: tuple[str, ...],
    cohorts: Patients | None = None,
    settings: EvaluateSettings | None = None,
    challenge: tuple[int, ...] | None = None,
    decisions: BoolArray | None = None,
) -> Evaluation:
    """Score predictions, with bootstrap intervals over patients.

    Args:
        truth: shape (n, classes): 1, 0 or -1 (left out).
        probability: shape (n, classes).
        thresholds: shape (classes,), chosen on other records than these.
        patients: shape (n,), who each record belongs to.
        classes: their names.
        cohorts: shape (n,), where each record comes from; with two or more, each is also scored alone.
        settings: of the intervals; default: :class:`EvaluateSettings`.
        challenge: which column holds each class of the challenge, see
            :func:`rarebeat.metrics.challenge_columns.challenge_columns`; None leaves its metrics out.
        decisions: shape (n, classes), those of an ensemble's vote; default: probability >= threshold.

    Raises:
        RarebeatError: when there are no records, or a probability is not a number.
    """
    if not len(truth):
        raise RarebeatError(
            "there are no records to evaluate: the split is empty, use more data or larger splits"
        )
    settings = settings or EvaluateSettings()
    called = decide(probability, thresholds) if decisions is None else decisions
    half = np.full(len(classes), FIXED)

    def operate(cuts: FloatArray, called: BoolArray, areas: bool) -> Operating:
        prepared = replace(prepare(truth, probability, cuts, areas), decisions=called)
        intervals = bootstrap(prepared, patients, settings.replicates, settings.confidence, settings.seed)
        return Operating(cuts, score(prepared), intervals)

    parts: dict[str, Evaluation] = {}
    names = [] if cohorts is None else np.unique(cohorts).tolist()
    for name in names if len(names) > 1 else []:
        rows = cohorts == name
        parts[str(name)] = evaluate(
            truth[rows],
            probability[rows],
            thresholds,
            patients[rows],
            classes,
            settings=settings,
            challenge=challenge,
            decisions=called[rows],
        )
    return Evaluation(
        classes=classes,
        records=len(truth),
        patients=np.unique(patients).size,
        known=np.count_nonzero(truth >= 0, axis=0),
        positives=np.count_nonzero(truth == 1, axis=0),
        tuned=operate(thresholds, called, areas=True),
        half=operate(half, decide(probability, half), areas=False),
        cohorts=parts,
        confidence=settings.confidence,
        challenge=_challenge(truth, probability, called, patients, challenge, settings),
    )


def _challenge(
    truth: Truth,
    probability: Probability,
    decisions: BoolArray,
    patients: Patients,
    columns: tuple[int, ...] | None,
    settings: EvaluateSettings,
) -> ChallengeResult | None:
    if columns is None:
        return None
    truth, probability, decisions = truth[:, columns], probability[:, columns], decisions[:, columns]
    low, high = score_intervals(
        truth, decisions, patients, settings.replicates, settings.confidence, settings.seed
    )
    return ChallengeResult(challenge_metrics(truth, decisions, probability), low, high)


def metrics_content(evaluation: Evaluation) -> MetricTree:
    """The content of ``reports/metrics.json``: nested mappings of plain numbers, for ``dvc metrics diff``.

    ``macro`` and ``micro`` hold the five metrics and the ends of the intervals of F1, AUROC and AUPRC
    (``f1_low``, ``f1_high``), ``at_0.5`` the same F1, precision and recall at a threshold of 0.5, ``classes``
    each class by name, ``challenge`` (where all its classes are there) the metrics of the PhysioNet/CinC
    Challenge 2020 with the interval of the score, and ``cohorts`` (where there are several) each cohort by
    name. Numbers have five significant digits; an undefined metric is None.
    """
    content: MetricTree = {
        "records": evaluation.records,
        "patients": evaluation.patients,
        "classes_with_positives": int(np.count_nonzero(evaluation.positives)),
        **_averages(evaluation.tuned, METRICS),
        "at_0.5": _averages(evaluation.half, DECISION_METRICS),
        "classes": {name: _class_metrics(evaluation, index) for index, name in enumerate(evaluation.classes)},
    }
    content |= _challenge_content(evaluation)
    if evaluation.cohorts:
        content["cohorts"] = {
            name: {
                "records": part.records,
                "patients": part.patients,
                **_averages(part.tuned, METRICS),
                **_challenge_content(part),
            }
            for name, part in evaluation.cohorts.items()
        }
    return content


def _challenge_content(evaluation: Evaluation) -> MetricTree:
    if (result := evaluation.challenge) is None:
        return {}
    ends = {"score_low": tidy(result.low["score"]), "score_high": tidy(result.high["score"])}
    return {"challenge": {**{name: tidy(value) for name, value in result.values.items()}, **ends}}


def _averages(operating: Operating, metrics: tuple[str, ...]) -> MetricTree:
    return {
        "macro": _column(operating, metrics, MACRO, _WITH_INTERVAL),
        "micro": _column(operating, metrics, MICRO, _WITH_INTERVAL),
    }


def _class_metrics(evaluation: Evaluation, index: int) -> MetricTree:
    return {
        **_column(evaluation.tuned, METRICS, index),
        "threshold": tidy(evaluation.tuned.thresholds[index]),
        "positives": int(evaluation.positives[index]),
    }


def _column(
    operating: Operating, metrics: tuple[str, ...], index: int, with_interval: tuple[str, ...] = ()
) -> MetricTree:
    column: MetricTree = {}
    for name in metrics:
        column[name] = tidy(operating.scores.values[name][index])
        if name in with_interval:
            column[f"{name}_low"] = tidy(operating.intervals.low.values[name][index])
            column[f"{name}_high"] = tidy(operating.intervals.high.values[name][index])
    return column
