"""One training as the pipeline runs it: read from the params file, trained, and written as a model folder."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rarebeat.core.errors import ParamsError
from rarebeat.core.files import atomic
from rarebeat.core.params import group, read_params
from rarebeat.dataset.shards import load_split
from rarebeat.dataset.split import Split
from rarebeat.inference.model_folder import ModelCard, save_model
from rarebeat.inference.splits import predict_split
from rarebeat.metrics.arrays import FloatArray
from rarebeat.metrics.challenge_classes import challenge_places, class_rewards
from rarebeat.metrics.thresholds import check_rule, choose_thresholds
from rarebeat.training.checkpoint import fingerprint
from rarebeat.training.loop import EpochReport, train
from rarebeat.training.losses import check_loss
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
        tracking: name of the MLflow experiment.
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
    tracking: str
    rewards: FloatArray | None = None

    @property
    def cohorts(self) -> tuple[str, ...]:
        """The cohorts that are trained on."""
        return tuple(dict.fromkeys(self.train.cohorts.tolist()))

    def key(self) -> str:
        """Equal for two trainings that must give the same weights."""
        return fingerprint([self.train, self.validation], self.classes, self.model, self.settings)

    def describe(self) -> dict[str, Any]:
        """The params of the run, for people and for the tracking server."""
        return {
            "heads": self.heads,
            "classes": ",".join(self.classes),
            "not_learnt": ",".join(self.not_learnt),
            "cohorts": ",".join(self.cohorts),
            "model": {"name": self.model.name, **self.model.settings},
            "train": asdict(self.settings),
            "data": {
                "train_records": len(self.train.labels),
                "validation_records": len(self.validation.labels),
                "vocabulary": self.train.meta.vocabulary,
            },
            "prepare": self.prepare,
        }


def read_experiment(params: Path, shards: Path) -> Experiment:
    """Read the groups of the train stage, and the shards.

    Raises:
        ParamsError: as :func:`make_experiment`.
        RarebeatError: for a shard that cannot be read.
    """
    return make_experiment(params, load_split(shards, "train"), load_split(shards, "validation"))


def make_experiment(params: Path, train_split: Split, validation: Split) -> Experiment:
    """Read the groups of the train stage, for splits that are in memory.

    Raises:
        ParamsError: naming every key that cannot be used; when no class of the label set can be learnt; when
            loss or threshold rule need the classes of the challenge and the vocabulary has others.
    """
    content = read_params(params)
    label_sets = content.get("label_sets")
    if not isinstance(label_sets, dict):
        raise ParamsError(f"{params} has no group 'label_sets'")
    model, settings = group(content, "model", ModelSettings), group(content, "train", TrainSettings)
    heads = str(content.get("heads"))
    label_set = resolve_label_set(label_sets, heads, train_split.meta.classes)
    positives = (train_split.columns(label_set) == 1).any(axis=0)
    learnt = tuple(name for name, found in zip(label_set, positives, strict=True) if found)
    if not learnt:
        raise ParamsError(f"heads {heads}: no record of the training split has any of {', '.join(label_set)}")
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
        tracking=(content.get("tracking") or {}).get("experiment", "rarebeat"),
        rewards=rewards,
    )


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
    """
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
    )
    probabilities = predict_split(module, experiment.validation, experiment.settings.window)
    thresholds = choose_thresholds(
        experiment.validation.columns(experiment.classes),
        probabilities,
        experiment.settings.threshold,
        experiment.rewards,
    )
    card = _card(experiment, dict(zip(experiment.classes, thresholds.tolist(), strict=True)), history)
    save_model(out, module, card)
    with atomic(curves) as temporary:
        pd.DataFrame([asdict(report) for report in history]).round(6).to_csv(temporary, index=False)
    shutil.rmtree(checkpoints / experiment.key(), ignore_errors=True)


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
            "epochs_run": len(history),
        },
    )
