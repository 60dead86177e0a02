"""All of a params file, checked at once: every group against the settings of its room, and the groups together.

Each stage checks its own groups when it runs; by then the stages before it have run, and DVC has removed what it made
before. Nothing that a stage computes depends on this module, so that its imports (every room) make no stage stale.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

from rarebeat.core.errors import ParamsError, RarebeatError, did_you_mean
from rarebeat.core.parallel import parse_workers
from rarebeat.core.params import STUDY, TrackingSettings, group, parse
from rarebeat.dataset.folds import FoldSettings
from rarebeat.dataset.prepare import PrepareSettings
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.cells import CompareSettings, check_names, value_text
from rarebeat.inference.model_folder import check_complete
from rarebeat.inference.voting import EnsembleSettings
from rarebeat.labels.extract import LabelSettings
from rarebeat.labels.vocabulary import FOLDER, Vocabulary, load_vocabulary
from rarebeat.metrics.challenge_classes import challenge_places, class_rewards
from rarebeat.metrics.thresholds import FOR_CHALLENGE, check_rule
from rarebeat.models.own import is_own
from rarebeat.models.registry import NETWORKS, settings_kind
from rarebeat.readers.registry import CohortSettings, get_source
from rarebeat.readers.tables.settings import split_options
from rarebeat.training.losses import check_loss
from rarebeat.training.schedule import check_steps, stages_of
from rarebeat.training.search.settings import SearchSettings, value_of, with_values
from rarebeat.training.settings import ModelSettings, TrainSettings, is_mlflow_model, resolve_label_set

GROUPS = {
    "evaluate": EvaluateSettings,
    "compare": CompareSettings,
    "folds": FoldSettings,
    "ensemble": EnsembleSettings,
    "search": SearchSettings,
    "tracking": TrackingSettings,
}
"""The groups that are checked alone, and their settings."""

WITH_OTHERS = ("use", "cohorts", "label", "prepare", "heads", "label_sets", "model", "train")
"""The groups that also speak of each other."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""Names that become folders, stages of DVC and words of a command."""


def check_params(content: Mapping[str, Any]) -> None:
    """Check all groups of a params file.

    Args:
        content: the params, see :func:`rarebeat.core.params.read_params`.

    Raises:
        ParamsError: naming everything that is wrong, one line each: unknown groups, keys, cohorts, networks, label
            sets and classes, values of the wrong type or out of range, and settings that exclude each other.
    """
    known = (*WITH_OTHERS, *GROUPS, "workers")
    faults = [
        f"there is no group {name!r}{did_you_mean(str(name), known)}"
        for name in content
        if name not in (*known, *STUDY)
    ]
    for check in (
        _check_cohorts,
        _check_labels_and_training,
        _check_prepare,
        _check_roles,
        _check_networks,
        _check_cells,
        _check_compare,
        _check_search,
    ):
        faults += _faults_of(check, content)
    for name, kind in GROUPS.items():
        faults += _faults_of(group, content, name, kind)
    faults += _faults_of(parse_workers, content.get("workers"))
    if faults:
        raise ParamsError("\n".join(dict.fromkeys(faults)))


def _faults_of(check: Callable[..., object], *arguments: Any) -> list[str]:
    """What a check complains of, line by line."""
    try:
        check(*arguments)
    except RarebeatError as error:
        return [str(error)]
    return []


def _check_cohorts(content: Mapping[str, Any]) -> None:
    """Every cohort has a kind that there is and options of that kind; `use` names cohorts that there are, once each."""
    cohorts = group(content, "cohorts", dict[str, Any])
    faults = [
        f"cohorts.{name}: the name of a cohort is letters, digits, - and _, for folders are named after it"
        for name in cohorts
        if not _PLAIN.fullmatch(name)
    ]
    for name, entry in cohorts.items():
        faults += _faults_of(_check_cohort, f"cohorts.{name}", entry)
    used = parse(list[str], content.get("use"), "use")
    faults += [f"use: {name!r} stands twice" for name in dict.fromkeys(used) if used.count(name) > 1]
    faults += _strangers("use", used, cohorts)
    if not used:
        faults.append("use: name one cohort at least")
    if faults:
        raise ParamsError("\n".join(faults))


def _check_cohort(where: str, entry: Any) -> None:
    settings = parse(CohortSettings, entry or {}, where)
    try:
        options = get_source(settings.kind).options
    except ParamsError as error:
        raise ParamsError(f"{where}.kind: {error}") from error
    _, own = split_options(settings.options or {})
    parse(options, own, f"{where}.options")


