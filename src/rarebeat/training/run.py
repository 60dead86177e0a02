"""One training as the pipeline runs it: read from the params file, trained, and written as a model folder."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from rarebeat.core.errors import ParamsError
from rarebeat.core.files import atomic
from rarebeat.core.params import group
from rarebeat.dataset.folds import read_folds, trainable
from rarebeat.dataset.memory import streams
from rarebeat.dataset.remote import Folder
from rarebeat.dataset.shards import load_split, open_split, split_cohorts
from rarebeat.dataset.split import Split, take
from rarebeat.dataset.stored import StoredSignals
from rarebeat.inference.model_folder import ModelCard, check_place, save_model
from rarebeat.inference.novelty import LARGEST_SAMPLE, fit_detector, novelty_sentences
from rarebeat.inference.splits import predict_with_evidence
from rarebeat.metrics.arrays import FloatArray
from rarebeat.metrics.challenge_classes import challenge_places, class_rewards
from rarebeat.metrics.known_scores import known_scores
from rarebeat.metrics.offsets import fit_offsets, without_offsets
from rarebeat.metrics.thresholds import check_rule, choose_thresholds
from rarebeat.models.layers import heads_of
from rarebeat.training.checkpoint import fingerprint
from rarebeat.training.controls import controlled
from rarebeat.training.distributed.world import ALONE, World
from rarebeat.training.finetune import Source, certainty_of, learnable, open_source, start_from, untrained
from rarebeat.training.loop import EpochReport, train
from rarebeat.training.losses import check_loss
from rarebeat.training.precision import backends, choose_device
from rarebeat.training.schedule import stages_of
from rarebeat.training.settings import ModelSettings, TrainSettings, resolve_label_set


@dataclass(frozen=True)
class Experiment:
    """What a training is determined by.

    Attributes:
        heads: name of the label set.
        classes: the label set, without the classes that cannot be learnt.
        not_learnt: classes of the label set without a positive record to train on, which the model to start from does
            not know either. A head for one of them would stay as it was drawn at random, and its probability would mean
            nothing. Where nothing is trained, all that the model to start from does not know.
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

    @cached_property
    def source(self) -> Source | None:
        """The model that the training starts from, where it does not start from drawn weights."""
        return open_source(self.settings, self.model, self.train.meta)

    @property
    def cohorts(self) -> tuple[str, ...]:
        """The cohorts that are trained on; where nothing is trained, those that the weights have learnt from."""
        if self.source is not None and self.source.trains_nothing:
            return self.source.card.cohorts
        return tuple(dict.fromkeys(self.train.cohorts.tolist()))

    @property
    def validated_on(self) -> tuple[str, ...]:
        """The cohorts that thresholds are chosen on."""
        return tuple(dict.fromkeys(self.validation.cohorts.tolist()))

    @property
    def records(self) -> int:
        """How many records the weights have learnt from; those of the source, where nothing is trained."""
        if self.source is not None and self.source.trains_nothing:
            return int(self.source.card.training.get("records", 0))
        return len(self.train)

    @property
    def origin(self) -> dict[str, Any]:
        """Where the weights come from; nothing where they are drawn."""
        return {} if self.source is None else self.source.describe(self.classes)

    @cached_property
    def key(self) -> str:
        """Equal for two trainings that must give the same weights; computed once, since it reads all signals."""
        return fingerprint([self.train, self.validation], self.classes, self.model, self.settings)

    def initialise(self, network: nn.Module) -> None:
        """Give a new network the weights that the training starts from, where it does not start from drawn ones."""
        if self.source is not None:
            start_from(self.source, self.classes, network)

    def describe(self) -> dict[str, Any]:
        """The params of the run, for people and for the tracking server."""
        return {
            "heads": self.heads,
            "classes": ",".join(self.classes),
            "not_learnt": ",".join(self.not_learnt),
            "cohorts": ",".join(self.cohorts),
            "validated_on": ",".join(self.validated_on),
            "tested_on": ",".join(self.tested_on),
            "model": {"name": self.model.name, **self.model.settings},
            "train": asdict(self.settings),
            "data": {
                "train_records": len(self.train.labels),
                "validation_records": len(self.validation.labels),
                "vocabulary": self.train.meta.vocabulary,
            },
            "prepare": self.prepare,
            **({"origin": self.origin} if self.source else {}),
        }


