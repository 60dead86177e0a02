"""What `make` says where something is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[1] / "Makefile"


def make(folder: Path, target: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(MAKEFILE, folder)
    # As a shell calls it: under `make test`, make would take over its parent's options and tell every folder it enters.
    outside = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    return subprocess.run(
        ["make", target], cwd=folder, env=outside, capture_output=True, text=True, check=False
    )


def test_a_folder_from_a_zip_file_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.delenv("GIT_DIR", raising=False)
    result = make(tmp_path, "repository")
    assert result.returncode
    assert "git init && git add -A && git commit -m start" in result.stdout
    assert "core.no_scm true" in result.stdout
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config.local").write_text("[core]\n    no_scm = true\n")
    assert make(tmp_path, "repository").returncode == 0


def test_a_git_repository_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    result = make(tmp_path, "repository")
    assert (result.returncode, result.stdout) == (0, "")


def test_the_pages_of_mlflow_start_no_processes_that_nothing_asks_for(tmp_path: Path) -> None:
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("pyproject.toml", "constraints.txt", ".venv/.installed"):
        (tmp_path / name).touch()
    (programs / "mlflow").write_text("#!/bin/sh\nenv\n")
    (programs / "mlflow").chmod(0o755)
    found = make(tmp_path, "ui").stdout.splitlines()
    assert "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false" in found
    assert "MLFLOW_DISABLE_TELEMETRY=true" in found
