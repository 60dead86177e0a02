"""One training as the pipeline runs it: read from the params file, trained, and written as a model folder."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from rarebeat.core.errors import ParamsError
from rarebeat.core.files import atomic
from rarebeat.core.params import group, parse
from rarebeat.dataset.folds import read_folds, trainable
from rarebeat.dataset.shards import load_split, split_cohorts
from rarebeat.dataset.split import ShardMeta, Split, take
from rarebeat.inference.model_folder import (
    ModelCard,
    check_complete,
    check_place,
    load_model,
    read_card,
    save_model,
)
from rarebeat.inference.novelty import LARGEST_SAMPLE, fit_detector, novelty_sentences
from rarebeat.inference.splits import predict_with_evidence
from rarebeat.metrics.arrays import FloatArray
from rarebeat.metrics.challenge_classes import challenge_places, class_rewards
from rarebeat.metrics.known_scores import known_scores
from rarebeat.metrics.thresholds import check_rule, choose_thresholds
from rarebeat.models.registry import NETWORKS
from rarebeat.training.checkpoint import fingerprint
from rarebeat.training.controls import controlled
from rarebeat.training.loop import EpochReport, train
from rarebeat.training.losses import check_loss
from rarebeat.training.precision import backends
from rarebeat.training.schedule import stages_of
from rarebeat.training.settings import ModelSettings, TrainSettings, resolve_label_set


@dataclass(frozen=True)
class Experiment:
    """What a training is determined by.

    Attributes:
        heads: name of the label set.
        classes: the label set, without the classes that cannot be learnt.
        not_learnt: classes of the label set without a positive record to train on. A head for one of them would
            stay as it was drawn at random, and its probability would mean nothing.
        model: network and its size.
        settings: how it is trained.
        train: the split to learn from.
        validation: the split that chooses thresholds.
        prepare: the params that the shards were made with, for the record.
        tested_on: the cohorts of the test split of the same shards.
        rewards: shape (classes, classes), what the CinC Challenge 2020 pays, where its classes are learnt.
    """

    heads: str
    classes: tuple[str, ...]
    not_learnt: tuple[str, ...]
    model: ModelSettings
    settings: TrainSettings
    train: Split
    validation: Split
    prepare: Mapping[str, Any]
    tested_on: tuple[str, ...] = ()
    rewards: FloatArray | None = None

    @property
    def cohorts(self) -> tuple[str, ...]:
        """The cohorts that are trained on."""
        return tuple(dict.fromkeys(self.train.cohorts.tolist()))

    @cached_property
    def key(self) -> str:
        """Equal for two trainings that must give the same weights; computed once, since it reads all signals."""
        return fingerprint([self.train, self.validation], self.classes, self.model, self.settings)

    def initialise(self, network: nn.Module) -> None:
        """Give a new network the weights that the training starts from, where it does not start from drawn ones."""
        if self.settings.start is not None:
            start_from(self.settings.start, self.classes, network)

    def describe(self) -> dict[str, Any]:
        """The params of the run, for people and for the tracking server."""
        return {
            "heads": self.heads,
            "classes": ",".join(self.classes),
            "not_learnt": ",".join(self.not_learnt),
            "cohorts": ",".join(self.cohorts),
            "tested_on": ",".join(self.tested_on),
            "model": {"name": self.model.name, **self.model.settings},
            "train": asdict(self.settings),
            "data": {
                "train_records": len(self.train.labels),
                "validation_records": len(self.validation.labels),
                "vocabulary": self.train.meta.vocabulary,
            },
            "prepare": self.prepare,
        }


def read_experiment(content: Mapping[str, Any], shards: Path) -> Experiment:
    """The training that params ask for, on the splits of the shards.

    Raises:
        ParamsError: as :func:`make_experiment`.
        RarebeatError: for a shard that cannot be read.
    """
    experiment = make_experiment(content, load_split(shards, "train"), load_split(shards, "validation"))
    return replace(experiment, tested_on=split_cohorts(shards, "test"))


def fold_experiment(content: Mapping[str, Any], shards: Path, folds: Path, number: int) -> Experiment:
    """The training of one fold of a cross-validation: on the other folds, with thresholds from this one.

    The folds divide the training and the validation split; the test split stays out. Where the training split was
    re-sampled (``prepare.balance``), the folds are as enriched with rare classes as it is, and so are the records that
    thresholds are chosen on: on records as they come, such thresholds call the rare classes too often.

    Raises:
        ParamsError: when there is no such fold; as :func:`make_experiment`.
        RarebeatError: for shards or folds that cannot be read or do not belong together.
    """
    everything = trainable(shards)
    held_out = read_folds(folds, everything) == number
    if not held_out.any():
        raise ParamsError(f"{folds} has no fold {number}: is it in folds.numbers?")
    experiment = make_experiment(content, take(everything, ~held_out), take(everything, held_out))
    return replace(experiment, tested_on=split_cohorts(shards, "test"))


def make_experiment(content: Mapping[str, Any], train_split: Split, validation: Split) -> Experiment:
    """The training that params ask for, on splits that are in memory.

    Args:
        content: the params, see :func:`rarebeat.core.params.read_params`.
        train_split: to learn from.
        validation: to choose thresholds on.

    Raises:
        ParamsError: naming every key that cannot be used; when no class of the label set can be learnt; when
            loss or threshold rule need the classes of the challenge and the vocabulary has others; when the model
            folder to start from does not fit.
    """
    label_sets = content.get("label_sets")
    if not isinstance(label_sets, dict):
        raise ParamsError("the params have no group 'label_sets'")
    model, settings = group(content, "model", ModelSettings), group(content, "train", TrainSettings)
    train_split, validation = controlled(train_split, validation, settings)
    heads = str(content.get("heads"))
    label_set = resolve_label_set(label_sets, heads, train_split.meta.classes)
    positives = (train_split.targets(label_set) == 1).any(axis=0)
    learnt = tuple(name for name, found in zip(label_set, positives, strict=True) if found)
    if not learnt:
        raise ParamsError(f"heads {heads}: no record of the training split has any of {', '.join(label_set)}")
    rewards = class_rewards(learnt, challenge_places(train_split.meta.vocabulary, train_split.meta.codes))
    for stage in stages_of(settings):
        check_loss(stage.settings.loss, rewards)
    check_rule(settings.threshold, rewards)
    if settings.start is not None:
        check_complete(settings.start)
        check_start(read_card(settings.start), model, train_split.meta, str(settings.init))
    return Experiment(
        heads=heads,
        classes=learnt,
        not_learnt=tuple(name for name in label_set if name not in learnt),
        model=model,
        settings=settings,
        train=train_split,
        validation=validation,
        prepare=content.get("prepare") or {},
        rewards=rewards,
    )


def check_start(card: ModelCard, model: ModelSettings, meta: ShardMeta, folder: str) -> None:
    """Check that a training can start from the weights of a model.

    Raises:
        ParamsError: when it is another network, or learnt from signals of another rate or scale.
    """
    rate, normalise = card.preprocessing.rate, card.preprocessing.normalise
    wanted = {
        "network": (card.architecture, model.name),
        "settings of the network": (
            _settings(card.architecture, card.settings),
            _settings(model.name, model.settings),
        ),
        "sampling rate": (rate, meta.preprocessing.rate),
        "normalisation": (normalise, meta.preprocessing.normalise),
        "unit": (card.units, meta.units),
    }
    for what, (found, expected) in wanted.items():
        if found != expected:
            raise ParamsError(f"train.init: the {what} of {folder} is {found}, this training has {expected}")


def _settings(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a network, those that are left out too."""
    return asdict(parse(NETWORKS[name].settings, dict(settings), f"model.{name}"))


