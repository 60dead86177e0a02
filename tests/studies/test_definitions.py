"""Every study as DVC reads it: its cells, where their predictions go, and that DVC misses none that was never run."""

import re
import shutil
import subprocess
import sys
from itertools import chain, product
from pathlib import Path

import pytest
import yaml

from rarebeat.core.params import group, read_params
from rarebeat.dataset.folds import FoldSettings
from rarebeat.dataset.prepare import PrepareSettings
from rarebeat.evaluation.studies.cells import CompareSettings
from rarebeat.training.settings import ModelSettings, TrainSettings

ROOT = Path(__file__).resolve().parents[2]
STUDIES = sorted(path.parent.name for path in ROOT.glob("studies/*/dvc.yaml"))
DVC = [sys.executable, "-m", "dvc"]


def dvc(folder: Path, *arguments: str) -> str:
    result = subprocess.run([*DVC, *arguments], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def params_of(name: str) -> dict[str, object]:
    return read_params([ROOT / "params.yaml", ROOT / "studies" / name / "overrides.yaml"])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The definitions of pipeline and studies in a repository of their own."""
    folder = tmp_path_factory.mktemp("project")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    dvc(folder, "init", "--quiet")
    for name in ("dvc.yaml", "params.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    for name in STUDIES:
        (folder / "studies" / name).mkdir(parents=True)
        for file in ("dvc.yaml", "overrides.yaml"):
            shutil.copy(ROOT / "studies" / name / file, folder / "studies" / name / file)
    return folder


def test_dvc_sees_no_study_before_it_is_run(project: Path) -> None:
    assert "studies/" not in dvc(project, "stage", "list", "--all", "--name-only")


@pytest.mark.parametrize("name", STUDIES)
def test_params_can_be_used_and_overrides_say_only_what_differs(name: str) -> None:
    root, own = read_params(ROOT / "params.yaml"), read_params(ROOT / "studies" / name / "overrides.yaml")
    params = params_of(name)
    for key, kind in (
        ("model", ModelSettings),
        ("train", TrainSettings),
        ("prepare", PrepareSettings),
        ("folds", FoldSettings),
        ("compare", CompareSettings),
    ):
        group(params, key, kind)

    def same(before: object, after: object, place: str) -> list[str]:
        if isinstance(before, dict) and isinstance(after, dict):
            parts = [same(before[key], after[key], f"{place}.{key}") for key in after if key in before]
            return [entry for part in parts for entry in part]
        return [place] if before == after else []

    assert same(root, own, name) == []
    if name != "recordings":
        assert params["train"]["threads"] == 1  # type: ignore[index]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(read_params(ROOT / "reports" / "studies.yaml")) - {"optimiser"}))
def test_a_published_study_keeps_its_optimiser_when_that_of_the_pipeline_changes(name: str) -> None:
    own = read_params(ROOT / "studies" / name / "overrides.yaml")["train"]
    assert {"optimiser", "learning_rate", "epochs"} <= set(own)  # the study optimiser sets them cell by cell


@pytest.mark.parametrize("name", STUDIES)
def test_every_cell_is_a_stage_that_the_study_ends_with(project: Path, name: str) -> None:
    params, folder = params_of(name), project / "studies" / name
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    (folder / ".dvcignore").write_text("!dvc.yaml\n")
    try:
        definition = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
        last = f"studies/{name}/dvc.yaml:{list(definition)[-1]}"
        stages = dvc(project, "stage", "list", "--name-only", f"studies/{name}/dvc.yaml").split()
        graph = dvc(project, "dag", "--dot", last)
        if name != "recordings":
            assert [stage for stage in stages if f'"{stage}"' not in graph] == []
        outs = dvc(project, "dag", "--dot", "--outs", last)
        factors = params.get("cells") or {"fold": []}
        parts = factors.values() if all(isinstance(part, dict) for part in factors.values()) else [factors]  # type: ignore[attr-defined]
        for values in chain(*(product(*part.values()) for part in parts)):
            cell = "-".join(map(str, values))
            assert f'"reports/studies/{name}/predictions/{cell}.parquet"' in outs
            assert f'"models/studies/{name}/{cell}"' in outs
    finally:
        (folder / ".dvcignore").unlink()


@pytest.mark.parametrize("name", STUDIES)
def test_a_cell_trains_and_predicts_with_one_thread_so_that_jobs_change_nothing(name: str) -> None:
    for stage in yaml.safe_load((ROOT / "studies" / name / "dvc.yaml").read_text())["stages"].values():
        body = stage.get("do", stage)
        commands = body["cmd"] if isinstance(body["cmd"], list) else [body["cmd"]]
        for command in commands:
            if re.search(r"pipeline/(train|predict|one_head_each)\.py", command):
                assert command.startswith("PYTHONPATH=src OMP_NUM_THREADS=1 python ")


def test_no_stage_names_a_cohort_so_that_others_can_be_used() -> None:
    named = {
        f"{name}:{stage}"
        for name in STUDIES
        for stage, body in yaml.safe_load((ROOT / "studies" / name / "dvc.yaml").read_text())[
            "stages"
        ].items()
        if {Path(dep).name for dep in body.get("do", body)["deps"]} & set(params_of(name)["use"])  # type: ignore[call-overload]
    }
    # One needs the cohorts whose amplitudes are calibrated, and subsampling is about the simulated clinic.
    assert {stage for stage in named if not stage.startswith("subsampling:")} == {"transfer:realism"}


def test_the_ablation_has_every_network_loss_and_seed_on_both_kinds_of_records() -> None:
    cells = params_of("ablation")["cells"]
    assert len(list(product(*cells.values()))) == 2 * 4 * 3 * 3  # type: ignore[attr-defined]


def test_a_network_per_class_is_trained_as_the_networks_that_it_is_compared_with() -> None:
    alone, together = params_of("label_efficiency"), params_of("finetune")
    for group_name in ("heads", "label_sets", "train"):
        assert alone[group_name] == together[group_name]
    assert alone["model"]["name"] == "hughes34"  # type: ignore[index]
    assert alone["model"]["hughes34"] == together["model"]["hughes34"]  # type: ignore[index]
