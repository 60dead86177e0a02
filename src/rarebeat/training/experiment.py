"""What a training is determined by: read from the params file and the shards, before anything is trained."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import group
from rarebeat.dataset.folds import read_folds, trainable
from rarebeat.dataset.memory import streams
from rarebeat.dataset.remote import Folder
from rarebeat.dataset.shards import load_split, open_split, split_cohorts
from rarebeat.dataset.split import Split, take
from rarebeat.dataset.stored import StoredSignals
from rarebeat.metrics.arrays import FloatArray
from rarebeat.metrics.challenge_classes import challenge_places, class_rewards
from rarebeat.metrics.thresholds import check_rule
from rarebeat.training.checkpoint import fingerprint
from rarebeat.training.controls import controlled
from rarebeat.training.finetune import Source, learnable, open_source, start_from
from rarebeat.training.losses import check_loss
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
