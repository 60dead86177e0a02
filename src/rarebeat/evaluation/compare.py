"""Networks that answered the same questions, scored by the CinC Challenge 2020 under every threshold rule.

A network's probabilities are enough: thresholds are chosen on the validation split and scored on the test split,
so that a rule costs no training. Networks that differ in their seed alone are members of one ensemble, which
answers with the mean of their probabilities.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from rarebeat.core.tables import Row, tidy
from rarebeat.evaluation.bootstrap import Patients
from rarebeat.evaluation.challenge import judge, score_decisions, score_intervals
from rarebeat.metrics.arrays import BoolArray, FloatArray, Probability, Truth
from rarebeat.metrics.challenge_classes import CLASSES, rewards
from rarebeat.metrics.classification import count, decide, macro
from rarebeat.metrics.ranking import areas
from rarebeat.metrics.thresholds import choose_thresholds

ENSEMBLE = "ensemble"
COLUMNS = ("data", "model", "loss", "seed", "rule", "score", "score_low", "score_high", "f1", "auroc")
"""Columns of the rows of :func:`score_rules`."""


@dataclass(frozen=True)
class Exam:
    """What every network is asked.

    Attributes:
        learnt: the classes that can be learnt, as places in
            :data:`~rarebeat.metrics.challenge_classes.CLASSES`. The others are never called; where they are
            true, they count.
        validation: truth, shape (n, 24), in the challenge's order.
        test: truth, shape (m, 24).
        patients: shape (m,), of the test split.
    """

    learnt: tuple[int, ...]
    validation: Truth
    test: Truth
    patients: Patients


@dataclass(frozen=True)
class Answers:
    """Probabilities of the learnt classes: shape (n, learnt) and (m, learnt)."""

    validation: Probability
    test: Probability


@dataclass(frozen=True)
class Trained:
    """Which network gave an answer; the seed is :data:`ENSEMBLE` for the mean of all seeds."""

    data: str
    model: str
    loss: str
    seed: str


def mean_answers(members: Sequence[Answers]) -> Answers:
    """What an ensemble answers: the mean of its members' probabilities."""
    return Answers(
        np.mean([member.validation for member in members], axis=0),
        np.mean([member.test for member in members], axis=0),
    )


def with_ensembles(answers: Mapping[Trained, Answers]) -> dict[Trained, Answers]:
    """All answers, and those of the ensemble of every data, model and loss that has two seeds or more."""
    groups: dict[Trained, list[Answers]] = {}
    for trained, answer in answers.items():
        whole = Trained(trained.data, trained.model, trained.loss, ENSEMBLE)
        groups.setdefault(whole, []).append(answer)
    ensembles = {whole: mean_answers(members) for whole, members in groups.items() if len(members) > 1}
    return {**answers, **ensembles}


def score_rules(
    exam: Exam, trained: Trained, answers: Answers, rules: Sequence[str], replicates: int = 1000
) -> list[Row]:
    """One row per threshold rule, with :data:`COLUMNS`, scored on the test split.

    ``score`` is that of the challenge, ``score_low`` and ``score_high`` are the ends of its 95 % bootstrap
    interval over patients. ``f1`` and ``auroc`` are macro averages over the learnt classes; AUROC is the same
    under every rule. None where undefined.

    Args:
        exam: the truth.
        trained: who answered.
        answers: the probabilities.
        rules: names in :data:`rarebeat.metrics.thresholds.RULES`.
        replicates: of the bootstrap.
    """
    learnt = list(exam.learnt)
    table, known = rewards(learnt), exam.test[:, learnt]
    auroc = macro(areas(known, answers.test)[0])
    rows: list[Row] = []
    for rule in rules:
        thresholds = choose_thresholds(exam.validation[:, learnt], answers.validation, rule, table)
        called = decide(answers.test, thresholds)
        decisions: BoolArray = np.zeros(exam.test.shape, dtype=np.bool_)
        decisions[:, learnt] = called
        low, high = score_intervals(exam.test, decisions, exam.patients, replicates)
        numbers: dict[str, FloatArray | float] = {
            "score": score_decisions(judge(exam.test, decisions))["score"],
            "score_low": low["score"],
            "score_high": high["score"],
            "f1": macro(count(known, called).f1),
            "auroc": auroc,
        }
        tidied = {name: tidy(float(number)) for name, number in numbers.items()}
        rows.append({**asdict(trained), "rule": rule, **tidied})
    return rows


def in_challenge_order(labels: Truth, columns: Sequence[int]) -> Truth:
    """The labels of a split, shape (n, classes), as 24 columns in the challenge's order.

    Args:
        labels: of all classes of a vocabulary of the challenge.
        columns: which column holds each of the 24, from
            :func:`rarebeat.metrics.challenge_classes.challenge_columns`.

    Raises:
        ValueError: when there are more or fewer than 24 columns.
    """
    if len(columns) != len(CLASSES):
        raise ValueError(f"expected {len(CLASSES)} columns, found {len(columns)}")
    return labels[:, list(columns)]
