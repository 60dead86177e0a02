"""One training as the pipeline runs it: trained, with thresholds and limits, and written as a model folder."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from rarebeat.core.errors import ParamsError
from rarebeat.core.files import atomic
from rarebeat.dataset.split import Split, take
from rarebeat.inference.model_folder import ModelCard, check_place, save_model
from rarebeat.inference.novelty import LARGEST_SAMPLE, fit_detector, novelty_sentences
from rarebeat.inference.splits import predict_with_evidence
from rarebeat.metrics.known_scores import known_scores
from rarebeat.metrics.offsets import fit_offsets, without_offsets
from rarebeat.metrics.thresholds import choose_thresholds
from rarebeat.models.layers import heads_of
from rarebeat.training.distributed.world import ALONE, World
from rarebeat.training.experiment import Experiment
from rarebeat.training.finetune import certainty_of, untrained
from rarebeat.training.loop import EpochReport, train
from rarebeat.training.precision import backends, choose_device


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
        checkpoints: folder from which a killed training goes on. They stay, so that whatever comes after this may
            fail and be started again without a new training: :func:`forget_checkpoints` removes them.
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
    write_curves(curves, history)


def forget_checkpoints(checkpoints: Path, key: str) -> None:
    """Remove the checkpoints of a training, once nothing is left to do that would need them again.

    Args:
        checkpoints: folder of all checkpoints.
        key: of the training.
    """
    shutil.rmtree(checkpoints / key, ignore_errors=True)


def write_curves(path: Path, reports: Sequence[EpochReport]) -> None:
    """Write a CSV with a row per epoch, whole or not at all.

    Args:
        path: to write.
        reports: in the order of the epochs.

    Raises:
        RarebeatError: when it cannot be written.
    """
    columns = [entry.name for entry in fields(EpochReport)]
    rows = pd.DataFrame([asdict(report) for report in reports], columns=columns)
    with atomic(path) as temporary:
        rows.to_csv(temporary, index=False, float_format="%.6g")  # six decimals would make a small rate 0


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
