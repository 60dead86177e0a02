"""Evaluations as rows: flat tables for CSV files and for Markdown."""

from collections.abc import Iterable

import numpy as np

from rarebeat.core.tables import Row, interval_text, markdown_table, patients_told_apart, people_text, tidy
from rarebeat.evaluation.evaluate import Evaluation, OperatingPoint
from rarebeat.evaluation.scores import DECISION_METRICS, MACRO, METRICS

_TITLES = {"f1": "F1", "precision": "Precision", "recall": "Recall", "auroc": "AUROC", "auprc": "AUPRC"}


def heading(heads: str, trained: Iterable[str], tested: Iterable[str], validated: Iterable[str] = ()) -> str:
    """Name the label set, and the cohorts that were trained on, validated on and tested on.

    Args:
        heads: the label set.
        trained: cohorts of the training split, each once or oftener.
        tested: cohorts of the test split, each once or oftener.
        validated: cohorts that thresholds were chosen on; they are named where they are not those trained on.

    Returns:
        A heading.

    Example:
        >>> heading("all", ["a", "b"], ["b", "a", "b"]), heading("all", ["a"], ["a", "b"])
        ('Label set all, trained and tested on a, b', 'Label set all, trained on a, tested on a, b')
    """
    learnt, scored, chosen = (list(dict.fromkeys(names)) for names in (trained, tested, validated))
    others = set(chosen) not in (set(), set(learnt))
    by = f", validated on {', '.join(chosen)}" if others else ""
    if set(learnt) == set(scored) and not others:
        return f"Label set {heads}, trained and tested on {', '.join(learnt)}"
    return f"Label set {heads}, trained on {', '.join(learnt)}{by}, tested on {', '.join(scored)}"


def class_rows(evaluation: Evaluation) -> list[Row]:
    """One flat row per class: counts, threshold, and every metric with the ends of its interval.

    Metrics at the chosen threshold bear their plain name (``f1``, ``f1_low``, ``f1_high``), those at a
    threshold of 0.5 end in ``_at_0.5``. Undefined numbers are None.

    Args:
        evaluation: of any number of classes.

    Returns:
        A row for each class, in column order.
    """
    return [
        {
            "class": name,
            "records": int(evaluation.known[index]),
            "positives": int(evaluation.positives[index]),
            "positive_patients": int(evaluation.positive_patients[index]),
            "in_macro": int(evaluation.averaged[index]),
            "threshold": tidy(evaluation.tuned.thresholds[index]),
            **_cells(evaluation.tuned, METRICS, index),
            **_cells(evaluation.at_half, DECISION_METRICS, index, "_at_0.5"),
        }
        for index, name in enumerate(evaluation.classes)
    ]


def cohort_rows(evaluation: Evaluation) -> list[Row]:
    """One flat row per cohort and class, as in :func:`class_rows`.

    Args:
        evaluation: of one cohort or more.

    Returns:
        The rows, cohort by cohort; none where there is a single cohort.
    """
    return [
        {"cohort": cohort, **row} for cohort, part in evaluation.cohorts.items() for row in class_rows(part)
    ]


def _cells(point: OperatingPoint, metrics: tuple[str, ...], index: int, suffix: str = "") -> Row:
    cells: Row = {}
    for name in metrics:
        value, low, high = map(tidy, point.with_interval(name, index))
        cells |= {f"{name}{suffix}": value, f"{name}_low{suffix}": low, f"{name}_high{suffix}": high}
    return cells


def results_table(evaluation: Evaluation) -> str:
    """A Markdown table for people: each class, then macro and micro, with intervals.

    Args:
        evaluation: of any number of classes.

    Returns:
        The table, lines on its records, its averages and its metrics and, where it is scored, one on the
        challenge; where the model can tell, one on records unlike the training data.
    """
    rows: list[Row] = []
    for index, name in enumerate((*evaluation.classes, "**macro**", "**micro**")):
        is_class = index < len(evaluation.classes)
        row: Row = {
            "Class": name,
            "Positives": int(evaluation.positives[index] if is_class else evaluation.positives.sum()),
        }
        at_half = evaluation.at_half.scores.values["f1"][
            index if is_class else index - len(evaluation.classes) - 2
        ]
        for metric in METRICS:
            row[_TITLES[metric]] = interval_text(*evaluation.tuned.with_interval(metric, index))
            if metric == "f1":
                row["F1 at 0.5"] = interval_text(at_half, np.nan, np.nan)
        rows.append(row)
    caption = (
        f"{people_text(evaluation.records, evaluation.patients, evaluation.without_patient)}; "
        f"in brackets: {100 * evaluation.confidence:g} % intervals over patients. They hold the model and its "
        "thresholds fixed: a second training, or thresholds chosen on other records, can differ by more."
    )
    return "\n\n".join(
        [
            markdown_table(rows),
            caption,
            macro_line(evaluation),
            *_challenge_line(evaluation),
            *_unlike_line(evaluation),
        ]
    )


def macro_line(evaluation: Evaluation) -> str:
    """Which classes the macro averages are over.

    Args:
        evaluation: of any number of classes.

    Returns:
        A sentence or two.
    """
    patients = f"{evaluation.at_least} positive patients"
    averaged = int(np.count_nonzero(evaluation.averaged))
    if not averaged:
        return f"No class has {patients} in the test split (`evaluate.at_least`): there is no macro average."
    out = [name for name, kept in zip(evaluation.classes, evaluation.averaged, strict=True) if not kept]
    left_out = f"; left out: {', '.join(out)}" if out else ""
    return (
        f"Macro averages are over the {averaged} of {len(evaluation.classes)} classes with at least {patients} "
        f"(`evaluate.at_least`){left_out}."
    )


def _unlike_line(evaluation: Evaluation) -> list[str]:
    if (share := evaluation.unlike) is None:
        return []
    return [
        f"Warned of as unlike the training data: {100 * share.value:.1f} % of the records "
        f"({100 * evaluation.confidence:g} % interval {100 * share.low:.1f} to {100 * share.high:.1f} %)."
    ]


def _challenge_line(evaluation: Evaluation) -> list[str]:
    if (result := evaluation.challenge) is None:
        return []
    score, accuracy, f, f_beta, g_beta = (
        interval_text(result.values[name], result.low[name], result.high[name])
        for name in ("score", "accuracy", "f", "f_beta", "g_beta")
    )
    return [
        f"PhysioNet/CinC Challenge 2020: score {score}; accuracy {accuracy}, F {f}, F-beta {f_beta}, "
        f"G-beta {g_beta}."
    ]


def cohort_table(evaluation: Evaluation) -> str:
    """A Markdown table of the macro averages of each cohort alone.

    Args:
        evaluation: of several cohorts.

    Returns:
        The table; a row for each cohort.
    """
    rows: list[Row] = []
    for name, part in evaluation.cohorts.items():
        row: Row = {
            "Cohort": name,
            "Records": part.records,
            "Patients": patients_told_apart(part.patients, part.without_patient),
            "Macro over classes": int(np.count_nonzero(part.averaged)),
        }
        for metric in METRICS:
            row[f"Macro {_TITLES[metric]}"] = interval_text(*part.tuned.with_interval(metric, MACRO))
        rows.append(row)
    return markdown_table(rows)
