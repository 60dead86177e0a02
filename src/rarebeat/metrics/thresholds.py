"""Choosing the probability from which a class is called present.

A rule looks at truth and probability of the validation split and returns one threshold per class. To add a
rule, write such a function and name it in ``RULES`` and in :mod:`rarebeat.training.settings`.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import ParamsError
from rarebeat.metrics.arrays import FloatArray, Probability, Truth, check
from rarebeat.metrics.bagged_thresholds import MIN_POSITIVES, bagged_thresholds
from rarebeat.metrics.challenge_thresholds import (
    GRID,
    bayesian_thresholds,
    check_optuna,
    coordinate_thresholds,
    grid_thresholds,
)
from rarebeat.metrics.classification import count, decide
from rarebeat.metrics.ranking import DEFAULT_THRESHOLD, Ranking, cumulate, midway, rank_classes

Rewards = FloatArray | None
"""What calling a class (column) earns where another (row) is true; None for classes without such a table."""

Rule = Callable[[Truth, Probability, Rewards], FloatArray]


def fixed(truth: Truth, probability: Probability, rewards: Rewards = None) -> FloatArray:
    """Take 0.5 for every class.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        rewards: not used.

    Returns:
        Shape (classes,).
    """
    return np.full(truth.shape[1], DEFAULT_THRESHOLD)


def max_f1(truth: Truth, probability: Probability, rewards: Rewards = None) -> FloatArray:
    """Take the threshold with the largest F1 of each class, exact: every way to part the records is looked at.

    Of equally good thresholds the highest is taken (fewest records called positive). It lies
    :func:`~rarebeat.metrics.ranking.midway` between the two neighbouring probabilities (0 below the lowest).

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        rewards: not used.

    Returns:
        Shape (classes,); 0.5 for a class without known positive or negative records.
    """
    return np.array(
        [_best_f1_threshold(ranking) for ranking in rank_classes(truth, probability)], dtype=np.float64
    )


def _best_f1_threshold(ranking: Ranking) -> float:
    true, false = cumulate(ranking)
    if not true.size or true[-1] == 0 or false[-1] == 0:
        return DEFAULT_THRESHOLD
    best = int(np.argmax(2 * true / (true + false + true[-1])))
    upper = ranking.bottom[best]
    lower = ranking.top[best + 1] if best + 1 < true.size else upper.dtype.type(0)
    return float(midway(lower, upper))


def bagged_f1(truth: Truth, probability: Probability, rewards: Rewards = None) -> FloatArray:
    """Take what :func:`~rarebeat.metrics.bagged_thresholds.bagged_thresholds` finds, each record of another patient.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        rewards: not used.

    Returns:
        Shape (classes,); 0.5 for a class without known positive or negative records.
    """
    return bagged_thresholds(truth, probability)


def challenge_coordinate(truth: Truth, probability: Probability, rewards: Rewards = None) -> FloatArray:
    """Take what :func:`~rarebeat.metrics.challenge_thresholds.coordinate_thresholds` finds.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        rewards: shape (classes, classes).

    Returns:
        Shape (classes,).

    Raises:
        ParamsError: without rewards.
    """
    return coordinate_thresholds(truth, probability, _needed(rewards, "challenge_coordinate"))


def challenge_bayesian(truth: Truth, probability: Probability, rewards: Rewards = None) -> FloatArray:
    """Take what :func:`~rarebeat.metrics.challenge_thresholds.bayesian_thresholds` finds.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        rewards: shape (classes, classes).

    Returns:
        Shape (classes,).

    Raises:
        ParamsError: without rewards, or where Optuna is not installed.
    """
    return bayesian_thresholds(truth, probability, _needed(rewards, "challenge_bayesian"))


def constrained_grid(truth: Truth, probability: Probability, rewards: Rewards = None) -> FloatArray:
    """Take the best of 0.01, 0.02 ... 0.50 for each class: by what the challenge pays, without rewards by F1.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        rewards: shape (classes, classes), for
            :func:`~rarebeat.metrics.challenge_thresholds.grid_thresholds`; None for F1.

    Returns:
        Shape (classes,); by F1, 0.5 for a class without known positive or negative records.
    """
    if rewards is not None:
        return grid_thresholds(truth, probability, rewards)
    f1 = np.stack([count(truth, decide(probability, threshold)).f1 for threshold in GRID])
    best = GRID[np.argmax(np.nan_to_num(f1), axis=0)]
    return np.asarray(np.where(np.isnan(f1[0]), DEFAULT_THRESHOLD, best))


RULES: Mapping[str, Rule] = {
    "bagged_f1": bagged_f1,
    "max_f1": max_f1,
    "fixed": fixed,
    "challenge_bayesian": challenge_bayesian,
    "challenge_coordinate": challenge_coordinate,
    "constrained_grid": constrained_grid,
}
FOR_CHALLENGE = ("challenge_bayesian", "challenge_coordinate")


def _needed(rewards: Rewards, rule: str) -> FloatArray:
    if rewards is None:
        raise ParamsError(f"the threshold rule {rule} needs a vocabulary with the classes of the challenge")
    return rewards


def check_rule(rule: str, rewards: Rewards = None) -> None:
    """Check that a rule can be used, before a training that ends with it.

    Args:
        rule: a name in :data:`RULES`.
        rewards: as for :func:`choose_thresholds`.

    Raises:
        ParamsError: for an unknown rule, a rule of the challenge without rewards, or a missing library.
    """
    if rule not in RULES:
        raise ParamsError(f"unknown threshold rule {rule!r}; there are: {', '.join(RULES)}")
    if rule in FOR_CHALLENGE:
        _needed(rewards, rule)
    if rule == "challenge_bayesian":
        check_optuna()


def choose_thresholds(
    truth: Truth,
    probability: Probability,
    rule: str = "max_f1",
    rewards: Rewards = None,
    patients: npt.NDArray[np.object_] | npt.NDArray[np.str_] | None = None,
    min_positives: float = MIN_POSITIVES,
) -> FloatArray:
    """Choose one threshold per class, for ``probability >= threshold``.

    Args:
        truth: shape (n, classes), of the validation split.
        probability: shape (n, classes).
        rule: a name in :data:`RULES`.
        rewards: shape (classes, classes), for classes of the challenge, from
            :func:`rarebeat.metrics.challenge_classes.class_rewards`.
        patients: shape (n,), who each record belongs to, for ``bagged_f1``.
        min_positives: for ``bagged_f1``, see :mod:`rarebeat.metrics.bagged_thresholds`.

    Returns:
        Shape (classes,).

    Raises:
        ParamsError: for a rule that cannot be used.
        RarebeatError: when a probability is not a number.
    """
    check_rule(rule, rewards)
    check(truth, probability)
    if rule == "bagged_f1":
        return bagged_thresholds(truth, probability, patients, min_positives)
    return RULES[rule](truth, probability, rewards)
