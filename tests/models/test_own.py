"""A network in a file of one's own: the one of docs/own-parts.md is trained, stored, and asked."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.signals import Preprocessing
from rarebeat.inference.model_folder import ModelCard, load_model, read_card, save_model, sign_model
from rarebeat.models.own import own_file
from rarebeat.models.registry import build, settings_kind, uses_person

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-parts.md"
NAME = "my_module:MyNet"


def documented() -> str:
    """The file that the page shows."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    return str(code)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the network of the page in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own" / "networks").mkdir(parents=True)
    (tmp_path / "own" / "networks" / "my_module.py").write_text(documented())
    return tmp_path


def card(settings: dict[str, int]) -> ModelCard:
    return ModelCard(
        architecture=NAME,
        settings=settings,
        classes=("one", "two"),
        thresholds={"one": 0.5, "two": 0.5},
        preprocessing=Preprocessing(rate=100, samples=200),
        units="mV",
        heads="two",
        cohorts=("toy",),
        vocabulary="toy",
    )


def test_the_network_of_the_page_is_built_stored_and_read(project: Path) -> None:
    network = build(NAME, 2, 200, {"width": 4})
    assert settings_kind(NAME).__name__ == "Settings"
    assert not uses_person(NAME, {"width": 4})
    save_model(project / "model", network, card({"width": 4}))
    read, _ = load_model(project / "model")
    for name, value in network.state_dict().items():
        assert np.array_equal(value, read.state_dict()[name])
    sign_model(project / "model")  # keeps the digest of the code
    load_model(project / "model")


def test_a_misspelt_setting_is_named(project: Path) -> None:
    with pytest.raises(ParamsError, match="did you mean 'width'"):
        build(NAME, 2, 200, {"widht": 4})


def test_code_that_was_changed_after_the_training_is_not_run(project: Path) -> None:
    save_model(project / "model", build(NAME, 2, 200, {}), card({}))
    file = project / "own" / "networks" / "my_module.py"
    file.write_text("raise SystemExit('run')\n")
    with pytest.raises(RarebeatError, match="is not the one that was trained"):
        load_model(project / "model")
    assert read_card(project / "model").architecture == NAME


def test_a_model_folder_brings_no_code_of_its_own(project: Path) -> None:
    save_model(project / "model", build(NAME, 2, 200, {}), card({}))
    shutil.move(project / "own" / "networks" / "my_module.py", project / "model" / "my_module.py")
    with pytest.raises(ParamsError, match=r"there is no own/networks/my_module\.py here"):
        load_model(project / "model")


@pytest.mark.parametrize(
    "name", ["../evil:Net", "a/b:Net", "my_module:", ":Net", "own.networks/x:Net", "a b:Net"]
)
def test_names_are_no_paths(project: Path, name: str) -> None:
    with pytest.raises(ParamsError, match="is named my_module:MyNet"):
        own_file(name)


def test_a_module_on_pythons_path_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "net_of_a_package.py").write_text(documented())
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    assert build("net_of_a_package:MyNet", 2, 200, {}).training


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        ("MyNet = 3", "has no class of that name"),
        ("class MyNet: ...", "has no class of that name"),
    ],
)
def test_a_file_that_holds_no_network_is_refused(project: Path, text: str, complaint: str) -> None:
    (project / "own" / "networks" / "my_module.py").write_text(text)
    with pytest.raises(ParamsError, match=complaint):
        build(NAME, 2, 200, {})
