"""Predicting whole splits of the shards, with a network or with a model folder."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from rarebeat.core.errors import RarebeatError
from rarebeat.dataset.shards import load_split
from rarebeat.dataset.split import Split
from rarebeat.dataset.windows import WHOLE, WindowSettings
from rarebeat.inference.model_folder import ModelCard, load_model
from rarebeat.inference.predictions import Predictions
from rarebeat.inference.probabilities import predict_probabilities


def predict_splits(shards: Path, model: Path, names: tuple[str, ...]) -> tuple[Predictions, ModelCard]:
    """Predict whole splits with a model folder.

    Raises:
        RarebeatError: as :func:`predict_loaded`.
    """
    return predict_loaded(model, {name: load_split(shards, name) for name in names})


def predict_loaded(model: Path, splits: Mapping[str, Split]) -> tuple[Predictions, ModelCard]:
    """Predict splits that are in memory, under the names given.

    Raises:
        RarebeatError: when the model was trained on other classes, another vocabulary or another preprocessing than the
            splits have.
    """
    module, card = load_model(model, device="cuda" if torch.cuda.is_available() else "cpu")
    parts = []
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
        probability = predict_split(module, split, card.window)
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
        vocabulary=card.vocabulary,
        codes=parts[0][0].meta.codes,
        units=card.units,
    )
    return predictions, card


def predict_all_classes(model: Path, splits: Mapping[str, Split]) -> Predictions:
    """Predict splits that are in memory, with columns for all classes of the shards.

    Probability and threshold are NaN where the model does not know the class, so that the predictions of several models
    can be compared.

    Raises:
        RarebeatError: as :func:`predict_loaded`.
    """
    predictions, _ = predict_loaded(model, splits)
    classes = next(iter(splits.values())).meta.classes
    return predictions.spread(classes, np.concatenate([split.columns(classes) for split in splits.values()]))


def predict_split(
    module: nn.Module, split: Split, windows: WindowSettings = WHOLE
) -> npt.NDArray[np.float32]:
    """Classify the records of a split, with all that is known of them: shape (n, classes)."""
    return predict_probabilities(
        module, split.signals, split.meta.scale, context=split.context, windows=windows
    )
