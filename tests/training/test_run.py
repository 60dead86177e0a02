"""The whole road at its smallest: a simulated clinic is ingested, labelled, prepared, learnt and predicted."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tests.training.toy import MakeSplit
from torch import nn

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.folds import FoldSettings, held_out, trainable, write_folds
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.dataset.windows import WindowSettings
from rarebeat.inference.model_folder import card_digest, load_model, save_model, weights_digest
from rarebeat.inference.splits import predict_all_classes, predict_split, predict_splits
from rarebeat.labels.extract import label_cohort
from rarebeat.metrics.challenge_classes import challenge_places, class_rewards
from rarebeat.metrics.thresholds import choose_thresholds
from rarebeat.models.registry import build
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.training.loop import EpochReport
from rarebeat.training.run import Experiment, fold_experiment, read_experiment, run_experiment, shuffled

PARAMS = {
    "heads": "some",
    "label_sets": {
        "some": ["atrial_fibrillation", "sinus_rhythm", "fusion_complexes"],
        "nobody": ["fusion_complexes"],
        "misspelt": ["sinus_rythm"],
    },
    "model": {"name": "hughes34", "width": 2, "kernel": 5},
    "train": {"epochs": 2, "batch": 32, "threads": 1, "device": "cpu"},
}


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty simulated records of five seconds; none of them has fusion complexes in its report."""
    root = tmp_path_factory.mktemp("clinic")
    ingest_cohort(
        "simulated", Path(), root / "records" / "sim", options={"records": 60, "seconds": 5}, workers=1
    )
    label_cohort(root / "records" / "sim", root / "labels" / "sim", "hughes24")
    settings = PrepareSettings(signal=Preprocessing(rate=100, samples=500))
    summary = prepare(root / "records", root / "labels", root / "shards", ["sim"], settings)
    assert not summary["splits"]["train"]["classes"]["fusion_complexes"]["after"]["positive"]
    return root / "shards"


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


def read(folder: Path, shards: Path, **changes: object) -> Experiment:
    folder.mkdir(parents=True, exist_ok=True)
    return read_experiment(PARAMS | changes, shards)


def run(experiment: Experiment, folder: Path) -> list[EpochReport]:
    reports: list[EpochReport] = []
    run_experiment(
        experiment, folder / "model", folder / "curves.csv", folder / "checkpoints", reports.append
    )
    return reports


@pytest.mark.slow
def test_a_model_folder_comes_out_that_predicts_every_record(shards: Path, tmp_path: Path) -> None:
    experiment = read(tmp_path, shards)
    assert [report.epoch for report in run(experiment, tmp_path)] == [1, 2]
    assert (tmp_path / "curves.csv").read_text().startswith("epoch,train_loss,")
    assert not list((tmp_path / "checkpoints").iterdir())

    predictions, card = predict_splits(shards, tmp_path / "model", ("validation", "test"))
    assert card.cohorts == ("sim",)
    assert set(predictions.splits) == {"validation", "test"}
    assert predictions.probability.shape == (len(predictions.record_ids), 2)
    assert not set(predictions.only("test").patients) & set(predictions.only("validation").patients)


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


def test_masked_labels_stay_with_the_rest_of_their_row(make_split: MakeSplit) -> None:
    split = make_split(records=50, uncertain=0.3)
    dealt = shuffled(split, 0)
    assert (split.labels == -1).any()
    assert not np.array_equal(split.labels == -1, dealt.labels == -1)
    assert sorted(map(tuple, split.labels)) == sorted(map(tuple, dealt.labels))


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

    def noting(*arguments: Any) -> npt.NDArray[np.float32]:
        noted.append(torch.get_num_threads())
        return predict_split(*arguments)

    monkeypatch.setattr("rarebeat.training.run.predict_split", noting)
    run(read(tmp_path, shards, train=PARAMS["train"] | {"epochs": 1, "threads": threads}), tmp_path)  # type: ignore[operator]
    assert noted == [threads]
    assert torch.get_num_threads() == 1


