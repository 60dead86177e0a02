"""The whole road at its smallest: a simulated clinic is ingested, labelled, prepared, learnt and predicted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tests.training.toy import PARAMS, read, run

from rarebeat.core.errors import ParamsError
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.folds import FoldSettings, held_out, trainable, write_folds
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.dataset.windows import WindowSettings
from rarebeat.inference.model_folder import load_model, weights_digest
from rarebeat.inference.novelty import Evidence
from rarebeat.inference.splits import (
    predict_all_classes,
    predict_split,
    predict_splits,
    predict_with_evidence,
)
from rarebeat.labels.extract import label_cohort
from rarebeat.metrics.certainty import CertaintySettings, fit_certainty
from rarebeat.metrics.challenge_classes import challenge_places, class_rewards
from rarebeat.metrics.thresholds import choose_thresholds
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.training.experiment import Experiment, fold_experiment
from rarebeat.training.loop import EpochReport
from rarebeat.training.run import forget_checkpoints, write_curves


@pytest.fixture(scope="module")
def challenge_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Like ``shards``, with the classes of the CinC Challenge 2020."""
    root = tmp_path_factory.mktemp("challenge")
    ingest_cohort(
        "simulated", Path(), root / "records" / "sim", options={"records": 60, "seconds": 5}, workers=1
    )
    label_cohort(root / "records" / "sim", root / "labels" / "sim", "cinc2020")
    settings = PrepareSettings(signal=Preprocessing(rate=100, samples=500))
    prepare(root / "records", root / "labels", root / "shards", ["sim"], settings)
    return root / "shards"


@pytest.mark.slow
def test_a_model_folder_comes_out_that_predicts_every_record(shards: Path, tmp_path: Path) -> None:
    experiment = read(tmp_path, shards)
    assert [report.epoch for report in run(experiment, tmp_path)] == [1, 2]
    assert (tmp_path / "curves.csv").read_text().startswith("epoch,train_loss,")
    assert (tmp_path / "checkpoints" / experiment.key).is_dir()  # what comes after a training may fail
    forget_checkpoints(tmp_path / "checkpoints", experiment.key)
    assert not list((tmp_path / "checkpoints").iterdir())

    predictions, card = predict_splits(shards, tmp_path / "model", ("validation", "test"))
    assert card.cohorts == ("sim",)
    assert set(predictions.splits) == {"validation", "test"}
    assert predictions.probability.shape == (len(predictions.record_ids), 2)
    assert not set(predictions.only("test").patients) & set(predictions.only("validation").patients)


def test_small_rates_stand_in_the_curves_as_they_are(tmp_path: Path) -> None:
    write_curves(tmp_path / "curves.csv", [EpochReport(1, 1.2345678, None, 0.5, 2.0, 1234.5, 3e-7)])
    header, row = (tmp_path / "curves.csv").read_text().splitlines()
    assert header.endswith("examples_per_second,learning_rate")
    assert row == "1,1.23457,,0.5,2,1234.5,3e-07"


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(shards: Path, tmp_path: Path) -> None:
    digests = []
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        run(read(tmp_path / name, shards, train=PARAMS["train"] | {"seed": seed}), tmp_path / name)  # type: ignore[operator]
        digests.append(weights_digest(tmp_path / name / "model"))
    assert digests[0] == digests[1] != digests[2]


def test_a_class_without_a_positive_training_record_is_left_out_and_named(
    shards: Path, tmp_path: Path
) -> None:
    experiment = read(tmp_path, shards)
    assert experiment.classes == ("sinus_rhythm", "atrial_fibrillation")  # in the order of the vocabulary
    assert experiment.not_learnt == ("fusion_complexes",)
    assert experiment.describe()["not_learnt"] == "fusion_complexes"
    run(replace(experiment, settings=replace(experiment.settings, epochs=1)), tmp_path)
    _, card = load_model(tmp_path / "model")
    assert card.training["not_learnt"] == ["fusion_complexes"]
    assert set(card.thresholds) == set(experiment.classes)


def test_a_label_set_that_nobody_has_is_one_clear_message(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="no record of the training split has any of fusion_complexes"):
        read(tmp_path, shards, heads="nobody")


def test_an_unknown_class_or_label_set_is_named_with_what_it_could_be(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ParamsError, match=r"label_sets\.misspelt: no class 'sinus_rythm'; did you mean sinus_rhythm"
    ):
        read(tmp_path, shards, heads="misspelt")
    with pytest.raises(ParamsError, match="no label set 'rare' in label_sets"):
        read(tmp_path, shards, heads="rare")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"threshold": "challenge_coordinate"}, "the threshold rule challenge_coordinate needs a vocabulary"),
        ({"loss": "challenge"}, "the loss challenge needs a vocabulary"),
        ({"pretrain": {"epochs": 1, "loss": "challenge"}}, "the loss challenge needs a vocabulary"),
    ],
)
def test_what_needs_the_classes_of_the_challenge_is_refused_before_the_training(
    shards: Path, tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ParamsError, match=complaint):
        read(tmp_path, shards, train=PARAMS["train"] | change)  # type: ignore[operator]


def test_the_rule_for_thresholds_is_a_param(shards: Path, tmp_path: Path) -> None:
    experiment = read(tmp_path, shards, train=PARAMS["train"] | {"epochs": 1, "threshold": "fixed"})  # type: ignore[operator]
    run(experiment, tmp_path)
    _, card = load_model(tmp_path / "model")
    assert set(card.thresholds.values()) == {0.5}
    assert card.training["threshold"] == "fixed"


