"""The groups `model`, `train` and `label_sets` of the params file."""

import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import changed_params, group, parse
from rarebeat.training.settings import LabelSet, ModelSettings, TrainSettings, resolve_label_set


def test_the_settings_of_a_network_stand_beside_its_name() -> None:
    found = parse(ModelSettings, {"name": "hughes34", "width": 12, "growth": "double"}, "model")
    assert found == ModelSettings("hughes34", {"width": 12, "growth": "double"})


def test_left_out_settings_are_those_of_the_paper() -> None:
    assert parse(ModelSettings, {}, "model") == ModelSettings("hughes34", {})
    settings = TrainSettings()
    assert (settings.epochs, settings.learning_rate, settings.schedule, settings.keep) == (
        96,
        0.001,
        "constant",
        "last",
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("loss", "hinge"),
        ("threshold", "youden"),
        ("pretrain", {"epochs": -1}),
        ("steps", [0]),
        ("epochs", 0),
        ("batch", -1),
        ("learning_rate", 0),
        ("l2", -1e-4),
        ("precision", "fp16"),
        ("lr", 0.1),
    ],
)
def test_a_value_that_cannot_be_used_is_named(key: str, value: object) -> None:
    with pytest.raises(ParamsError, match=f"train.{key}"):
        parse(TrainSettings, {key: value}, "train")


@pytest.mark.parametrize("value", ["auto", "on", "off"])
def test_compile_is_read_as_it_is_written(value: str) -> None:
    """YAML takes two of the three for truth values."""
    content = changed_params({"train": {"compile": "auto"}}, [f"train.compile={value}"])
    assert group(content, "train", TrainSettings).compile == value


def test_each_network_has_its_group_and_the_name_chooses() -> None:
    groups = {"hughes34": {"width": 16}, "global_skip": {"width": 30}}
    assert parse(ModelSettings, {"name": "global_skip", **groups}, "model").settings == {"width": 30}
    assert parse(ModelSettings, {"name": "hughes34", **groups, "kernel": 5}, "model").settings == {
        "width": 16,
        "kernel": 5,
    }
    assert parse(ModelSettings, {"name": "se_resnet", **groups}, "model").settings == {}


CLASSES = ("sinus_rhythm", "atrial_fibrillation", "atrial_flutter", "bigeminy")
SETS: dict[str, LabelSet] = {
    "all": "all",
    "rare_only": ["bigeminy", "atrial_flutter"],
    "misspelt": ["atrial_fluter", "sinus_rhythm"],
    "twice": ["bigeminy", "bigeminy"],
    "empty": [],
    "word": "most",
}


def test_all_is_the_whole_vocabulary() -> None:
    assert resolve_label_set(SETS, "all", CLASSES) == CLASSES


def test_the_order_is_that_of_the_vocabulary() -> None:
    assert resolve_label_set(SETS, "rare_only", CLASSES) == ("atrial_flutter", "bigeminy")


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ("rare_onyl", r"no label set 'rare_onyl' in label_sets; did you mean rare_only\?"),
        ("zzz", "no label set 'zzz' in label_sets; there are: all, rare_only"),
        ("misspelt", r"label_sets.misspelt: no class 'atrial_fluter'; did you mean atrial_flutter"),
        ("twice", "label_sets.twice names bigeminy more than once"),
        ("empty", "label_sets.empty is empty"),
        ("word", "must be 'all' or a list of class ids, found 'most'"),
    ],
)
def test_a_wrong_set_is_named_with_what_was_meant(heads: str, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        resolve_label_set(SETS, heads, CLASSES)
