"""Every wrong key of params.yaml is named; a misspelt one is never ignored."""

from pathlib import Path
from typing import Any

import pytest
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
