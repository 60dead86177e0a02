"""Hyper-parameter search: trials that Optuna proposes, judged on the validation split alone.

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
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import read_json
from rarebeat.core.params import STRICT, changed_params, group, parse
from rarebeat.inference.predictions import Predictions
from rarebeat.metrics.classification import count, decide
from rarebeat.metrics.ranking import areas
from rarebeat.training.settings import Dimension, ModelSettings, SearchSettings, Value

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution

_CELL = "cell"  # attribute of a trial: its number in the study
_FLOOR = "sensitivity below its floor by"  # name of the constraint
_DIGITS = 4  # of a value that is tried: enough, and short on a command line


@dataclass(frozen=True, config=STRICT)
class TrialResult:
    """What one trial found.

    Attributes:
        search: the name of its search.
        cell: its number in the study.
        values: what it tried, by the dotted names of the params.
        auprc: macro AUPRC of the validation split.
        sensitivity: macro sensitivity there.
        classes: how many classes both are means over.
        feasible: whether the sensitivity reaches the floor.
    """

    search: str
    cell: int
    values: dict[str, Value]
    auprc: float
    sensitivity: float
    classes: int
    feasible: bool


def read_search(content: Mapping[str, Any]) -> SearchSettings:
    """Read the group ``search`` of the params.

    Args:
        content: the params.

    Returns:
        The settings; their space holds no params of other networks than the one that is trained.

    Raises:
        ParamsError: for a group that cannot be used, or has nothing to vary.
    """
    settings = group(content, "search", SearchSettings)
    own = f"model.{group(content, 'model', ModelSettings).name}."
    space = {
        name: one
        for name, one in settings.space.items()
        if not name.startswith("model.") or name.startswith(own)
    }
    if not space:
        raise ParamsError(f"search.space names no param of train or of {own.rstrip('.')}")
    return replace(settings, space=space)


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
        return {key: short_value(value) for key, value in trial.params.items()}


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


def value_of(content: Mapping[str, Any], name: str) -> Any:
    """What the params say under a dotted name.

    Raises:
        ParamsError: where they say nothing.
    """
    found: Any = content
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise ParamsError(f"the params have no {name}")
        found = found[part]
    return found


def short_value(value: Value) -> Value:
    """A value with four digits, as it stands on a command line.

    Example:
        >>> short_value(0.00123456), short_value(16), short_value("cosine")
        (0.001235, 16, 'cosine')
    """
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def override_text(name: str, value: Value) -> str:
    """``key=value`` for ``--set`` and for ``-S`` of DVC.

    Example:
        >>> override_text("train.l2", 0.00001), override_text("train.augment.gain", 2.0), override_text("model.x", True)
        ('train.l2=0.00001', 'train.augment.gain=2.0', 'model.x=true')
    """
    if isinstance(value, bool):
        return f"{name}={str(value).lower()}"
    text = np.format_float_positional(value, trim="0") if isinstance(value, float) else str(value)
    return f"{name}={text}"


def with_values(content: Mapping[str, Any], values: Mapping[str, Value]) -> dict[str, Any]:
    """The params with what a trial tries."""
    return changed_params(content, [override_text(*item) for item in values.items()])


def judge(
    predictions: Predictions, search: str, cell: int, values: Mapping[str, Value], settings: SearchSettings
) -> TrialResult:
    """Score a trial by the validation split.

    Args:
        predictions: of the validation split; other records are not looked at.
        search: the name of its search.
        cell: number of the trial.
        values: what it tried.
        settings: of the search.

    Returns:
        The result.

    Raises:
        RarebeatError: when no class has enough positive patients.
    """
    seen = predictions.only("validation")
    positive_patients = [
        len(set(seen.patients[seen.truth[:, k] == 1].tolist())) for k in range(len(seen.classes))
    ]
    counted = np.array(positive_patients) >= settings.at_least
    counted &= ~np.isnan(seen.thresholds)
    if not counted.any():
        raise RarebeatError(
            f"no class has {settings.at_least} positive patients in the validation split (search.at_least)"
        )
    truth, probability = seen.truth[:, counted], seen.probability[:, counted]
    recall = count(truth, decide(probability, seen.thresholds[counted])).recall
    sensitivity = float(np.mean(recall))
    return TrialResult(
        search=search,
        cell=cell,
        values=dict(values),
        auprc=float(np.nanmean(areas(truth, probability)[1])),
        sensitivity=sensitivity,
        classes=int(counted.sum()),
        feasible=sensitivity >= settings.least_sensitivity,
    )


def read_results(folder: Path, name: str | None = None) -> list[TrialResult]:
    """Read the results of finished trials.

    Args:
        folder: with a JSON file for each.
        name: of the search that they must be of; None takes all.

    Returns:
        The results, in the order of their cells.

    Raises:
        RarebeatError: for a file that is no result.
    """
    found = [parse(TrialResult, read_json(path), str(path)) for path in folder.glob("*.json")]
    return sorted((one for one in found if name in (None, one.search)), key=lambda one: one.cell)


def best_trial(results: Sequence[TrialResult]) -> TrialResult | None:
    """The feasible trial with the highest macro AUPRC, the first of equals; None where none is feasible."""
    return max((one for one in results if one.feasible), key=lambda one: (one.auprc, -one.cell), default=None)