@pytest.fixture(scope="module")
def trained(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder of a network that knows sinus rhythm and atrial fibrillation."""
    folder = tmp_path_factory.mktemp("trained")
    run(read(folder, shards, train=PARAMS["train"] | {"epochs": 1, "learning_rate": 0.05}), folder)  # type: ignore[operator]
    return folder / "model"


def started(
    shards: Path, folder: Path, init: Path, heads: list[str]
) -> tuple[Experiment, nn.Module, nn.Module]:
    """An experiment that starts from a model, the new network before, and after it got the weights."""
    experiment = read(
        folder,
        shards,
        heads="some",
        label_sets={"some": heads},
        train=PARAMS["train"] | {"init": str(init)},  # type: ignore[operator]
    )
    networks = []
    for _ in range(2):
        torch.manual_seed(3)
        networks.append(build("hughes34", len(experiment.classes), 500, {"width": 2, "kernel": 5}))
    experiment.initialise(networks[1])
    return experiment, networks[0], networks[1]


def test_a_training_starts_from_the_trunk_and_the_heads_that_both_know(
    shards: Path, trained: Path, tmp_path: Path
) -> None:
    heads = ["sinus_rhythm", "av_block_1st_degree", "atrial_fibrillation"]
    experiment, fresh, network = started(shards, tmp_path, trained, heads)
    module, card = load_model(trained)
    assert set(card.classes) < set(experiment.classes)
    before, after, old = fresh.state_dict(), network.state_dict(), module.state_dict()
    for name in before:
        if not name.startswith("heads."):
            assert torch.equal(after[name], old[name])
            continue
        for row, entry in enumerate(experiment.classes):
            expected = old[name][card.classes.index(entry)] if entry in card.classes else before[name][row]
            assert torch.equal(after[name][row], expected)


@pytest.mark.slow
def test_what_a_training_starts_from_decides_its_weights_and_its_key(
    shards: Path, trained: Path, tmp_path: Path
) -> None:
    plain = read(tmp_path, shards)
    again = tmp_path / "again"
    shutil.copytree(trained, again)
    starting = replace(plain.settings, init=str(again))
    first = replace(plain, settings=starting).key
    module, card = load_model(again)
    for weights in module.parameters():
        weights.data += 0.1
    save_model(again, module, card)
    assert replace(plain, settings=starting).key != first

    slow = replace(plain.settings, epochs=1, learning_rate=1e-9, init=str(trained))
    run(replace(plain, settings=slow), tmp_path / "out")
    weights, expected = (
        load_model(tmp_path / "out" / "model")[0].state_dict(),
        load_model(trained)[0].state_dict(),
    )
    assert torch.allclose(
        weights["heads.regressions.weight"], expected["heads.regressions.weight"], atol=1e-5
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model": {"name": "se_resnet", "width": 2}},
            "the network of .* is hughes34, this training has se_resnet",
        ),
        (
            {"model": {"name": "hughes34", "width": 4, "kernel": 5}},
            "the settings of the network of .*'width': 2",
        ),
    ],
)
def test_a_model_that_does_not_fit_is_refused_before_the_training(
    shards: Path, trained: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ParamsError, match=message):
        read(tmp_path, shards, train=PARAMS["train"] | {"init": str(trained)}, **changes)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("change", "units", "message"),
    [
        ({"rate": 250}, "mV", "the sampling rate of .* is 250"),
        ({"normalise": "zscore"}, "z", "the normalisation of .* is zscore"),
    ],
)
def test_a_model_of_other_signals_is_refused(
    shards: Path, trained: Path, tmp_path: Path, change: dict[str, Any], units: str, message: str
) -> None:
    module, card = load_model(trained)
    other = replace(card, preprocessing=replace(card.preprocessing, **change), units=units)
    save_model(tmp_path / "other", module, other)
    with pytest.raises(ParamsError, match=message):
        read(tmp_path, shards, train=PARAMS["train"] | {"init": str(tmp_path / "other")})  # type: ignore[operator]


def test_a_folder_that_holds_no_model_is_one_clear_message(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match=r"lacks model\.yaml and weights\.safetensors"):
        read(tmp_path, shards, train=PARAMS["train"] | {"init": str(tmp_path)})  # type: ignore[operator]


def test_a_model_without_weights_is_refused_before_the_training(
    shards: Path, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained, tmp_path / "card")
    (tmp_path / "card" / "weights.safetensors").unlink()
    with pytest.raises(RarebeatError, match=r"card is not a model folder: it lacks weights\.safetensors"):
        read(tmp_path, shards, train=PARAMS["train"] | {"init": str(tmp_path / "card")})  # type: ignore[operator]


def test_a_model_to_start_from_is_found_from_the_root_of_the_project(
    shards: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained, tmp_path / "models" / "first")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / ".dvc" / "tmp" / "exps" / "abc"))
    experiment = read(tmp_path, shards, train=PARAMS["train"] | {"init": "models/first"})  # type: ignore[operator]
    assert experiment.settings.start == tmp_path / "models" / "first"
    assert experiment.settings.init == "models/first"  # no place of this machine reaches the card


def test_a_training_does_not_replace_the_model_that_it_starts_from(
    shards: Path, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained, tmp_path / "model")
    before = card_digest(tmp_path / "model")
    start = tmp_path / "elsewhere" / ".." / "model"
    (tmp_path / "elsewhere").mkdir()
    experiment = read(tmp_path, shards, train=PARAMS["train"] | {"init": str(start)})  # type: ignore[operator]
    with pytest.raises(ParamsError, match="is the model folder to write"):
        run(experiment, tmp_path)
    assert card_digest(tmp_path / "model") == before
