"""Thresholds of all classes at once by Bayesian optimisation: what Vicar et al. 2020 did, with Optuna.

They (doi 10.22489/CinC.2020.189) drew 250 points at random and 50 more with a Gaussian process. For 24
thresholds that is few; the coordinate ascent of :mod:`rarebeat.metrics.challenge_thresholds` is exact in
every step and is what this one is to be compared with.
"""

from importlib.util import find_spec

import numpy as np

from rarebeat.core.errors import ParamsError
from rarebeat.metrics.arrays import FloatArray, Probability, Truth
from rarebeat.metrics.challenge_thresholds import total_earned
from rarebeat.metrics.classification import decide
from rarebeat.metrics.ranking import HALF

RANDOM_TRIALS, MODEL_TRIALS = 250, 50


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
    """The best of 300 points, of which the first is 0.5 for all; equal seeds give equal thresholds.

    Args:
        truth: shape (n, classes).
        probability: shape (n, classes).
        rewards: shape (classes, classes).
        seed: of the sampler.

    Returns:
        Shape (classes,).

    Raises:
        ParamsError: where Optuna is not installed.
    """
    check_optuna()
    import optuna

    names = [str(k) for k in range(truth.shape[1])]

    def earned(trial: optuna.Trial) -> float:
        thresholds = [trial.suggest_float(name, 0, 1) for name in names]
        return total_earned(truth, decide(probability, thresholds), rewards)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(n_startup_trials=RANDOM_TRIALS, seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial(dict.fromkeys(names, HALF))
    study.optimize(earned, n_trials=RANDOM_TRIALS + MODEL_TRIALS)
    return np.array([study.best_params[name] for name in names], dtype=np.float64)
