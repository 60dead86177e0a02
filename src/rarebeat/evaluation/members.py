"""The predictions of the members of an ensemble, brought together, and scored beside it.

All members have the columns of all classes. Where a member does not know a class, its probability and its threshold
are NaN.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from rarebeat.core.tables import Row, interval_text, tidy
from rarebeat.evaluation.evaluate import Evaluation
from rarebeat.evaluation.scores import MACRO, METRICS, MICRO
from rarebeat.inference.novelty import UNLIKE
from rarebeat.inference.predictions import Predictions, Strings
from rarebeat.inference.voting import EnsembleSettings, vote

_AVERAGES = {"macro": MACRO, "micro": MICRO}
_SHOWN = {"f1": "F1", "auroc": "AUROC", "auprc": "AUPRC"}


def known_to_any(members: Sequence[Predictions]) -> list[Predictions]:
    """The predictions of several models, without the columns of classes that none of them knows."""
    known = ~np.isnan([entry.thresholds for entry in members]).all(axis=0)
    return [entry.of_classes(np.flatnonzero(known)) for entry in members]


def ensemble_predictions(members: Sequence[Predictions], settings: EnsembleSettings) -> Predictions:
    """What the members say together.

    Args:
        members: predictions of equal records in equal order; each class is known to one member at least.
        settings: how they vote.

    Returns:
        Mean probabilities, the voted decisions, and the mean thresholds. A record is warned of as unlike the training
        data where more than half of the members that looked say so.
    """
    thresholds = np.stack([entry.thresholds for entry in members])
    probability, decisions = vote(np.stack([entry.probability for entry in members]), thresholds, settings)
    return replace(
        members[0],
        thresholds=np.nanmean(thresholds, axis=0),
        probability=probability,
        voted=decisions,
        warnings=_voted_warnings(members),
    )


def _voted_warnings(members: Sequence[Predictions]) -> Strings | None:
    """What most members say of each record; None where none looked. What ingest found doubtful all of them say."""
    found = [entry.warnings.tolist() for entry in members if entry.warnings is not None]
    if not found:
        return None
    chosen = []
    for said in zip(*found, strict=True):
        unlike = [text for text in said if UNLIKE in text]
        others = (text for text in said if UNLIKE not in text)
        chosen.append(unlike[0] if 2 * len(unlike) > len(said) else next(others))
    return np.array(chosen, dtype=object)


def out_of_fold_predictions(members: Sequence[Predictions]) -> Predictions:
    """One table of the predictions of several models, each of other records in a split of its own.

    The decisions are those of each model by its own thresholds, which the table has for each split; its other
    thresholds are their means. Where a model does not know a class, it has no probability (NaN) and is not decided.

    Raises:
        ValueError: when two models have predicted the same split.
    """
    own = [(split, entry.thresholds) for entry in members for split in dict.fromkeys(entry.splits.tolist())]
    by_split = dict(own)
    if len(by_split) < len(own):
        raise ValueError("two models have predicted the same split: whose thresholds decide there?")
    return Predictions(
        record_ids=np.concatenate([entry.record_ids for entry in members]),
        cohorts=np.concatenate([entry.cohorts for entry in members]),
        patients=np.concatenate([entry.patients for entry in members]),
        splits=np.concatenate([entry.splits for entry in members]),
        classes=members[0].classes,
        thresholds=np.nanmean([entry.thresholds for entry in members], axis=0),
        probability=np.concatenate([entry.probability for entry in members]),
        truth=np.concatenate([entry.truth for entry in members]),
        warnings=_own_warnings(members),
        voted=np.concatenate([entry.decisions for entry in members]),
        by_split=by_split,
        vocabulary=members[0].vocabulary,
        codes=members[0].codes,
        units=members[0].units,
    )


def _own_warnings(members: Sequence[Predictions]) -> Strings | None:
    """The warnings of each model one after the other, "" for one that did not look; None where none did."""
    if all(entry.warnings is None for entry in members):
        return None
    return np.concatenate(
        [
            np.full(len(entry), "", dtype=object) if entry.warnings is None else entry.warnings
            for entry in members
        ]
    )


def member_rows(evaluations: Mapping[str, Evaluation]) -> list[Row]:
    """One flat row per model: its number of classes, every average, and the challenge score where it has one."""
    rows: list[Row] = []
    for name, evaluation in evaluations.items():
        row: Row = {
            "model": name,
            "classes": len(evaluation.classes),
            "macro_classes": int(np.count_nonzero(evaluation.averaged)),
        }
        for average, column in _AVERAGES.items():
            row |= {
                f"{average}_{metric}": tidy(evaluation.tuned.scores.values[metric][column])
                for metric in METRICS
            }
        result = evaluation.challenge
        rows.append(row | {"challenge_score": tidy(result.values["score"]) if result else None})
    return rows


def member_table(evaluations: Mapping[str, Evaluation]) -> list[Row]:
    """The rows of a table for people: macro averages with their intervals, and the challenge score where there is one.

    A macro average is over the classes that the model knows and that have enough positive patients.
    """
    scored = any(evaluation.challenge for evaluation in evaluations.values())
    rows: list[Row] = []
    for name, evaluation in evaluations.items():
        scores, intervals = evaluation.tuned.scores, evaluation.tuned.intervals
        row: Row = {
            "Model": name,
            "Classes": len(evaluation.classes),
            "Macro over": int(np.count_nonzero(evaluation.averaged)),
        }
        for metric, title in _SHOWN.items():
            ends = (part.values[metric][MACRO] for part in (scores, intervals.low, intervals.high))
            row[f"Macro {title}"] = interval_text(*ends)
        rows.append(row | ({"Challenge score": _challenge_text(evaluation)} if scored else {}))
    return rows


def _challenge_text(evaluation: Evaluation) -> str | None:
    if (result := evaluation.challenge) is None:
        return None
    return interval_text(*(part["score"] for part in (result.values, result.low, result.high)))
