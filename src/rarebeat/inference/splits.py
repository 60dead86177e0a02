"""Predicting whole splits of the shards, with a network or with a model folder."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rarebeat.core.errors import RarebeatError
from rarebeat.dataset.remote import Folder
from rarebeat.dataset.shards import open_split, read_doubts
from rarebeat.dataset.split import Split
from rarebeat.dataset.windows import WHOLE, WindowSettings
from rarebeat.inference.model_folder import ModelCard, load_detector, load_model
from rarebeat.inference.novelty import Detector, Evidence, novelty_sentences
from rarebeat.inference.predictions import Predictions
from rarebeat.inference.probabilities import Float32, predict_probabilities, predict_with_features
from rarebeat.inference.signal_summary import summarise


def predict_splits(shards: Folder, model: Path, names: tuple[str, ...]) -> tuple[Predictions, ModelCard]:
    """Predict whole splits with a model folder, and say which records are unlike the training data or doubtful.

    The signals are read shard by shard, so that memory does not grow with them.

    Raises:
        RarebeatError: as :func:`predict_loaded`.
    """
    splits = {name: open_split(shards, name) for name in names}
    predictions, card = predict_loaded(model, splits, load_detector(model))
    return with_doubts(predictions, shards), card


def with_doubts(predictions: Predictions, shards: Folder) -> Predictions:
    """Add what ingest found doubtful to the warnings, where there are any.

    Args:
        predictions: of records of the shards.
        shards: folder written by prepare.

    Returns:
        The predictions.
    """
    if predictions.warnings is None:
        return predictions
    doubts = read_doubts(shards)
    keys = zip(predictions.cohorts.tolist(), predictions.record_ids.tolist(), strict=True)
    pairs = zip(predictions.warnings.tolist(), (doubts.get(key, "") for key in keys), strict=True)
    warnings = np.array(["; ".join(filter(None, pair)) for pair in pairs], dtype=object)
    return replace(predictions, warnings=warnings)


def predict_loaded(
    model: Path, splits: Mapping[str, Split], detector: Detector | None = None
) -> tuple[Predictions, ModelCard]:
    """Predict splits, whose signals are in memory or in shards, under the names given.

    Args:
        model: model folder.
        splits: by name.
        detector: of the model, where records that are unlike the training data are to be told.

    Returns:
        The predictions, and what the model is.

    Raises:
        RarebeatError: when the model was trained on other classes, another vocabulary or another preprocessing than the
            splits have.
    """
    module, card = load_model(model, device="cuda" if torch.cuda.is_available() else "cpu")
    parts, warnings = [], list[str]()
    for split in splits.values():
        if split.meta.preprocessing != card.preprocessing:
            raise RarebeatError(
                f"{model} was trained on {card.preprocessing}, the shards hold {split.meta.preprocessing}: "
                "run `dvc repro`"
            )
        if split.meta.vocabulary != card.vocabulary:
            raise RarebeatError(
                f"{model} learnt classes of the vocabulary {card.vocabulary}, the shards hold labels of "
                f"{split.meta.vocabulary}: run `dvc repro`"
            )
        if detector is None:
            probability = predict_split(module, split, card.window)
        else:
            probability, evidence = predict_with_evidence(module, split, card.window)
            warnings += novelty_sentences(detector, evidence, card.preprocessing)
        parts.append((split, split.columns(card.classes), probability))
    thresholds = np.array([card.thresholds[name] for name in card.classes])
    predictions = Predictions(
        record_ids=np.concatenate([split.record_ids for split, _, _ in parts]),
        cohorts=np.concatenate([split.cohorts for split, _, _ in parts]),
        patients=np.concatenate([split.patients for split, _, _ in parts]),
        splits=np.repeat(list(splits), [len(truth) for _, truth, _ in parts]),
        classes=card.classes,
        thresholds=thresholds,
        probability=np.concatenate([probability for _, _, probability in parts]),
        truth=np.concatenate([truth for _, truth, _ in parts]),
        warnings=None if detector is None else np.array(warnings, dtype=object),
        vocabulary=card.vocabulary,
        codes=parts[0][0].meta.codes,
        units=card.units,
    )
    return predictions, card


def predict_all_classes(
    model: Path, splits: Mapping[str, Split], detector: Detector | None = None
) -> Predictions:
    """Predict splits, with columns for all classes of the shards.

    Probability and threshold are NaN where the model does not know the class, so that the predictions of several models
    can be compared.

    Args:
        model: model folder.
        splits: by name.
        detector: as for :func:`predict_loaded`.

    Returns:
        The predictions.

    Raises:
        RarebeatError: as :func:`predict_loaded`.
    """
    predictions, _ = predict_loaded(model, splits, detector)
    classes = next(iter(splits.values())).meta.classes
    return predictions.spread(classes, np.concatenate([split.columns(classes) for split in splits.values()]))


def predict_split(module: nn.Module, split: Split, windows: WindowSettings = WHOLE) -> Float32:
    """Classify the records of a split, with all that is known of them: shape (n, classes)."""
    return predict_probabilities(
        module, split.signals, split.meta.scale, context=split.context, windows=windows
    )


def predict_with_evidence(
    module: nn.Module, split: Split, windows: WindowSettings = WHOLE
) -> tuple[Float32, Evidence]:
    """Classify the records of a split, and gather what tells whether they are unlike the training data.

    Args:
        module: a network in two steps.
        split: n records.
        windows: how recordings longer than the network's input are judged.

    Returns:
        The probabilities of :func:`predict_split`, shape (n, classes), and the evidence on the n records.
    """
    probabilities, features = predict_with_features(
        module, split.signals, split.meta.scale, context=split.context, windows=windows
    )
    lengths = np.full(len(split), split.signals.shape[2]) if split.lengths is None else split.lengths
    return probabilities, Evidence(features, summarise(split.signals, lengths, split.meta.preprocessing.rate))