def learning_splits(content: Mapping[str, Any], shards: Folder) -> tuple[Split, Split]:
    """The training and the validation split, with their signals where ``train.memory`` wants them.

    Raises:
        ParamsError: for settings that cannot be used.
        RarebeatError: for a shard that cannot be read.
    """
    read = open_split if _streams(content, shards) else load_split
    return read(shards, "train"), read(shards, "validation")


def _streams(content: Mapping[str, Any], shards: Folder) -> bool:
    settings = group(content, "train", TrainSettings)
    return streams(settings.memory, shards, settings.devices)


def read_experiment(content: Mapping[str, Any], shards: Folder) -> Experiment:
    """The training that params ask for, on the splits of the shards.

    Raises:
        ParamsError: as :func:`make_experiment`.
        RarebeatError: for a shard that cannot be read.
    """
    experiment = make_experiment(content, *learning_splits(content, shards))
    return replace(experiment, tested_on=split_cohorts(shards, "test"))


def fold_experiment(content: Mapping[str, Any], shards: Folder, folds: Path, number: int) -> Experiment:
    """The training of one fold of a cross-validation: on the other folds, with thresholds from this one.

    The folds divide the training and the validation split; the test split stays out. Where the training split was
    re-sampled (``prepare.balance``), the folds are as enriched with rare classes as it is, and so are the records that
    thresholds are chosen on: on records as they come, such thresholds call the rare classes too often.

    Raises:
        ParamsError: when there is no such fold; as :func:`make_experiment`.
        RarebeatError: for shards or folds that cannot be read or do not belong together.
    """
    everything = trainable(shards, _streams(content, shards))
    held_out = read_folds(folds, everything) == number
    if not held_out.any():
        raise ParamsError(f"{folds} has no fold {number}: is it in folds.numbers?")
    experiment = make_experiment(content, take(everything, ~held_out), take(everything, held_out))
    return replace(experiment, tested_on=split_cohorts(shards, "test"))


def make_experiment(content: Mapping[str, Any], train_split: Split, validation: Split) -> Experiment:
    """The training that params ask for, on splits whose signals are in memory or in shards.

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
    stored = isinstance(train_split.signals, StoredSignals)
    settings = replace(settings, memory="stream" if stored else "whole")  # what "auto" came to
    train_split, validation = controlled(train_split, validation, settings)
    heads = str(content.get("heads"))
    label_set = resolve_label_set(label_sets, heads, train_split.meta.classes)
    source = open_source(settings, model, train_split.meta)
    learnt = learnable(label_set, train_split, source)
    if not learnt:
        nothing = (
            f"{source.name} knows none"
            if source and source.trains_nothing
            else "no record of the training split has any"
        )
        raise ParamsError(f"heads {heads}: {nothing} of {', '.join(label_set)}")
    rewards = class_rewards(learnt, challenge_places(train_split.meta.vocabulary, train_split.meta.codes))
    for stage in stages_of(settings):
        check_loss(stage.settings.loss, rewards)
    check_rule(settings.threshold, rewards)
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


def run_experiment(
    experiment: Experiment,
    out: Path,
    curves: Path,
    checkpoints: Path,
    on_epoch: Callable[[EpochReport], None],
    world: World = ALONE,
) -> None:
    """Train, choose thresholds on the validation split, and write the model folder and the training curves.

    Args:
        experiment: what to train.
        out: model folder to write.
        curves: CSV to write, one row per epoch.
        checkpoints: folder from which a killed training goes on; emptied of this training's at its end.
        on_epoch: called after every epoch (see :func:`rarebeat.training.loop.train`).
        world: the processes that train together; the first one writes.

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

    module = _network(experiment, checkpoints, note, world)
    if not world.first:
        return
    # Only the threads are set: on a GPU, thresholds belong to probabilities as every later prediction computes them.
    with backends(torch.device("cpu"), experiment.settings.threads):
        window = experiment.settings.window
        probabilities, unseen = predict_with_evidence(module, experiment.validation, window)
        detector = None if experiment.source is None else experiment.source.detector()
        if detector is None:
            _, seen = predict_with_evidence(module, _evenly(experiment.train, LARGEST_SAMPLE), window)
            detector = fit_detector(seen, unseen)
    thresholds, offsets = _decided(experiment, probabilities)
    if offsets:
        heads_of(module)  # raises for heads that take none, which could not be loaded again
    certainty = certainty_of(
        experiment.source, experiment.validation, probabilities, experiment.classes, experiment.settings
    )
    card = replace(_card(experiment, thresholds, offsets, history), certainty=certainty)
    unlike = [bool(text) for text in novelty_sentences(detector, unseen, card.preprocessing)]
    people = len(set(experiment.validation.patients.tolist()))
    scores = known_scores(
        _plain(experiment, probabilities), people, float(np.mean(unlike)) if unlike else 0.0
    )
    save_model(out, module, card, detector, scores)
    with atomic(curves) as temporary:
        columns = [entry.name for entry in fields(EpochReport)]
        rows = pd.DataFrame([asdict(report) for report in history], columns=columns)
        rows.round(6).to_csv(temporary, index=False)
    shutil.rmtree(checkpoints / experiment.key, ignore_errors=True)


