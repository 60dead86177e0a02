"""What Optuna proposes to the trials of a search, and what it is told of them.

A trial is a training with some params changed. Its value is the macro AUPRC of the validation split; it is feasible
where the macro sensitivity there, at the thresholds that were chosen there, reaches a floor. Optuna learns both (a
constraint of its tree-structured Parzen estimator), and the best trial is the best of the feasible ones.

Trials run side by side in processes of their own, which share a journal (Optuna's, a file that is only appended to). It
remembers what was proposed, so that a killed trial goes on with the same params, and can be made again from the results
of the finished trials. Another search (of other data, code or settings) has another name in it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rarebeat.training.search.results import TrialResult, read_results
from rarebeat.training.search.settings import Dimension, SearchSettings, Value, short_value, value_of

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution

_CELL = "cell"  # attribute of a trial: its number in the study
_FLOOR = "sensitivity below its floor by"  # name of the constraint


def search_name(key: str, settings: SearchSettings) -> str:
    """What tells a search from others.

    Args:
        key: of the training with unchanged params, see :func:`rarebeat.training.checkpoint.fingerprint`.
        settings: of the search.

    Returns:
        16 hexadecimal digits.
    """
    facts = json.dumps([key, asdict(settings)], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def propose(
    journal: Path, name: str, settings: SearchSettings, content: Mapping[str, Any], cell: int, results: Path
) -> dict[str, Value]:
    """Ask what a trial shall try; equal for a trial that was proposed before.

    Args:
        journal: file that all trials share.
        name: of the search.
        settings: of the search.
        content: the params; what they say is the first trial, where it lies in the space.
        cell: number of the trial.
        results: folder with the results of finished trials, which the journal may lack.

    Returns:
        Dotted names of params to their values.
    """
    from filelock import FileLock

    journal.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(journal.with_suffix(".lock")):
        study = _open(journal, name, settings, cell)
        _remember(study, settings, read_results(results, name))
        if not study.trials and (now := _as_they_stand(settings, content)):
            study.enqueue_trial(now)
        trial = _trial(study, cell)
        for key, dimension in settings.space.items():
            _suggest(trial, key, dimension)
        return {key: short_value(value, settings.space[key]) for key, value in trial.params.items()}


def tell(journal: Path, settings: SearchSettings, result: TrialResult) -> None:
    """Tell the search what a trial found, unless it knows.

    Args:
        journal: file that all trials share.
        settings: of the search.
        result: of the trial.
    """
    from filelock import FileLock
    from optuna.trial import TrialState

    with FileLock(journal.with_suffix(".lock")):
        study = _open(journal, result.search, settings, result.cell)
        trial = _trial(study, result.cell)
        if study.trials[trial.number].state == TrialState.RUNNING:
            trial.set_constraint(_FLOOR, settings.least_sensitivity - result.sensitivity)
            study.tell(trial, result.auprc)


def _open(journal: Path, name: str, settings: SearchSettings, cell: int) -> "Study":
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # A seed for each trial: with one for all, those that start together would try the same.
    sampler = optuna.samplers.TPESampler(n_startup_trials=settings.random, seed=settings.seed + cell)
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return optuna.create_study(
        study_name=name, storage=storage, sampler=sampler, direction="maximize", load_if_exists=True
    )


def _trial(study: "Study", cell: int) -> "Trial":
    """The trial of a cell, or a new one."""
    import optuna

    for known in study.trials:
        if known.user_attrs.get(_CELL) == cell:
            return optuna.trial.Trial(study, known._trial_id)
    trial = study.ask()
    trial.set_user_attr(_CELL, cell)
    return trial


def _suggest(trial: "Trial", name: str, dimension: Dimension) -> None:
    if dimension.choices:
        trial.suggest_categorical(name, dimension.choices)
    elif dimension.whole:
        low, high = dimension.ends
        trial.suggest_int(name, int(low), int(high), log=dimension.log)
    else:
        low, high = dimension.ends
        trial.suggest_float(name, float(low), float(high), log=dimension.log)


def _remember(study: "Study", settings: SearchSettings, results: Sequence[TrialResult]) -> None:
    """Add finished trials that the journal lacks."""
    from optuna.trial import create_trial

    known = {trial.user_attrs.get(_CELL) for trial in study.trials}
    for result in results:
        if result.cell not in known:
            study.add_trial(
                create_trial(
                    value=result.auprc,
                    params=result.values,
                    distributions=_distributions(settings),
                    user_attrs={_CELL: result.cell},
                    constraints={_FLOOR: settings.least_sensitivity - result.sensitivity},
                )
            )


def _distributions(settings: SearchSettings) -> dict[str, "BaseDistribution"]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, BaseDistribution] = {}
    for name, one in settings.space.items():
        if one.choices:
            found[name] = CategoricalDistribution(one.choices)
        elif one.whole:
            low, high = one.ends
            found[name] = IntDistribution(int(low), int(high), log=one.log)
        else:
            low, high = one.ends
            found[name] = FloatDistribution(float(low), float(high), log=one.log)
    return found


def _as_they_stand(settings: SearchSettings, content: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the params have, where all of them lie in the space."""
    values = {name: value_of(content, name) for name in settings.space}
    inside = all(
        values[name] in one.choices
        if one.choices
        else isinstance(values[name], int | float) and one.ends[0] <= values[name] <= one.ends[1]
        for name, one in settings.space.items()
    )
    return values if inside else {}
