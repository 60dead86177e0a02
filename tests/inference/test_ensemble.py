"""The card of an ensemble: which models belong to it, and how they vote."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.dataset.windows import WindowSettings
from rarebeat.inference.ensemble import (
    is_ensemble,
    load_ensemble,
    member_folder,
    read_ensemble,
    save_ensemble,
    vote_on_record,
)
from rarebeat.inference.model_folder import load_model, read_card, save_model, weights_digest
from rarebeat.inference.voting import EnsembleSettings

CLASSES = ("sinus_rhythm", "atrial_fibrillation", "av_block_1st_degree")


@pytest.fixture
def folds(tmp_path: Path, model_folder: Path) -> Path:
    """Three times the same model, as three folds."""
    for number in range(3):
        shutil.copytree(model_folder, member_folder(tmp_path / "folds", number))
    return tmp_path / "folds"


def retrain(folder: Path, **changes: object) -> None:
    """Write the model in a folder anew, with another card and slightly other weights."""
    module, card = load_model(folder)
    for weights in module.parameters():
        weights.data += 1e-3
    save_model(folder, module, replace(card, **changes))  # type: ignore[arg-type]


def test_what_is_written_is_read_back(folds: Path) -> None:
    settings = EnsembleSettings(vote="mean", at_least_one=True)
    written = save_ensemble(folds, (0, 2), CLASSES, settings)
    assert read_ensemble(folds) == written
    assert (written.classes, list(written.members), written.settings) == (CLASSES, [0, 2], settings)
    members, card = load_ensemble(folds)
    assert [entry for _, entry in members] == [read_card(member_folder(folds, number)) for number in (0, 2)]
    assert card == written


def test_an_ensemble_is_told_from_a_model(folds: Path, model_folder: Path) -> None:
    assert not is_ensemble(model_folder)
    assert is_ensemble(folds)
    with pytest.raises(RarebeatError, match=r"cannot read .*ensemble\.yaml.*make crossval"):
        load_ensemble(folds)


def test_a_model_that_was_trained_again_is_refused(folds: Path) -> None:
    save_ensemble(folds, (0, 1), CLASSES, EnsembleSettings())
    retrain(member_folder(folds, 2))  # does not belong to it
    load_ensemble(folds)
    retrain(member_folder(folds, 1))
    with pytest.raises(RarebeatError, match=r"members/1 was trained again"):
        load_ensemble(folds)


def test_models_of_another_preprocessing_cannot_be_asked_together(folds: Path) -> None:
    card = read_card(member_folder(folds, 1))
    retrain(member_folder(folds, 1), preprocessing=replace(card.preprocessing, normalise="zscore"), units="z")
    save_ensemble(folds, (0, 1), CLASSES, EnsembleSettings())
    with pytest.raises(RarebeatError, match=r"members/1 has another preprocessing"):
        load_ensemble(folds)


@pytest.mark.parametrize(
    ("changes", "what"),
    [({"window": WindowSettings(2500, "max")}, "window"), ({"vocabulary": "cinc2020"}, "vocabulary")],
)
def test_models_of_another_window_or_vocabulary_cannot_be_asked_together(
    folds: Path, changes: dict[str, object], what: str
) -> None:
    retrain(member_folder(folds, 1), **changes)
    save_ensemble(folds, (0, 1), CLASSES, EnsembleSettings())
    with pytest.raises(RarebeatError, match=rf"members/1 has another {what}"):
        load_ensemble(folds)


def test_other_thresholds_make_another_member(folds: Path) -> None:
    save_ensemble(folds, (0, 1), CLASSES, EnsembleSettings())
    place = member_folder(folds, 1)
    module, card = load_model(place)
    weights = weights_digest(place)
    save_model(place, module, replace(card, thresholds=card.thresholds | {"sinus_rhythm": 0.25}))
    assert weights_digest(place) == weights
    with pytest.raises(RarebeatError, match=r"members/1 was trained again"):
        load_ensemble(folds)


@pytest.mark.parametrize(
    ("classes", "name"), [(CLASSES[:2], "av_block_1st_degree"), ((*CLASSES, "avnrt"), "avnrt")]
)
def test_card_and_members_must_name_the_same_classes(
    folds: Path, classes: tuple[str, ...], name: str
) -> None:
    save_ensemble(folds, (0, 1), classes, EnsembleSettings())
    with pytest.raises(RarebeatError, match=rf"differ in classes \({name}\)"):
        load_ensemble(folds)


def test_a_missing_member_is_named(folds: Path) -> None:
    save_ensemble(folds, (0, 1), CLASSES, EnsembleSettings())
    shutil.rmtree(member_folder(folds, 1))
    with pytest.raises(RarebeatError, match=r"members/1 is not a model folder"):
        load_ensemble(folds)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("format: 1\n", "not an ensemble of format 2"),
        ("just text", "not an ensemble of format 2"),
        ("format: 2\nclasses: [a]\nsettings: {}\nmembers: {}\n", "one model or more"),
        ("format: 2\nclasses: [a, a]\nsettings: {}\nmembers: {0: abc}\n", "each once"),
        ("format: 2\nclasses: [a]\nsettings: {}\nmembers: {../../elsewhere: abc}\n", "valid integer"),
        ("format: 2\nclasses: [a]\nsettings: {vote: loudest}\nmembers: {0: abc}\n", r"settings\.vote"),
        ("format: [1", "cannot read"),
    ],
)
def test_a_damaged_card_is_one_clear_message(folds: Path, text: str, complaint: str) -> None:
    (folds / "ensemble.yaml").write_text(text)
    with pytest.raises(RarebeatError, match=complaint):
        read_ensemble(folds)


def test_one_record_is_decided_by_those_who_know_the_class(folds: Path) -> None:
    card = save_ensemble(folds, (0, 1, 2), ("sinus_rhythm", "atrial_fibrillation"), EnsembleSettings())
    whole = replace(
        read_card(member_folder(folds, 0)),
        classes=("sinus_rhythm", "atrial_fibrillation"),
        thresholds={"sinus_rhythm": 0.5, "atrial_fibrillation": 0.25},
    )
    lacking = replace(whole, classes=("sinus_rhythm",), thresholds={"sinus_rhythm": 0.75})
    answer = vote_on_record([[0.75, 0.5], [0.5, 0.125], [0.5]], [whole, whole, lacking], card)
    assert answer["sinus_rhythm"] == {
        "probability": pytest.approx(1.75 / 3),
        "threshold": pytest.approx(1.75 / 3),
        "decision": True,
        "votes": 2,
        "members": 3,
    }
    assert answer["atrial_fibrillation"] == {
        "probability": 0.3125,
        "threshold": 0.25,
        "decision": False,  # one of two is no majority, whatever the mean says
        "votes": 1,
        "members": 2,
    }