def _evenly(split: Split, most: int) -> Split:
    """So many records of a split at most, evenly spread over it."""
    return take(split, np.linspace(0, len(split) - 1, min(len(split), most)).round().astype(np.int64))


def _network(
    experiment: Experiment, checkpoints: Path, note: Callable[[EpochReport], None], world: World
) -> nn.Module:
    """The trained network; where nothing is trained, that of the source with the heads that are asked for."""
    settings, source = experiment.settings, experiment.source
    if source is not None and source.trains_nothing:
        samples = settings.window.of(experiment.validation.signals.shape[2])
        device = world.device(choose_device(settings.device))
        return untrained(source, experiment.classes, experiment.model, samples).to(device)
    data = experiment.train, experiment.validation, experiment.classes
    start = experiment.rewards, experiment.initialise, experiment.key
    return train(*data, experiment.model, settings, checkpoints, note, *start, world)


def _plain(experiment: Experiment, probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
    """The probabilities without the offsets of a source that nothing is trained of: the card holds them."""
    source = experiment.source
    offsets = source.offsets(experiment.classes) if source is not None and source.trains_nothing else {}
    if not offsets:
        return probabilities
    return without_offsets(probabilities, np.array([offsets.get(name, 0.0) for name in experiment.classes]))


def _decided(
    experiment: Experiment, probabilities: npt.NDArray[np.float32]
) -> tuple[dict[str, float], dict[str, float]]:
    """Thresholds and offsets by class, from the probabilities of the validation split."""
    classes, settings, source = experiment.classes, experiment.settings, experiment.source
    truth = experiment.validation.columns(classes)
    offsets = source.offsets(classes) if source is not None and source.trains_nothing else {}
    if source is not None and settings.finetune.protocol == "zero_shot_offset":
        fitted = fit_offsets(truth, probabilities).tolist()
        offsets = {name: offsets.get(name, 0.0) + own for name, own in zip(classes, fitted, strict=True)}
        return {name: source.card.thresholds[name] for name in classes}, offsets
    thresholds = choose_thresholds(
        truth,
        probabilities,
        settings.threshold,
        experiment.rewards,
        experiment.validation.patients,
        settings.min_positives,
    )
    return dict(zip(classes, thresholds.tolist(), strict=True)), offsets


def _card(
    experiment: Experiment,
    thresholds: Mapping[str, float],
    offsets: Mapping[str, float],
    history: list[EpochReport],
) -> ModelCard:
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
            "records": experiment.records,
            "validated_on": list(experiment.validated_on),
            "not_learnt": list(experiment.not_learnt),
            "test_split_cohorts": list(experiment.tested_on),
            "epochs_run": len(history),
        },
        offsets=dict(offsets),
        origin=experiment.origin,
    )
