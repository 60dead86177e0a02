"""All threshold rules side by side: chosen on one split, scored on it and on another."""

import time
from collections.abc import Sequence

import numpy as np

from rarebeat.core.tables import Row, interval_text
from rarebeat.evaluation.challenge import judge, score_decisions, score_intervals
from rarebeat.inference.predictions import Predictions
from rarebeat.metrics.arrays import BoolArray, Truth
from rarebeat.metrics.challenge_classes import CLASSES, rewards
from rarebeat.metrics.classification import count, decide, macro
from rarebeat.metrics.thresholds import FOR_CHALLENGE, RULES, choose_thresholds


def threshold_rows(
    validation: Predictions,
    test: Predictions,
    places: Sequence[int] | None = None,
    rules: Sequence[str] = tuple(RULES),
    replicates: int = 1000,
) -> list[Row]:
    """One row per rule: how long it took, macro F1 and challenge score on either split.

    The interval of the challenge score on the test split is a 95 % bootstrap interval over patients. Where
    the model lacks classes of the challenge, the score is that of the classes it has.

    Args:
        validation: the split that thresholds are chosen on.
        test: the split that is scored besides.
        places: where each class stands among the challenge's; None leaves its rules and its score out.
        rules: names in :data:`~rarebeat.metrics.thresholds.RULES`.
        replicates: of the bootstrap.
    """
    table = None if places is None else rewards(places)
    rows: list[Row] = []
    for rule in rules:
        if places is None and rule in FOR_CHALLENGE:
            continue
        start = time.perf_counter()
        thresholds = choose_thresholds(validation.truth, validation.probability, rule, table)
        row: Row = {"rule": rule, "seconds": f"{time.perf_counter() - start:.2f}"}
        for name, split in (("validation", validation), ("test", test)):
            decisions = decide(split.probability, thresholds)
            row[f"{name} macro F1"] = f"{macro(count(split.truth, decisions).f1):.3f}"
            if places is not None:
                row[f"{name} score"] = _score(split, decisions, places, replicates * (name == "test"))
        rows.append(row)
    return rows


def _score(split: Predictions, decisions: BoolArray, places: Sequence[int], replicates: int) -> str:
    truth, called = in_challenge(split.truth, decisions, places)
    value = float(score_decisions(judge(truth, called))["score"])
    low, high = score_intervals(truth, called, split.patients, replicates)
    return interval_text(value, low["score"], high["score"])


def in_challenge(truth: Truth, decisions: BoolArray, places: Sequence[int]) -> tuple[Truth, BoolArray]:
    """Truth and decisions as 24 columns in the challenge's order; a class that is not there is never true."""
    all_truth = np.zeros((len(truth), len(CLASSES)), dtype=np.int8)
    all_calls = np.zeros(all_truth.shape, dtype=np.bool_)
    all_truth[:, places], all_calls[:, places] = truth, decisions
    return all_truth, all_calls
