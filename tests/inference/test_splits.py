"""Splits are predicted by a model that learnt from such signals and such labels, or not at all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.dataset.split import Split
from rarebeat.inference.model_folder import ModelCard, save_model
from rarebeat.inference.splits import predict_all_classes, predict_loaded
from rarebeat.models.registry import build


@pytest.fixture
def split(make_split: Callable[..., Split]) -> Split:
    return make_split(records=5)


@pytest.fixture
def model(split: Split, tmp_path: Path) -> Path:
    """A model that knows two of the three classes."""
    card = ModelCard(
        architecture="hughes34",
        settings={"width": 2},
        classes=("up", "rare"),
        thresholds={"up": 0.5, "rare": 0.25},
        preprocessing=split.meta.preprocessing,
        units="mV",
        heads="two",
        cohorts=("toy",),
        vocabulary=split.meta.vocabulary,
    )
    save_model(tmp_path / "model", build("hughes34", 2, split.signals.shape[2], card.settings), card)
    return tmp_path / "model"


def test_splits_are_predicted_under_their_names(split: Split, model: Path) -> None:
    predictions, card = predict_loaded(model, {"one": split, "two": split})
    assert predictions.splits.tolist() == ["one"] * 5 + ["two"] * 5
    assert predictions.classes == card.classes == ("up", "rare")
    np.testing.assert_array_equal(predictions.only("one").truth, split.labels[:, [0, 2]])
    np.testing.assert_array_equal(predictions.only("one").probability, predictions.only("two").probability)


def test_classes_that_a_model_does_not_know_are_empty_columns(split: Split, model: Path) -> None:
    predictions = predict_all_classes(model, {"one": split})
    assert predictions.classes == split.meta.classes
    assert np.isnan(predictions.probability).all(axis=0).tolist() == [False, True, False]
    np.testing.assert_array_equal(predictions.truth, split.labels)


@pytest.mark.parametrize("name", ["cinc2020", "toy2"])
def test_labels_of_another_vocabulary_are_refused(split: Split, model: Path, name: str) -> None:
    other = replace(split, meta=replace(split.meta, vocabulary=name))
    with pytest.raises(RarebeatError, match=f"vocabulary toy, the shards hold labels of {name}"):
        predict_loaded(model, {"one": split, "two": other})


def test_another_preprocessing_is_refused(split: Split, model: Path) -> None:
    preprocessing = replace(split.meta.preprocessing, rate=200)
    with pytest.raises(RarebeatError, match="was trained on"):
        predict_loaded(model, {"one": replace(split, meta=replace(split.meta, preprocessing=preprocessing))})
