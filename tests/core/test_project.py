"""Temporary experiments belong to the repository around them."""

from pathlib import Path

import pytest

from rarebeat.core.project import git_commit, project_root, resolve_root


def test_a_temporary_experiment_finds_the_repository_that_owns_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", "/home/ann/rarebeat/.dvc/tmp/exps/tmpabc")
    assert project_root() == Path("/home/ann/rarebeat")
    assert resolve_root("data/raw/ludb", Path("params.yaml")) == Path("/home/ann/rarebeat/data/raw/ludb")
    assert resolve_root("/data/ludb", Path("params.yaml")) == Path("/data/ludb")


def test_elsewhere_a_relative_root_is_taken_from_the_folder_of_the_params_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert resolve_root("raw/ludb", tmp_path / "params.yaml") == tmp_path / "raw" / "ludb"
    monkeypatch.chdir(tmp_path)  # where there is no pipeline
    assert resolve_root("raw/ludb", Path("own/params.yaml")) == tmp_path / "own" / "raw" / "ludb"


def test_in_a_project_a_relative_root_is_taken_from_it_also_with_the_params_of_a_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_ROOT", raising=False)
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    (project / "studies" / "recordings").mkdir(parents=True)
    (project / "dvc.yaml").touch()
    monkeypatch.chdir(project)
    for params in (Path("params.yaml"), Path("studies/recordings/params.yaml")):
        assert resolve_root("data/raw/ecg", params) == project / "data" / "raw" / "ecg"
    assert resolve_root("data", elsewhere / "params.yaml") == elsewhere / "data"


def test_without_dvc_the_nearest_pipeline_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_ROOT", raising=False)
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    assert project_root() == tmp_path


def test_outside_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit() == (None, False)
