"""What runs, params and metrics are called in MLflow: names that tell them apart, and that sort its charts."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

NO_NAME = r"[^\w\-. :/]"
"""What MLflow takes in no name of a param or metric."""


def run_name(cohorts: Iterable[str], heads: str, params: Path, model: str) -> str:
    """Name a run so that runs can be told apart in a list.

    Args:
        cohorts: that are trained on.
        heads: the label set.
        params: the params file; that of a study lies in its folder.
        model: name of the model folder, which tells the cells of a study apart.

    Returns:
        Cohorts, label set, and study with cell or DVC's experiment.

    Example:
        >>> run_name(["simulated"], "all", Path("studies/transfer/params.yaml"), "real-0")
        'simulated · all · transfer/real-0'
    """
    study = params.parent.name
    origin = f"{study}/{model}" if study else os.environ.get("DVC_EXP_NAME", "workspace")
    return f"{', '.join(cohorts)} · {heads} · {origin}"


def run_tags(
    params: Path, model: str, label_set: str, network: str, settings: Mapping[str, Any]
) -> dict[str, str]:
    """Say in tags what a run is filtered, grouped and sorted by.

    Args:
        params: the params file; that of a study lies in its folder.
        model: name of the model folder, which tells the cells of a study apart.
        label_set: that it learns.
        network: name of the network.
        settings: how it is trained, of which seed, optimiser and learning rate are taken.

    Returns:
        Tags by name.

    Example:
        >>> run_tags(Path("studies/table1/params.yaml"), "avnrt-0.003-1", "avnrt", "hughes34", {"seed": 1})
        {'study': 'table1', 'cell': 'avnrt-0.003-1', 'label_set': 'avnrt', 'network': 'hughes34', 'seed': '1'}
    """
    tags = {"study": params.parent.name, "cell": model} if params.parent.name else {}
    tags |= {"label_set": label_set, "network": network}
    shown = {"seed": "d", "optimiser": "", "learning_rate": "g"}  # all digits of a seed: a date is one, too
    return tags | {name: format(settings[name], how) for name, how in shown.items() if name in settings}


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested mappings into one mapping with dotted names.

    Args:
        nested: values, or mappings of them, by name.
        prefix: stands before every name.

    Returns:
        The values by dotted name.

    Example:
        >>> flatten({"train": {"epochs": 3}, "heads": "all"})
        {'train.epochs': 3, 'heads': 'all'}
        >>> flatten({"columns": {"one head, best": 1}})  # signs that MLflow takes in no name
        {'columns.one head_ best': 1}
    """
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        name = f"{prefix}{re.sub(NO_NAME, '_', str(key))}"
        flat |= flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat


def grouped(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Put the scores of a test split into groups, which charts are sorted by.

    Args:
        metrics: nested numbers, as in ``reports/metrics.json``.

    Returns:
        The numbers by name: averages start with ``test/``, so that they come first; what belongs to one threshold for
        all, to single classes or to cohorts starts with ``test_at_0.5/``, ``test_classes/`` and ``test_cohorts/``,
        counts with ``test_counts/``. What a training measures starts with ``train/`` and ``validation/``.

    Example:
        >>> grouped({"macro": {"f1": 0.5}, "classes": {"avnrt": {"f1": 0.2}}})
        {'test/macro.f1': 0.5, 'test_classes/avnrt.f1': 0.2}
    """
    named: dict[str, Any] = {}
    for name, value in metrics.items():
        if name in ("at_0.5", "classes", "cohorts"):
            named |= flatten(value, f"test_{name}/")
        elif isinstance(value, int):
            named[f"test_counts/{name}"] = value
        else:
            named |= flatten({name: value}, "test/")
    return named
