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
