"""Every wrong key of params.yaml is named; a misspelt one is never ignored."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import STRICT, group, read_params


@dataclass(frozen=True, config=STRICT)
class Inner:
    rate: float = 250


@dataclass(frozen=True, config=STRICT)
class Outer:
    signal: Inner
    epochs: int = 3


def test_a_group_becomes_its_settings() -> None:
    assert group({"train": {"signal": {"rate": 500}}}, "train", Outer) == Outer(Inner(500), 3)


def test_a_misspelt_key_is_named_with_its_place() -> None:
    with pytest.raises(ParamsError, match=r"train\.signal\.rat: Unexpected keyword"):
        group({"train": {"signal": {"rat": 1}}}, "train", Outer)


def test_a_wrong_type_shows_what_was_found() -> None:
    with pytest.raises(ParamsError, match=r"train\.epochs: .*integer.*'many'"):
        group({"train": {"signal": {}, "epochs": "many"}}, "train", Outer)


def test_a_missing_group_is_named() -> None:
    with pytest.raises(ParamsError, match="no group 'train'"):
        group({}, "train", Outer)


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("- 1\n")
    with pytest.raises(ParamsError, match="must be a mapping"):
        read_params(path)
    path.write_text("a: [1\n")
    with pytest.raises(ParamsError, match="cannot read"):
        read_params(path)
    path.unlink()
    with pytest.raises(ParamsError, match=r"there is no such file .* in the folder of the project"):
        read_params(path)


@dataclass(frozen=True, config=STRICT)
class Nested:
    members: dict[str, Inner]
    first: Inner | None = None
    others: tuple[Inner, ...] = ()


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"members": {"a": {"rat": 1}}}, r"train\.members\.a\.rat"),
        ({"members": {}, "first": {"rat": 1}}, r"train\.first\.rat"),
        ({"members": {}, "others": [{"rat": 1}]}, r"train\.others\.0\.rat"),
    ],
)
def test_a_misspelt_key_is_answered_with_the_nearest_one_wherever_it_stands(
    content: dict[str, Any], place: str
) -> None:
    with pytest.raises(ParamsError, match=rf"{place}: .*; did you mean 'rate'\?"):
        group({"train": content}, "train", Nested)


def test_a_key_that_is_like_no_other_gets_no_suggestion() -> None:
    with pytest.raises(ParamsError) as caught:
        group({"train": {"signal": {}, "colour": 1}}, "train", Outer)
    assert "did you mean" not in str(caught.value)


def test_a_misspelt_group_is_shown() -> None:
    with pytest.raises(ParamsError, match="no group 'train', but one that is spelt 'trian'"):
        group({"trian": {}, "use": []}, "train", Outer)


ROOT = """
heads: all
label_sets: {all: all}
cohorts: {simulated: {kind: simulated, options: {records: 6000}}}
model: {name: hughes34, hughes34: {width: 16}}
train: {epochs: 12, seed: 0, pretrain: {epochs: 0}}
prepare: {labels: {}, split: {folds: {}, salt: ""}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(ROOT)
    return path


def test_files_change_those_before_them_and_single_values_come_last(root: Path, tmp_path: Path) -> None:
    study = tmp_path / "overrides.yaml"
    study.write_text("train: {epochs: 2, pretrain: {epochs: 1}}\nmodel: {hughes34: {width: 4}}\n")
    found = read_params([root, study], ["train.epochs=3", "heads=some"])
    assert found["train"] == {"epochs": 3, "seed": 0, "pretrain": {"epochs": 1}}
    assert found["model"] == {"name": "hughes34", "hughes34": {"width": 4}}
    assert found["heads"] == "some"
    assert read_params([root, study])["train"]["epochs"] == 2
    assert read_params(root)["train"]["epochs"] == 12


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("0.001", 0.001),
        ("null", None),
        ("[1, 2]", [1, 2]),
        ("{a: b=c}", {"a": "b=c"}),
        ("a=b", "a=b"),
    ],
)
def test_a_single_value_is_yaml(root: Path, text: str, value: object) -> None:
    assert read_params(root, [f"train.seed={text}"])["train"]["seed"] == value


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "train.epoch=3",
            r"there is no train\.epoch; did you mean train\.epochs\? train has epochs, seed, pretrain",
        ),
        ("trian.epochs=3", r"there is no trian; did you mean train\?"),
        ("train.pretrain.epoch=3", r"no train\.pretrain\.epoch; did you mean train\.pretrain\.epochs\?"),
        ("prepare.split.fold={}", r"did you mean prepare\.split\.folds\?"),
        ("xyz=1", r"--set xyz=1: there is no xyz; the params file has heads"),
        ("train.epochs", "expected key=value"),
        ("train..epochs=1", "expected key=value"),
        ("train.epochs=[1", "is not YAML"),
    ],
)
def test_a_key_that_there_is_not_is_named_with_what_was_meant(
    root: Path, override: str, message: str
) -> None:
    with pytest.raises(ParamsError, match=message):
        read_params(root, [override])


def test_a_misspelt_key_of_a_file_names_the_file(root: Path, tmp_path: Path) -> None:
    study = tmp_path / "overrides.yaml"
    study.write_text("train: {sede: 1}\n")
    with pytest.raises(
        ParamsError, match=r"overrides\.yaml: there is no train\.sede; did you mean train\.seed"
    ):
        read_params([root, study])


@pytest.mark.parametrize(
    "override",
    [
        "label_sets.rare=[avnrt]",
        "model.hughes34.kernel=5",
        "cohorts.ward7={kind: muse-xml, root: /data}",
        "cohorts.simulated.root=data",
        "cohorts.simulated.options.preset=balanced",
        "prepare.labels={ptb-xl: codes}",
        "prepare.split.folds={ptb-xl: {test: [10]}}",
        "cells={seed: [0, 1]}",
    ],
)
def test_groups_whose_keys_are_names_may_get_new_ones(root: Path, override: str) -> None:
    key, _, text = override.partition("=")
    found = read_params(root, [override])
    for part in key.split("."):
        found = found[part]
    assert found == yaml.safe_load(text)


def test_a_group_whose_keys_are_names_can_be_emptied(root: Path, tmp_path: Path) -> None:
    study = tmp_path / "overrides.yaml"
    study.write_text("prepare: {labels: {ptb-xl: codes}, split: {folds: {ptb-xl: {test: [10]}}}}\n")
    found = read_params([root, study], ["prepare.labels={}", "model.hughes34={}", "train={}"])
    assert found["prepare"] == {"labels": {}, "split": {"folds": {"ptb-xl": {"test": [10]}}, "salt": ""}}
    assert found["model"] == {"name": "hughes34", "hughes34": {}}
    assert found["train"] == {"epochs": 12, "seed": 0, "pretrain": {"epochs": 0}}


def test_the_files_read_stay_as_they_are(root: Path) -> None:
    before = read_params(root)
    read_params(root, ["train.pretrain.epochs=5"])
    assert read_params(root) == before
