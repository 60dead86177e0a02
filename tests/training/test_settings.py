"""The groups `model` and `train` of the params file."""

import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import parse
from rarebeat.training.settings import ModelSettings, TrainSettings


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


def test_each_network_has_its_group_and_the_name_chooses() -> None:
    groups = {"hughes34": {"width": 16}, "global_skip": {"width": 30}}
    assert parse(ModelSettings, {"name": "global_skip", **groups}, "model").settings == {"width": 30}
    assert parse(ModelSettings, {"name": "hughes34", **groups, "kernel": 5}, "model").settings == {
        "width": 16,
        "kernel": 5,
    }
    assert parse(ModelSettings, {"name": "se_resnet", **groups}, "model").settings == {}