def _strangers(where: str, names: Iterable[str], cohorts: Mapping[str, Any]) -> list[str]:
    """A line for each name that is no cohort."""
    return [
        f"{where}: there is no cohort {name!r}"
        + (did_you_mean(name, cohorts) or f"; there are: {', '.join(cohorts)}")
        for name in names
        if name not in cohorts
    ]


def _check_prepare(content: Mapping[str, Any]) -> None:
    """The cohorts that `prepare` names are there: a misspelt one would leave its records to the default."""
    settings = group(content, "prepare", PrepareSettings)
    cohorts = content["cohorts"] if isinstance(content.get("cohorts"), Mapping) else {}
    faults = _strangers("prepare.labels", settings.labels, cohorts)
    faults += _strangers("prepare.split.folds", settings.split.folds, cohorts)
    if faults:
        raise ParamsError("\n".join(faults))


def _check_roles(content: Mapping[str, Any]) -> None:
    """The cohorts that are trained on, validated on and tested on are there, and take part."""
    train, evaluate = group(content, "train", TrainSettings), group(content, "evaluate", EvaluateSettings)
    roles = {
        "train.train_on": train.train_on,
        "train.validate_on": train.validate_on,
        "evaluate.test_on": evaluate.test_on,
    }
    cohorts = content["cohorts"] if isinstance(content.get("cohorts"), Mapping) else {}
    used, faults = parse(list[str], content.get("use"), "use"), list[str]()
    for where, names in roles.items():
        faults += _strangers(where, names or (), cohorts)
        absent = [name for name in names or () if name in cohorts and name not in used]
        faults += [
            f"{where}: {name} is not in `use` ({', '.join(used)}): nothing of it is prepared"
            for name in absent
        ]
        if names == ():
            faults.append(f"{where}: name one cohort at least, or null for all")
    if faults:
        raise ParamsError("\n".join(faults))


def _check_labels_and_training(content: Mapping[str, Any]) -> None:
    """The vocabulary is there and right, the label sets name classes, and the loss and the thresholds suit them."""
    faults = []
    try:
        vocabulary = load_vocabulary(group(content, "label", LabelSettings).vocabulary)
    except ParamsError as error:
        faults, vocabulary = [f"label.vocabulary: {error}"], None
    label_sets = group(content, "label_sets", dict[str, Any])
    faults += _faults_of(_check_training, content, label_sets, vocabulary)
    classes = [] if vocabulary is None else list(vocabulary.class_ids)
    found = {name: _faults_of(resolve_label_set, label_sets, name, classes) for name in label_sets}
    if any(
        found.values()
    ):  # a label set may be that of another vocabulary; each takes a third of a second to load
        others = (load_vocabulary(path.stem).class_ids for path in sorted(FOLDER.glob("*.yaml")))
        classes = list(dict.fromkeys(chain(classes, *others)))
        found = {name: _faults_of(resolve_label_set, label_sets, name, classes) for name in label_sets}
    faults += chain(*found.values())
    if faults:
        raise ParamsError("\n".join(faults))


def _check_training(
    content: Mapping[str, Any], label_sets: Mapping[str, Any], vocabulary: Vocabulary | None
) -> None:
    settings, heads = group(content, "train", TrainSettings), str(content.get("heads"))
    # That of MLflow is fetched by the training.
    check_steps(settings)
    if settings.init and settings.start and not is_mlflow_model(settings.init):
        check_complete(settings.start)
    if vocabulary is None:
        return
    classes = resolve_label_set(label_sets, heads, vocabulary.class_ids)
    every = vocabulary.class_ids
    strangers = [
        f"train.{key}: no class {name!r}{did_you_mean(name, every)}"
        for key, names in (
            ("shuffle_except", settings.shuffle_except),
            ("limit_positives", settings.limit_positives),
        )
        for name in names
        if name not in every
    ]
    if settings.shuffle_except and not settings.shuffle_labels:
        strangers.append("train.shuffle_except: no labels are shuffled (train.shuffle_labels)")
    if strangers:
        raise ParamsError("\n".join(strangers))
    losses = [stage.settings.loss for stage in stages_of(settings)]
    rewards = None
    if "challenge" in losses or settings.threshold in FOR_CHALLENGE:
        codes = {entry.id: entry.code for entry in vocabulary.classes}
        rewards = class_rewards(classes, challenge_places(vocabulary.name, codes))
    for loss in losses:
        check_loss(loss, rewards)
    check_rule(settings.threshold, rewards)