def start_from(folder: Path, classes: tuple[str, ...], network: nn.Module) -> None:
    """Give a new network the weights of a trained one.

    The trunk and the standardisation are taken as they are, and so are the heads of the classes that both know; heads
    of other classes stay as the seed has drawn them.

    Args:
        folder: model folder, see :func:`check_start`.
        classes: of the new network, in the order of its outputs.
        network: changed in place.

    Raises:
        RarebeatError: when the folder cannot be read.
        ParamsError: when the weights do not fit, since the recordings are of another length, say.
    """
    trained, card = load_model(folder)
    weights, fresh = trained.state_dict(), network.state_dict()
    rows = {name: row for row, name in enumerate(card.classes)}
    for name in (key for key in fresh if key.startswith("heads.")):
        if weights[name].shape[1:] == fresh[name].shape[1:]:
            heads = fresh[name].clone()
            for row, entry in enumerate(classes):
                if entry in rows:
                    heads[row] = weights[name][rows[entry]]
            weights[name] = heads
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ParamsError(f"train.init: the weights of {folder} do not fit: {error}") from error


def run_experiment(
    experiment: Experiment,
    out: Path,
    curves: Path,
    checkpoints: Path,
    on_epoch: Callable[[EpochReport], None],
) -> None:
    """Train, choose thresholds on the validation split, and write the model folder and the training curves.

    Args:
        experiment: what to train.
        out: model folder to write.
        curves: CSV to write, one row per epoch.
        checkpoints: folder from which a killed training goes on; emptied of this training's at its end.
        on_epoch: called after every epoch (see :func:`rarebeat.training.loop.train`).

    Raises:
        ParamsError: when the model folder to write is the one that the training starts from.
        RarebeatError: as :func:`rarebeat.training.loop.train`.
    """
    start = experiment.settings.start
    if start is not None and start.resolve() == out.resolve():
        raise ParamsError(f"train.init: {out} is the model folder to write; start from a copy of it")
    check_place(out)
    history: list[EpochReport] = []

    def note(report: EpochReport) -> None:
        history.append(report)
        on_epoch(report)

    module = train(
        experiment.train,
        experiment.validation,
        experiment.classes,
        experiment.model,
        experiment.settings,
        checkpoints,
        note,
        experiment.rewards,
        experiment.initialise,
        experiment.key,
    )
    # Only the threads are set: on a GPU, thresholds belong to probabilities as every later prediction computes them.
    with backends(torch.device("cpu"), experiment.settings.threads):
        window = experiment.settings.window
        probabilities, unseen = predict_with_evidence(module, experiment.validation, window)
        _, seen = predict_with_evidence(module, _evenly(experiment.train, LARGEST_SAMPLE), window)
    thresholds = choose_thresholds(
        experiment.validation.columns(experiment.classes),
        probabilities,
        experiment.settings.threshold,
        experiment.rewards,
        experiment.validation.patients,
        experiment.settings.min_positives,
    )
    card = _card(experiment, dict(zip(experiment.classes, thresholds.tolist(), strict=True)), history)
    detector = fit_detector(seen, unseen)
    unlike = [bool(text) for text in novelty_sentences(detector, unseen, card.preprocessing)]
    people = len(set(experiment.validation.patients.tolist()))
    scores = known_scores(probabilities, people, float(np.mean(unlike)) if unlike else 0.0)
    save_model(out, module, card, detector, scores)
    with atomic(curves) as temporary:
        pd.DataFrame([asdict(report) for report in history]).round(6).to_csv(temporary, index=False)
    shutil.rmtree(checkpoints / experiment.key, ignore_errors=True)


def _evenly(split: Split, most: int) -> Split:
    """So many records of a split at most, evenly spread over it."""
    return take(split, np.linspace(0, len(split) - 1, min(len(split), most)).round().astype(np.int64))


def _card(experiment: Experiment, thresholds: Mapping[str, float], history: list[EpochReport]) -> ModelCard:
    meta = experiment.train.meta
    return ModelCard(
        architecture=experiment.model.name,
        settings=dict(experiment.model.settings),
        classes=experiment.classes,
        thresholds=dict(thresholds),
        preprocessing=meta.preprocessing,
        units=meta.units,
        heads=experiment.heads,
        cohorts=experiment.cohorts,
        vocabulary=meta.vocabulary,
        codes={name: meta.codes[name] for name in experiment.classes if name in meta.codes},
        window=experiment.settings.window,
        training={
            **asdict(experiment.settings),
            "records": len(experiment.train.labels),
            "not_learnt": list(experiment.not_learnt),
            "test_split_cohorts": list(experiment.tested_on),
            "epochs_run": len(history),
        },
    )
