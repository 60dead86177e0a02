"""Cells of a study as jobs of Slurm or SkyPilot. Neither is here: a stand-in for sbatch runs what it is given."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rarebeat.core.errors import RarebeatError
from rarebeat.studies import batch_jobs
from rarebeat.studies.away import Away, can_leave, default_remote
from rarebeat.studies.batch_jobs import Files, batch_launcher
from rarebeat.studies.here import Here, dvc
from rarebeat.studies.schedule import parse_dag, run_all

ROOT = Path(__file__).resolve().parents[2]

SBATCH = """#!/bin/sh
# Takes the options of sbatch that are used, and runs a copy of the script, as Slurm does.
echo 4711
log=
while case $1 in --*) true;; *) false;; esac; do
  case $1 in --output=*) log=${1#--output=};; --wait|--parsable|--job-name=rarebeat-*) ;; *) exit 64;; esac
  shift
done
script=$(mktemp)
cp "$1" "$script"
shift
echo job >> jobs.log
SLURM_SUBMIT_DIR=$PWD sh "$script" "$@" > "$log" 2>&1
"""

DATA = "stages: {data: {cmd: echo 3 > input, deps: [seed], outs: [input]}}\n"
SWEEP = """stages:
  cell:
    foreach: [a, b]
    do:
      wdir: ../..
      cmd: mkdir -p cells && cat input > cells/${item} && echo ${item} $PWD >> $LOG
      deps: [input]
      outs: ["cells/${item}"]
  last:
    wdir: ../..
    cmd: cat cells/a cells/b > table
    deps: [cells]
    outs: [{table: {cache: false}}]
"""
LAST = "studies/sweep/dvc.yaml:last"
CELLS = {"studies/sweep/dvc.yaml:cell@a", "studies/sweep/dvc.yaml:cell@b"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a stage of data, and a study of two cells that write down where they ran."""
    folder, programs = tmp_path / "project", tmp_path / "bin"
    for name in ("src/rarebeat", "pipeline", "scales"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    (folder / "studies" / "sweep").mkdir(parents=True)
    (folder / "studies" / "sweep" / "dvc.yaml").write_text(SWEEP)
    (folder / "dvc.yaml").write_text(DATA)
    (folder / "seed").write_text("3")
    programs.mkdir()
    (programs / "sbatch").write_text(SBATCH)
    (programs / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.chdir(folder)
    subprocess.run(["git", "init", "--quiet"], check=True)
    subprocess.run(["dvc", "init", "--quiet"], check=True)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return folder


def run_study(remote: bool) -> None:
    graph = parse_dag(dvc("dag", "--dot", LAST))
    cells = {stage for stage in graph if can_leave(stage, Path("studies/sweep/dvc.yaml"))}
    assert cells == CELLS
    place = Away(cells, graph, [Path("studies/sweep")], batch_launcher("slurm"), Here(pull=remote), remote)
    run_all(graph, len(graph), 2, place, lambda _: None)


def places(project: Path) -> dict[str, str]:
    """Where each cell has run."""
    log = project.parent / "log"
    return dict(line.split() for line in log.read_text().splitlines()) if log.exists() else {}


def test_slurm_runs_cells_in_copies_of_the_project_and_their_results_are_here(project: Path) -> None:
    run_study(remote=False)
    assert (project / "table").read_text() == "3\n3\n"
    assert set(places(project)) == {"a", "b"}
    for place in places(project).values():
        assert Path(place).parent == project / ".dvc/tmp/exps"  # checkpoints are those of the project
        assert not Path(place).exists()
    assert json_status() == "{}"


def json_status() -> str:
    return dvc("status", "--json", "--with-deps", LAST).strip()


@pytest.mark.slow
def test_what_another_machine_has_done_comes_by_the_remote_and_is_not_done_again(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dvc("remote", "add", "--quiet", "--default", "store", str(tmp_path / "store"))
    assert default_remote() == "store"
    run_study(remote=True)
    assert (project / "table").read_text() == "3\n3\n"
    first = places(project)

    elsewhere = tmp_path / "elsewhere"  # another clone, which has never run anything
    shutil.copytree(
        project,
        elsewhere,
        ignore=shutil.ignore_patterns("cache", "tmp", "cells", "input", "table", "dvc.lock"),
    )
    monkeypatch.chdir(elsewhere)
    run_study(remote=True)
    assert (elsewhere / "table").read_text() == "3\n3\n"
    assert places(project) == first


def test_a_cell_that_fails_is_told_by_what_its_job_said(project: Path) -> None:
    Path("studies/sweep/dvc.yaml").write_text(SWEEP.replace("cat input >", "cat no-such-input >"))
    with pytest.raises(RarebeatError, match=r"cell@a failed:\n(.*\n)*.*no-such-input"):
        run_study(remote=False)
    assert not Path("table").exists()


def test_a_project_without_a_remote_cannot_use_machines_of_a_cloud(project: Path) -> None:
    place = Away(CELLS, {"a": set()}, [Path("studies/sweep")], batch_launcher("sky"), Here(), remote=False)
    place.cells = {"a"}
    with pytest.raises(RarebeatError, match="dvc remote add --default"):
        place.start("a")


def test_a_remote_with_a_relative_path_is_refused(project: Path) -> None:
    assert default_remote() is None
    dvc("remote", "add", "--quiet", "--default", "store", "../store")
    with pytest.raises(RarebeatError, match="store is the relative path"):
        default_remote()


@pytest.mark.parametrize(
    ("printed", "command"),
    [
        ("4711\n", ["scancel", "4711"]),
        ("4711;east\n", ["scancel", "4711"]),
        ("", ["scancel", "--name=rarebeat-1"]),
    ],
)
def test_a_job_that_is_broken_off_is_cancelled(printed: str, command: list[str]) -> None:
    files = Files("rarebeat-1", Path("code"), Path("locks"), Path("log"))
    assert batch_jobs.SYSTEMS["slurm"].cancel(files, printed) == command


def test_the_file_for_skypilot_has_keys_that_it_knows_and_takes_what_it_is_given() -> None:
    # https://docs.skypilot.co/en/latest/reference/yaml-spec.html
    content = yaml.safe_load((ROOT / "scales/sky.yaml").read_text())
    assert set(content) == {"name", "resources", "envs", "file_mounts", "setup", "run"}
    assert set(content["resources"]) <= {"cpus", "memory", "accelerators", "infra", "use_spot"}
    assert content["envs"] == {"STAGE": None, "CODE": None, "LOCKS": None}  # null: they must be given
    assert list(content["file_mounts"].values()) == ["${CODE}", "${LOCKS}"]
    assert '"$STAGE"' in content["run"]


@pytest.mark.parametrize(
    ("stage", "name", "expected"),
    [
        ("studies/table1/dvc.yaml:single@avnrt-0.003-0", "table1", True),
        ("studies/table1/dvc.yaml:compare", "table1", False),  # git has its outputs, DVC has not
        ("dvc.yaml:prepare", "table1", False),
        ("prepare", "table1", False),
        ("studies/search/dvc.yaml:trial@3", "search", False),  # trials share a journal
    ],
)
def test_cells_can_leave_and_nothing_else(stage: str, name: str, expected: bool) -> None:
    definition = ROOT / "studies" / name / "dvc.yaml"
    assert can_leave(stage.replace("studies/", f"{ROOT}/studies/"), definition) is expected
