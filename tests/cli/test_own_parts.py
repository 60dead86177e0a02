"""What DVC compares of parts of one's own: digests by file, for labels and for training apart."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rarebeat.cli.own_parts import LABELS, TRAINING, write_own_parts
from rarebeat.cli.params import check_params
from rarebeat.core.errors import ParamsError
from rarebeat.core.params import group
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.training.settings import TrainSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "own-parts.md").read_text(encoding="utf-8")
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the network and the vocabulary of the page."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    for folder in ("networks", "vocabularies"):
        (tmp_path / "own" / folder).mkdir(parents=True)
    Path("own/networks/my_module.py").write_text(blocks("python")[0])
    Path("own/vocabularies/my-classes.yaml").write_text(blocks("yaml")[1])
    return tmp_path


def params() -> dict[str, Any]:
    """The params of the project, with the network and the vocabulary of the page."""
    content = copy.deepcopy(PARAMS)
    content["model"] |= yaml.safe_load(blocks("yaml")[0])["model"]
    content["label"]["vocabulary"] = "own/vocabularies/my-classes.yaml"
    return dict(content)


def written(content: dict[str, Any]) -> tuple[Any, Any]:
    """What labels and training depend on."""
    write_own_parts(Path("data/own"), content)
    labels, training = (json.loads(Path("data/own", name).read_text()) for name in (LABELS, TRAINING))
    return labels, training


def test_params_without_parts_of_ones_own_name_none(project: Path) -> None:
    assert written(PARAMS) == ({"vocabulary": {}}, {"networks": {}, "init": {}})


def test_the_params_of_the_page_can_be_used(project: Path) -> None:
    check_params(params())
    names = load_vocabulary("own/vocabularies/my-classes.yaml").class_ids
    assert names == ("sinus_rhythm", "atrial_fibrillation", "low_voltage")
    labels, training = written(params())
    assert list(labels["vocabulary"]) == ["vocabularies/my-classes.yaml"]
    assert list(training["networks"]) == ["networks/my_module.py"]


def test_an_edited_network_makes_the_training_stale_and_the_labels_not(project: Path) -> None:
    labels, training = written(params())
    with Path("own/networks/my_module.py").open("a") as file:
        file.write("# another activation\n")
    after = written(params())
    assert after[0] == labels
    assert after[1] != training


def test_an_edited_vocabulary_makes_the_labels_stale_and_so_does_one_that_it_takes_from(
    project: Path,
) -> None:
    other = Path("own/vocabularies/other.yaml")
    other.write_text(Path("own/vocabularies/my-classes.yaml").read_text())
    with Path("own/vocabularies/my-classes.yaml").open("a") as file:
        file.write("  - {like: other.yaml.low_voltage, id: tiny, code: TINY}\n")
    labels, training = written(params())
    assert list(labels["vocabulary"]) == ["vocabularies/my-classes.yaml", "vocabularies/other.yaml"]
    other.write_text(other.read_text().replace("low qrs voltage", "small qrs"))
    after = written(params())
    assert after[0] != labels
    assert after[1] == training


def test_other_weights_in_the_folder_to_start_from_make_the_training_stale(project: Path) -> None:
    start = Path("own/models/start")
    start.mkdir(parents=True)
    (start / "weights.safetensors").write_bytes(b"one")
    content = params()
    content["train"]["init"] = "own/models/start"
    _, training = written(content)
    (start / "weights.safetensors").write_bytes(b"two")
    assert written(content)[1] != training


def test_what_lies_where_dvc_does_not_look_is_refused(project: Path) -> None:
    Path("mine.yaml").write_text(blocks("yaml")[1])
    content = params()
    content["label"]["vocabulary"] = "mine.yaml"
    with pytest.raises(ParamsError, match=r"label\.vocabulary: mine\.yaml is not in own/"):
        written(content)


def test_a_study_may_keep_a_vocabulary_in_its_folder(project: Path) -> None:
    study = Path("studies/mine")
    study.mkdir(parents=True)
    Path("own/vocabularies/my-classes.yaml").rename(study / "vocabulary.yaml")
    content = params()
    content["label"]["vocabulary"] = "studies/mine/vocabulary.yaml"
    write_own_parts(Path("data/own"), content, (Path("own"), study))
    assert list(json.loads(Path("data/own", LABELS).read_text())["vocabulary"]) == ["vocabulary.yaml"]


def test_every_stage_that_labels_or_trains_depends_on_what_is_written() -> None:
    for path in [ROOT / "dvc.yaml", *ROOT.glob("studies/*/dvc.yaml")]:
        place = "data/own" if path.parent == ROOT else f"studies/{path.parent.name}/own"
        for name, stage in yaml.safe_load(path.read_text(encoding="utf-8"))["stages"].items():
            stage = stage.get("do", stage)
            for script, file in (("label", LABELS), ("train", TRAINING)):
                if f"pipeline/{script}.py" in stage["deps"]:
                    assert f"{place}/{file}" in stage["deps"], f"{path}: {name}"


def test_a_model_in_mlflow_is_none_of_ones_own_parts_also_once_it_was_fetched(project: Path) -> None:
    content = copy.deepcopy(PARAMS)
    content["train"]["init"] = "models:/rarebeat/3"
    start = group(content, "train", TrainSettings).start
    assert start is not None
    start.mkdir(parents=True)
    (start / "model.yaml").write_text("{}")
    assert written(content)[1]["init"] == {}