def test_calibration_and_limits_are_those_of_the_validation_split(shards: Path, tmp_path: Path) -> None:
    settings = {"min_positives": 3, "coverage": 0.8}
    experiment = read(tmp_path, shards, train=PARAMS["train"] | {"epochs": 1, "certainty": settings})  # type: ignore[operator]
    run(experiment, tmp_path)
    predictions, card = predict_splits(shards, tmp_path / "model", ("validation",))
    assert card.certainty == fit_certainty(
        predictions.truth,
        predictions.probability,
        predictions.patients,
        predictions.classes,
        CertaintySettings(min_positives=3, coverage=0.8),
    )
    assert card.certainty is not None
    assert set(card.certainty.classes) == set(card.classes)
    assert card.training["certainty"] == settings


@pytest.mark.slow
def test_losses_and_thresholds_of_the_challenge_reach_the_model_folder(
    challenge_shards: Path, tmp_path: Path
) -> None:
    changes = {
        "epochs": 1,
        "loss": "challenge",
        "pretrain": {"epochs": 1},
        "threshold": "challenge_coordinate",
    }
    experiment = read(
        tmp_path,
        challenge_shards,
        heads="two",
        label_sets={"two": ["sinus_rhythm", "atrial_fibrillation"]},
        train=PARAMS["train"] | changes,  # type: ignore[operator]
    )
    reports = run(experiment, tmp_path)
    assert [report.epoch for report in reports] == [1, 2]
    assert reports[0].train_loss > 0 > reports[1].train_loss  # cross-entropy, then what is earned, negative

    predictions, card = predict_splits(challenge_shards, tmp_path / "model", ("validation", "test"))
    validation = predictions.only("validation")
    rewards = class_rewards(card.classes, challenge_places(card.vocabulary, card.codes))
    expected = choose_thresholds(validation.truth, validation.probability, "challenge_coordinate", rewards)
    assert predictions.thresholds.tolist() == expected.tolist()


@pytest.mark.slow
def test_windows_age_and_sex_reach_the_model_folder_and_its_predictions(shards: Path, tmp_path: Path) -> None:
    experiment = read(
        tmp_path,
        shards,
        model={"name": "se_resnet", "width": 2},
        train=PARAMS["train"] | {"window": {"samples": 200, "combine": "max"}},  # type: ignore[operator]
    )
    run(experiment, tmp_path)
    module, card = load_model(tmp_path / "model")
    assert card.window == WindowSettings(200, "max")

    predictions, _ = predict_splits(shards, tmp_path / "model", ("validation",))
    split = experiment.validation
    again = predict_split(module, split, card.window)
    np.testing.assert_array_equal(predictions.probability, again)
    assert split.ages is not None
    older = replace(split, ages=split.ages + 30)
    assert not np.array_equal(predict_split(module, older, card.window), again)
    first = replace(split, signals=np.ascontiguousarray(split.signals[:, :, :200]), lengths=None)
    assert (predict_split(module, first) <= again + 1e-6).all()  # its first window is one of them


def shuffling(shards: Path, folder: Path, **changes: object) -> Experiment:
    return read(folder, shards, train=PARAMS["train"] | changes)  # type: ignore[operator]


def test_labels_are_dealt_out_row_by_row_and_the_records_stay(shards: Path, tmp_path: Path) -> None:
    plain, shuffled = shuffling(shards, tmp_path), shuffling(shards, tmp_path, shuffle_labels=True)
    for split, dealt in ((plain.train, shuffled.train), (plain.validation, shuffled.validation)):
        assert not np.array_equal(split.labels, dealt.labels)
        assert sorted(map(tuple, split.labels)) == sorted(map(tuple, dealt.labels))
        assert np.array_equal(split.signals, dealt.signals)
        assert split.record_ids.tolist() == dealt.record_ids.tolist()
    again = shuffling(shards, tmp_path, shuffle_labels=True)
    assert np.array_equal(again.train.labels, shuffled.train.labels)
    other = shuffling(shards, tmp_path, shuffle_labels=True, seed=1)
    assert not np.array_equal(other.train.labels, shuffled.train.labels)


def test_a_fold_is_predicted_with_its_true_labels_after_a_training_on_dealt_ones(
    shards: Path, tmp_path: Path
) -> None:
    write_folds(tmp_path / "folds", trainable(shards), FoldSettings(numbers=(0, 1)))
    plain, dealt = (
        fold_experiment(
            PARAMS | {"train": PARAMS["train"] | {"epochs": 1, "shuffle_labels": shuffle}},  # type: ignore[operator]
            shards,
            tmp_path / "folds",
            1,
        )
        for shuffle in (False, True)
    )
    for split, other in ((plain.train, dealt.train), (plain.validation, dealt.validation)):
        assert split.record_ids.tolist() == other.record_ids.tolist()
        assert not np.array_equal(split.labels, other.labels)
        assert sorted(map(tuple, split.labels)) == sorted(map(tuple, other.labels))
    run(dealt, tmp_path)
    read_again = held_out(shards, tmp_path / "folds", 1)
    predictions = predict_all_classes(tmp_path / "model", {"fold-1": read_again})
    assert predictions.record_ids.tolist() == plain.validation.record_ids.tolist()
    assert np.array_equal(predictions.truth, plain.validation.labels)


@pytest.mark.parametrize("threads", [1, 2])
def test_thresholds_are_predicted_on_the_threads_of_the_training(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    noted: list[int] = []

    def noting(*arguments: Any) -> tuple[npt.NDArray[np.float32], Evidence]:
        noted.append(torch.get_num_threads())
        return predict_with_evidence(*arguments)

    monkeypatch.setattr("rarebeat.training.run.predict_with_evidence", noting)
    run(read(tmp_path, shards, train=PARAMS["train"] | {"epochs": 1, "threads": threads}), tmp_path)  # type: ignore[operator]
    assert noted == [threads] * 2
    assert torch.get_num_threads() == 1
