"""A model folder holds all that prediction needs, and says what is wrong with it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from rarebeat.core.errors import RarebeatError
from rarebeat.core.signals import Preprocessing
from rarebeat.inference.model_folder import (
    ModelCard,
    card_digest,
    load_model,
    read_card,
    save_model,
    sign_model,
    weights_digest,
)
from rarebeat.inference.probabilities import predict_probabilities
from rarebeat.metrics.certainty import Certainty, ClassCertainty
from rarebeat.metrics.ranking import candidate_thresholds
from rarebeat.models.registry import build

CARD = ModelCard(
    architecture="hughes34",
    settings={"width": 2, "growth": "double"},
    classes=("sinus_rhythm", "avnrt"),
    thresholds={"sinus_rhythm": 0.5, "avnrt": 0.07},
    preprocessing=Preprocessing(rate=100, samples=64, bandpass=(0.5, 40)),
    units="mV",
    heads="all",
    cohorts=("simulated",),
    vocabulary="hughes24",
    training={"epochs": 3, "seeds": [0, 1], "note": "Übung"},
)
SIGNALS = np.random.default_rng(0).integers(-2000, 2000, (3, 12, 64), dtype=np.int16)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def network() -> nn.Module:
    torch.manual_seed(0)
    module = build(CARD.architecture, 2, 64, CARD.settings)
    module(torch.from_numpy(SIGNALS) * 0.001)
    return module.eval()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tmp_path / "model", network(), CARD)
    return tmp_path / "model"


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "model.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))


def edit_and_sign(folder: Path, **changes: Any) -> None:
    edit(folder, **changes)
    sign_model(folder)


INFINITE = float("inf")


def preprocessing(**changes: float) -> dict[str, Any]:
    return {"rate": 100.0, "samples": 64, "bandpass": [0.5, 40.0]} | changes


def threshold(value: float) -> dict[str, float]:
    return {"sinus_rhythm": 0.5, "avnrt": value}


def certainty(name: str) -> dict[str, Any]:
    one = ClassCertainty(0.6, -1.0, 2.0, None, positives=4, negatives=40)
    return asdict(Certainty(0.9, {name: one}))


def test_network_and_card_come_back_as_they_were(folder: Path) -> None:
    module, card = load_model(folder)
    assert card == CARD
    assert not module.training
    np.testing.assert_array_equal(
        predict_probabilities(module, SIGNALS, 0.001), predict_probabilities(network(), SIGNALS, 0.001)
    )


def test_the_folder_holds_two_files_and_the_card_is_plain_yaml(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["model.yaml", "weights.safetensors"]
    text = (folder / "model.yaml").read_text()
    assert "!!" not in text
    assert yaml.safe_load(text)["classes"] == ["sinus_rhythm", "avnrt"]
    assert read_card(folder) == CARD


def test_saving_twice_writes_the_same_bytes_and_replaces_the_folder(folder: Path) -> None:
    before = [(folder / name).read_bytes() for name in ("model.yaml", "weights.safetensors")]
    save_model(folder, network(), CARD)
    assert [(folder / name).read_bytes() for name in ("model.yaml", "weights.safetensors")] == before


def test_a_file_that_somebody_put_beside_a_model_is_not_lost(folder: Path) -> None:
    (folder / "notes.md").touch()
    with pytest.raises(RarebeatError, match=r"holds notes\.md, which this command does not write"):
        save_model(folder, network(), CARD)
    assert (folder / "notes.md").exists()


def test_a_failed_save_leaves_the_old_model_in_place(folder: Path) -> None:
    unwritable = replace(CARD, training={"network": network()})
    with pytest.raises(yaml.representer.RepresenterError):
        save_model(folder, network(), unwritable)
    assert read_card(folder) == CARD
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def lose_weights(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()


def lose_both(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()
    (folder / "model.yaml").unlink()


def truncate_weights(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_weight(folder: Path) -> None:
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-50] ^= 1
    path.write_bytes(content)


def break_yaml(folder: Path) -> None:
    (folder / "model.yaml").write_text("classes: [a, b\n")


def call_python(folder: Path) -> None:
    (folder / "model.yaml").write_text("!!python/object/apply:os.system ['exit 1']\n")


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lose_weights, "is not a model folder: it lacks weights.safetensors"),
        (lose_both, "is not a model folder: it lacks model.yaml and weights.safetensors"),
        (truncate_weights, "weights.safetensors is damaged"),
        (flip_a_weight, "weights.safetensors is damaged"),
        (break_yaml, "cannot read .*model.yaml"),
        (call_python, "cannot read .*model.yaml.*python/object"),
        (
            lambda folder: edit(folder, format=1),
            "of format 3; the model was trained by an earlier version: run `dvc repro`",
        ),
        (lambda folder: edit(folder, format=2), "of format 3; the model was trained by an earlier version"),
        (lambda folder: edit(folder, format=4), "not a model card of format 3$"),
        (lambda folder: edit_and_sign(folder, architecture="hughes35"), "unknown network 'hughes35'"),
        (lambda folder: edit_and_sign(folder, settings={"width": 3}), "weights do not fit"),
        (lambda folder: edit_and_sign(folder, settings={"witdh": 3}), "witdh"),
        (
            lambda folder: edit(folder, thresholds={"avnrt": 0.5}),
            "thresholds must hold one number for each class",
        ),
        (
            lambda folder: edit(folder, classes=["avnrt", "avnrt"]),
            "classes must name at least one class, each once",
        ),
        (lambda folder: edit(folder, colour="red"), "colour"),
        (
            lambda folder: edit(folder, thresholds=threshold(float("nan"))),
            "thresholds.avnrt: .*finite number",
        ),
        (
            lambda folder: edit(folder, thresholds=threshold(7)),
            "thresholds.avnrt must be between 0 and 1, found 7",
        ),
        (lambda folder: edit(folder, thresholds=threshold(-1)), "thresholds.avnrt must be between 0 and 1"),
        (
            lambda folder: edit(folder, thresholds=threshold(0.3)),
            "model.yaml was changed after it was written",
        ),
        (lambda folder: edit(folder, classes=["avnrt", "sinus_rhythm"]), "model.yaml was changed"),
        (lambda folder: edit(folder, classes=["sinus_rhythm", "AV/NRT"]), "thresholds must hold"),
        (lambda folder: edit(folder, preprocessing=preprocessing(rate=200)), "model.yaml was changed"),
        (
            lambda folder: edit(folder, preprocessing=preprocessing(rate=-5)),
            "preprocessing.rate: .*greater than or equal to 1",
        ),
        (
            lambda folder: edit(folder, preprocessing=preprocessing(rate=INFINITE)),
            "preprocessing.rate: .*finite number",
        ),
        (
            lambda folder: edit(folder, preprocessing=preprocessing(samples=0)),
            "preprocessing.samples: .*greater than or equal to 1",
        ),
        (lambda folder: edit(folder, units="z"), "units must be 'mV'"),
        (
            lambda folder: edit(folder, codes={"avrnt": "AVNRT"}),
            "codes must name classes of the model, found avrnt",
        ),
        (
            lambda folder: edit(folder, trained_certainty=certainty("avrnt")),
            "trained_certainty must name classes of the model, found avrnt",
        ),
        (lambda folder: edit(folder, weights_digest="0" * 64), "model.yaml was changed"),
        (lambda folder: edit(folder, digest=None), "model.yaml was changed"),
    ],
)
def test_a_damaged_folder_is_refused_with_the_reason(
    folder: Path, damage: Callable[[Path], None], complaint: str
) -> None:
    damage(folder)
    with pytest.raises(RarebeatError, match=f"(?s){complaint}"):
        load_model(folder)


@pytest.mark.parametrize("name", ["AVNRT", "av-nrt", "error", ""])
def test_a_class_id_must_be_fit_for_a_column(name: str) -> None:
    with pytest.raises(ValueError, match="is no class id"):
        replace(CARD, classes=("sinus_rhythm", name), thresholds={"sinus_rhythm": 0.5, name: 0.5})


def test_a_class_that_is_never_called_has_a_threshold_one_step_above_1() -> None:
    never = float(candidate_thresholds(np.ones(3, np.float32))[0])
    assert never > 1
    assert replace(CARD, thresholds=threshold(never)).thresholds["avnrt"] == never


def test_the_layout_of_the_card_is_not_part_of_what_it_says(folder: Path) -> None:
    edit(folder)  # keys in another order
    assert load_model(folder)[1] == CARD


def test_a_threshold_that_was_chosen_by_hand_is_taken_when_it_is_signed(folder: Path) -> None:
    edit_and_sign(folder, thresholds=threshold(0.3))
    module, card = load_model(folder)
    assert card == replace(CARD, thresholds=threshold(0.3))
    save_model(folder.parent / "saved", module, card)
    assert yaml.safe_load((folder.parent / "saved" / "model.yaml").read_text()) == yaml.safe_load(
        (folder / "model.yaml").read_text()
    )


def test_nothing_is_signed_that_no_model_can_have(folder: Path) -> None:
    edit(folder, thresholds=threshold(7))
    before = (folder / "model.yaml").read_text()
    with pytest.raises(RarebeatError, match=r"thresholds\.avnrt"):
        sign_model(folder)
    edit(folder, thresholds=threshold(0.3))
    flip_a_weight(folder)
    with pytest.raises(RarebeatError, match=r"weights\.safetensors is damaged"):
        sign_model(folder)
    assert yaml.safe_load(before)["digest"] == yaml.safe_load((folder / "model.yaml").read_text())["digest"]


def test_weights_that_are_missing_are_named_whoever_asks_for_them(folder: Path) -> None:
    lose_weights(folder)
    for ask in (load_model, sign_model, weights_digest):
        with pytest.raises(RarebeatError, match=r"is not a model folder: it lacks weights\.safetensors"):
            ask(folder)  # type: ignore[operator]


def test_the_digest_of_a_card_changes_with_thresholds_and_with_weights(folder: Path) -> None:
    first, weights = card_digest(folder), weights_digest(folder)
    edit(folder)  # keys in another order
    assert card_digest(folder) == first
    edit_and_sign(folder, thresholds=threshold(0.3))
    assert card_digest(folder) != first
    assert weights_digest(folder) == weights
    torch.manual_seed(1)
    save_model(folder, build(CARD.architecture, 2, 64, CARD.settings), CARD)
    assert card_digest(folder) != first
    edit(folder, thresholds=threshold(0.4))
    with pytest.raises(RarebeatError, match=r"model\.yaml was changed"):
        card_digest(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RarebeatError, match="is not a model folder"):
        load_model(tmp_path / "nowhere")


def test_a_card_without_a_threshold_for_each_class_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="thresholds"):
        replace(CARD, thresholds={"avnrt": 0.5})


@pytest.mark.slow
def test_a_copied_folder_alone_is_enough_in_another_process(folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    script = (
        "import sys, numpy as np; from pathlib import Path; from rarebeat.inference.model_folder import load_model; "
        "from rarebeat.inference.probabilities import predict_probabilities; "
        "module, card = load_model(Path(sys.argv[1])); "
        "print(predict_probabilities(module, np.ones((1, 12, 64), np.int16), 0.001).tolist())"
    )
    result = subprocess.run([sys.executable, "-c", script, moved], capture_output=True, text=True, check=True)
    expected = predict_probabilities(network(), np.ones((1, 12, 64), np.int16), 0.001)
    np.testing.assert_allclose(json.loads(result.stdout), expected, atol=1e-6)
