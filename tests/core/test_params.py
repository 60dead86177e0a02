"""Every wrong key of params.yaml is named; a misspelt one is never ignored."""

from pathlib import Path

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