def _check_networks(content: Mapping[str, Any]) -> None:
    """The network is there, and every network's group holds settings that it has."""
    model = group(content, "model", dict[str, Any])
    name = group(content, "model", ModelSettings).name
    known = name in NETWORKS or is_own(name)
    faults = [] if known else [f"model.name: there is no network {name!r}{_networks(name)}"]
    beside = {}
    for key, entry in model.items():
        if key in NETWORKS or is_own(key):
            faults += _faults_of(_check_network, key, entry, f"model.{key}")
        elif isinstance(entry, Mapping):
            faults.append(f"model.{key}: there is no network {key!r}{_networks(key)}")
        elif key != "name":
            beside[key] = entry
    if known:
        faults += _faults_of(_check_network, name, beside, f"model (network {name})")
    if known and name not in model:
        faults.append(
            f"model.{name}: the settings of the chosen network are missing; {{}} takes its defaults"
        )
    if faults:
        raise ParamsError("\n".join(faults))


def _check_network(name: str, settings: Any, where: str) -> None:
    parse(settings_kind(name), settings or {}, where)


def _networks(name: str) -> str:
    return did_you_mean(name, NETWORKS) or f"; there are: {', '.join(NETWORKS)}"


def _check_cells(content: Mapping[str, Any]) -> None:
    """The values of a study's factors become words of a command and parts of file names."""
    strange = [
        f"{where}: {value!r} must be letters, digits, -, _ and ."
        for where, _, values in _factors(content)
        for value in values
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", str(value))
    ]
    if strange:
        raise ParamsError("\n".join(strange))
    check_names(content.get("cells") or {})


def _factors(content: Mapping[str, Any]) -> list[tuple[str, str, list[Any]]]:
    """The factors of a study: where each stands, its name and its values."""
    cells = parse(dict[str, list[Any] | dict[str, list[Any]]], content.get("cells") or {}, "cells")
    return [
        (f"cells.{part}.{factor}" if isinstance(values, dict) else f"cells.{part}", factor, entries)
        for part, values in cells.items()
        for factor, entries in (values.items() if isinstance(values, dict) else [(part, values)])
    ]


def _values(content: Mapping[str, Any]) -> dict[str, set[str]]:
    """The factors of a study, and all values that each of them takes."""
    values: dict[str, set[str]] = {}
    for _, factor, entries in _factors(content):
        values.setdefault(factor, set()).update(map(value_text, entries))
    return values


def _check_baseline(content: Mapping[str, Any], settings: CompareSettings) -> None:
    """The cells that all others are compared with are there, and so is the factor of the curves."""
    values = _values(content)
    named = dict.fromkeys(("compare.against",), next(iter(settings.against)))
    named |= {"compare.across": settings.across} if settings.across else {}
    faults = [
        f"{where}: no factor {name!r} in cells{did_you_mean(name, values)}"
        for where, name in named.items()
        if name not in values
    ]
    faults += [
        f"compare.against.{name}: no value {value} in cells{did_you_mean(str(value), values[name])}"
        for name, value in settings.against.items()
        if name in values and str(value) not in values[name]
    ]
    if faults:
        raise ParamsError("\n".join(faults))


def _check_compare(content: Mapping[str, Any]) -> None:
    """What is compared is there: a study would find out after its last training, or leave a column empty."""
    settings = group(content, "compare", CompareSettings)
    if settings.against:
        _check_baseline(content, settings)
    if not settings.classes:
        return
    vocabulary = load_vocabulary(group(content, "label", LabelSettings).vocabulary)
    faults = [
        f"compare.classes: no class {name!r}{did_you_mean(name, vocabulary.class_ids)}"
        for name in settings.classes
        if name not in vocabulary.class_ids
    ]
    values = _values(content)
    for title, wanted in settings.columns.items():
        where = f"compare.columns.{title}"
        faults += [
            f"{where}: no factor {name!r} in cells{did_you_mean(name, values)}"
            for name in wanted
            if name not in values
        ]
        faults += [
            f"{where}.{name}: no value {value} in cells{did_you_mean(str(value), values[name])}"
            for name in wanted.keys() & values
            for value in wanted[name]
            if str(value) not in values[name]
        ]
    for name, titles in settings.published.items():
        if name not in settings.classes:
            faults.append(
                f"compare.published: {name!r} is not in compare.classes{did_you_mean(name, settings.classes)}"
            )
        faults += [
            f"compare.published.{name}: no column {title!r}{did_you_mean(title, settings.columns)}"
            for title in titles
            if title not in settings.columns
        ]
    if faults:
        raise ParamsError("\n".join(faults))


def _check_search(content: Mapping[str, Any]) -> None:
    """What a search may vary is there, and takes every value of its range, or at least its ends."""
    faults = []
    for name, dimension in group(content, "search", SearchSettings).space.items():
        try:
            value_of(content, name)
            for value in dimension.ends:
                tried = with_values(content, {name: value})
                _check_networks(tried)
                group(tried, "train", TrainSettings)
        except ParamsError as error:
            faults.append(f"search.space.{name}: {error}")
    if faults:
        raise ParamsError("\n".join(faults))
