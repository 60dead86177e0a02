"""Choosing the probability from which a class is called present.

A rule looks at truth and probability of the validation split and returns one threshold per class. To add a
rule, write such a function and name it in ``RULES``.
"""

from collections.abc import Callable, Mapping

import numpy as np

from rarebeat.errors import ParamsError
from rarebeat.evaluation.arrays import FloatArray, Probability, Truth, check
from rarebeat.evaluation.ranking import Ranking, cumulate, rank_classes

FIXED = 0.5
"""The threshold of the rule ``fixed``, and of ``max_f1`` for a class without known positive records."""

Rule = Callable[[Truth, Probability], FloatArray]


def fixed(truth: Truth, probability: Probability) -> FloatArray:
    """0.5 for every class."""
    return np.full(truth.shape[1], FIXED)


def max_f1(truth: Truth, probability: Probability) -> FloatArray:
    """The threshold with the largest F1 of each class, exact: every distinct cut is looked at.

    Of equally good cuts the highest is taken (fewest records called positive). The threshold lies midway
    between the two neighbouring scores (0 below the lowest), so that small numerical differences between
    machines move no decision. It is a number of the same precision as the probabilities, so that rounding
    cannot carry it to the wrong side.
    """
    return np.array([_best_cut(ranking) for ranking in rank_classes(truth, probability)], dtype=np.float64)


def _best_cut(ranking: Ranking) -> float:
    true, false = cumulate(ranking)
    if not true.size or true[-1] == 0:
        return FIXED
    best = int(np.argmax(2 * true / (true + false + true[-1])))
    upper = ranking.bottom[best]
    lower = ranking.top[best + 1] if best + 1 < true.size else upper.dtype.type(0)
    middle = lower + (upper - lower) / 2
    return float(middle if lower < middle else upper)


RULES: Mapping[str, Rule] = {"max_f1": max_f1, "fixed": fixed}


def choose_thresholds(truth: Truth, probability: Probability, rule: str = "max_f1") -> FloatArray:
    """One threshold per class by the named rule, for ``probability >= threshold``.

    Args:
        truth: shape (n, classes), of the validation split.
        probability: shape (n, classes).
        rule: a name in :data:`RULES`.

    Raises:
        ParamsError: for an unknown rule.
        RarebeatError: when a probability is not a number.
    """
    if rule not in RULES:
        raise ParamsError(f"unknown threshold rule {rule!r}; there are: {', '.join(RULES)}")
    check(truth, probability)
    return RULES[rule](truth, probability)
