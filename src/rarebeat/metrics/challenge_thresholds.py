"""Thresholds that earn most by the metric of the CinC Challenge 2020 on the records they are chosen on.

What a record earns (:mod:`rarebeat.evaluation.challenge`) depends on all its classes together. With the
others fixed, however, it is a sum over records of what calling one class gains or loses: sorted by
probability, one cumulated sum tells the total at every threshold of that class. Coordinate ascent takes one class
after the other, again and again until no move earns more; it is exact in every step. Bayesian optimisation, as
Vicar et al. 2020 used it, is there to be compared with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import ParamsError
from rarebeat.metrics.arrays import BoolArray, FloatArray, Probability, Truth
from rarebeat.metrics.classification import decide
from rarebeat.metrics.ranking import DEFAULT_THRESHOLD, candidate_thresholds

GRID = np.arange(50, 0, -1) / 100
"""The thresholds that a grid search tries, the highest first."""

RANDOM_TRIALS, MODEL_TRIALS = 250, 50
"""How many points Bayesian optimisation draws at random, and how many by its model of the earnings."""

_ROUNDS = 50  # more than were ever needed
_LEAST_GAIN = 1e-9  # rounding errors are no reason to move


def total_earned(truth: Truth, decisions: BoolArray, rewards: FloatArray) -> float:
    """What decisions earn: the sum over records, before it is scaled to a score.

    Args:
        truth: shape (n, classes): 1, 0 or -1 (plays no part).
        decisions: shape (n, classes).
        rewards: shape (classes, classes), what calling a class (column) earns where another (row) is true.

    Returns:
        The sum; a record earns 1 at most.
    """
    true, called = truth == 1, decisions & (truth >= 0)
    earned = np.einsum("nc,nc->n", true @ rewards, called)
    return float(np.sum(earned / np.maximum(1, np.count_nonzero(true | called, axis=1))))


def coordinate_thresholds(truth: Truth, probability: Probability, rewards: FloatArray) -> FloatArray:
    """Coordinate ascent from 0.5, over every threshold that makes a difference.

    A class may end up with a threshold above all its probabilities, where it is never called. Of thresholds
    that earn the same, the present one stays, or else the highest is taken.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        rewards: shape (classes, classes).

    Returns:
        Shape (classes,).
    """
    known = truth >= 0
    candidates = [candidate_thresholds(probability[known[:, k], k]) for k in range(truth.shape[1])]
    return _ascend(truth, probability, rewards, candidates)


def grid_thresholds(truth: Truth, probability: Probability, rewards: FloatArray) -> FloatArray:
    """Coordinate ascent over 0.01, 0.02 ... 0.50 alone.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        rewards: shape (classes, classes).

    Returns:
        Shape (classes,).

    Source:
        Zhao et al. 2020 (doi 10.22489/CinC.2020.112) name a constrained grid search, without its code; the
        thresholds they published are between 0.04 and 0.51. That no threshold is above 0.5 is thus a reading.
    """
    return _ascend(truth, probability, rewards, [GRID] * truth.shape[1])


def check_optuna() -> None:
    """Refuse the threshold rule where Optuna, which it needs, is not installed.

    Raises:
        ParamsError: when it is not.
    """
    if find_spec("optuna") is None:
        raise ParamsError("the threshold rule challenge_bayesian needs Optuna: pip install optuna")


def bayesian_thresholds(
    truth: Truth, probability: Probability, rewards: FloatArray, seed: int = 0
) -> FloatArray:
    """Bayesian optimisation: the best of 300 points, of which the first is 0.5 for all classes.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        rewards: shape (classes, classes).
        seed: of the sampler; equal seeds give equal thresholds.

    Returns:
        Shape (classes,).

    Raises:
        ParamsError: where Optuna is not installed.

    Source:
        Vicar et al. 2020 (doi 10.22489/CinC.2020.189) drew 250 points at random and 50 more with a Gaussian process.
        Optuna's sampler takes its place here.
    """
    check_optuna()
    import optuna  # an optional library

    names = [str(k) for k in range(truth.shape[1])]

    def earned(trial: optuna.Trial) -> float:
        thresholds = [trial.suggest_float(name, 0, 1) for name in names]
        return total_earned(truth, decide(probability, thresholds), rewards)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(n_startup_trials=RANDOM_TRIALS, seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial(dict.fromkeys(names, DEFAULT_THRESHOLD))
    study.optimize(earned, n_trials=RANDOM_TRIALS + MODEL_TRIALS)
    return np.array([study.best_params[name] for name in names], dtype=np.float64)


@dataclass(frozen=True)
class _Class:
    """The candidates of one class: its known records by falling probability, and how many each calls."""

    thresholds: FloatArray
    order: npt.NDArray[np.intp]
    counts: npt.NDArray[np.intp]


def _ascend(
    truth: Truth, probability: Probability, rewards: FloatArray, candidates: Sequence[FloatArray]
) -> FloatArray:
    true, known = truth == 1, truth >= 0
    worth = true @ rewards
    classes = [
        _prepare(np.flatnonzero(known[:, k]), probability[:, k], thresholds)
        for k, thresholds in enumerate(candidates)
    ]
    thresholds = np.full(truth.shape[1], DEFAULT_THRESHOLD)
    called = (probability >= DEFAULT_THRESHOLD) & known
    for _ in range(_ROUNDS):
        moved = False
        for k, entry in enumerate(classes):
            gains = _gains(true, called, worth, k)
            totals = np.append(0.0, np.cumsum(gains[entry.order]))[entry.counts]
            best = int(np.argmax(totals))
            if totals[best] > gains[called[:, k]].sum() + _LEAST_GAIN:
                thresholds[k] = entry.thresholds[best]
                called[:, k] = False
                called[entry.order[: entry.counts[best]], k] = True
                moved = True
        if not moved:
            break
    return thresholds


def _prepare(rows: npt.NDArray[np.intp], probability: Probability, thresholds: FloatArray) -> _Class:
    order = rows[np.argsort(-probability[rows], kind="stable")]
    rising = probability[order][::-1].astype(np.float64)
    return _Class(thresholds, order, rising.size - np.searchsorted(rising, thresholds, side="left"))


def _gains(true: BoolArray, called: BoolArray, worth: FloatArray, k: int) -> FloatArray:
    """What each record earns more when class k is called than when it is not; the other classes stay."""
    others = called.copy()
    others[:, k] = False
    earned = np.einsum("nc,nc->n", worth, others)
    involved = np.count_nonzero(true | others, axis=1)
    with_k = np.maximum(1, involved + ~true[:, k])
    gains: FloatArray = (earned + worth[:, k]) / with_k - earned / np.maximum(1, involved)
    return gains
