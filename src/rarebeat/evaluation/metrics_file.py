"""An evaluation as the content of ``reports/metrics.json``."""

import numpy as np

from rarebeat.core.tables import tidy
from rarebeat.evaluation.certainty.tables import class_content, mean_content
from rarebeat.evaluation.evaluate import Evaluation, OperatingPoint
from rarebeat.evaluation.scores import DECISION_METRICS, MACRO, METRICS, MICRO

MetricTree = dict[str, "float | MetricTree | None"]
"""Nested mappings of numbers; None stands for an undefined metric."""

_WITH_INTERVAL = ("f1", "auroc", "auprc")


def metrics_content(evaluation: Evaluation) -> MetricTree:
    """The content of ``reports/metrics.json``: nested mappings of plain numbers, for ``dvc metrics diff``.

    ``macro`` and ``micro`` hold the five metrics and the ends of the intervals of F1, AUROC and AUPRC
    (``f1_low``, ``f1_high``), ``macro_classes`` is how many classes the macro averages are over, ``at_0.5`` has the
    same F1, precision and recall at a threshold of 0.5, ``classes`` each class by name, ``challenge`` (where all its
    classes are there) the metrics of the PhysioNet/CinC Challenge 2020 with the interval of the score, and ``cohorts``
    (where there are several) each cohort by name. ``unlike_training`` (where the model can tell) is the share of
    records with a warning, and its interval. Where calibration is stored with the model, ``calibration`` and
    ``coverage`` are there, too, see :mod:`rarebeat.evaluation.certainty.tables`. Numbers have five significant digits;
    an undefined metric is None.

    Args:
        evaluation: all that is known.

    Returns:
        Nested mappings.
    """
    content: MetricTree = {
        "records": evaluation.records,
        **_people(evaluation),
        "classes_with_positives": int(np.count_nonzero(evaluation.positives)),
        "macro_classes": int(np.count_nonzero(evaluation.averaged)),
        **_averages(evaluation.tuned, METRICS),
        "at_0.5": _averages(evaluation.at_half, DECISION_METRICS),
        "classes": {name: _class_metrics(evaluation, index) for index, name in enumerate(evaluation.classes)},
    }
    content |= _challenge_content(evaluation) | _unlike_content(evaluation)
    content |= mean_content(evaluation.certainty)
    if evaluation.cohorts:
        content["cohorts"] = {
            name: {
                "records": part.records,
                **_people(part),
                "macro_classes": int(np.count_nonzero(part.averaged)),
                **_averages(part.tuned, METRICS),
                **_challenge_content(part),
                **_unlike_content(part),
            }
            for name, part in evaluation.cohorts.items()
        }
    return content


def _people(evaluation: Evaluation) -> MetricTree:
    without = evaluation.without_patient
    return {"patients": evaluation.patients, **({"records_without_patient": without} if without else {})}


def _challenge_content(evaluation: Evaluation) -> MetricTree:
    if (result := evaluation.challenge) is None:
        return {}
    ends = {"score_low": tidy(result.low["score"]), "score_high": tidy(result.high["score"])}
    return {"challenge": {**{name: tidy(value) for name, value in result.values.items()}, **ends}}


def _unlike_content(evaluation: Evaluation) -> MetricTree:
    if (share := evaluation.unlike) is None:
        return {}
    return {"unlike_training": {"share": tidy(share.value), "low": tidy(share.low), "high": tidy(share.high)}}


def _averages(point: OperatingPoint, metrics: tuple[str, ...]) -> MetricTree:
    return {
        "macro": _column(point, metrics, MACRO, _WITH_INTERVAL),
        "micro": _column(point, metrics, MICRO, _WITH_INTERVAL),
    }


def _class_metrics(evaluation: Evaluation, index: int) -> MetricTree:
    return {
        **_column(evaluation.tuned, METRICS, index),
        "f1_at_0.5": tidy(evaluation.at_half.scores.values["f1"][index]),
        "threshold": tidy(evaluation.tuned.thresholds[index]),
        "positives": int(evaluation.positives[index]),
        "positive_patients": int(evaluation.positive_patients[index]),
        **class_content(evaluation.certainty, evaluation.classes[index]),
    }


def _column(
    point: OperatingPoint, metrics: tuple[str, ...], index: int, with_interval: tuple[str, ...] = ()
) -> MetricTree:
    column: MetricTree = {}
    for name in metrics:
        value, low, high = map(tidy, point.with_interval(name, index))
        column[name] = value
        if name in with_interval:
            column |= {f"{name}_low": low, f"{name}_high": high}
    return column
