"""Cells of a study as jobs of Slurm or SkyPilot. Neither is here: a stand-in for sbatch runs what it is given."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from tests.studies.sweep import FOLDER, LAST, ROOT, run_study, runs

from rarebeat.core.errors import RarebeatError
from rarebeat.studies import batch_jobs
from rarebeat.studies.away import Order, Remote, can_leave, default_remote
from rarebeat.studies.batch_jobs import Files, batch_launcher
from rarebeat.studies.here import dvc
from rarebeat.studies.snapshot import pack

FILES = Files("rarebeat-1", Path("code"), Path("locks"), Path("log"))

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


@pytest.fixture
def slurm(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, and the stand-in for sbatch."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sbatch").write_text(SBATCH)
    (programs / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return project


def test_slurm_runs_cells_in_copies_of_the_project_and_their_results_are_here(slurm: Path) -> None:
    project = slurm
    run_study(batch_launcher("slurm"))
    assert (project / "table").read_text() == "3\n3\n"
    assert sorted(name for name, _ in runs(project)) == ["a", "b"]
    for _, place in runs(project):
        assert Path(place).parent == project / ".dvc/tmp/exps"  # checkpoints are those of the project
        assert not Path(place).exists()
    assert dvc("status", "--json", "--with-deps", LAST).strip() == "{}"


@pytest.mark.slow
def test_what_another_machine_has_done_comes_by_the_remote_and_is_not_done_again(
    slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = slurm
    dvc("remote", "add", "--quiet", "--default", "store", "../store")
    run_study(batch_launcher("slurm"))
    assert (project / "table").read_text() == "3\n3\n"
    first = runs(project)

    elsewhere = tmp_path / "elsewhere"  # another clone, which has never run anything
    shutil.copytree(
        project,
        elsewhere,
        ignore=shutil.ignore_patterns("cache", "tmp", "cells", "input", "table", "dvc.lock"),
    )
    monkeypatch.chdir(elsewhere)
    run_study(batch_launcher("slurm"))
    assert (elsewhere / "table").read_text() == "3\n3\n"
    assert runs(project) == first


def test_a_cell_that_fails_is_told_by_what_its_job_said(slurm: Path) -> None:
    definition = FOLDER / "dvc.yaml"
    definition.write_text(definition.read_text().replace("cat input >", "cat no-such-input >"))
    with pytest.raises(RarebeatError, match=r"cell@a failed:\n(.*\n)*.*no-such-input"):
        run_study(batch_launcher("slurm"))
    assert not Path("table").exists()


@pytest.mark.parametrize(("cache", "folder"), [(Path("/p/.dvc/cache"), None), (None, "store=/mnt/store")])
def test_machines_of_a_cloud_need_a_remote_that_they_reach(cache: Path | None, folder: str | None) -> None:
    order = Order("cell@a", ("data",), cache, folder, Path("/p"), b"", b"", {})
    with pytest.raises(RarebeatError, match="dvc remote add --default"):
        batch_jobs.SYSTEMS["sky"].submit(order, FILES)


def test_skypilot_gets_a_machine_for_each_cell_and_secrets_by_their_names() -> None:
    order = Order("cell@a", ("data",), None, None, Path("/p"), b"", b"", {"AWS_SECRET_ACCESS_KEY": "key"})
    command = " ".join(batch_jobs.SYSTEMS["sky"].submit(order, FILES))
    assert command.startswith(
        "sky launch --yes --down --cluster rarebeat-1 --env STAGE=cell@a --env CODE=code "
    )
    assert command.endswith("--secret AWS_SECRET_ACCESS_KEY scales/sky.yaml")


def test_a_remote_that_is_a_folder_is_told_by_its_whole_path(project: Path) -> None:
    assert default_remote() is None
    dvc("remote", "add", "--quiet", "--default", "store", "../store")
    found = default_remote()
    assert found
    assert found.folder == f"store={project.parent}/store"
    assert Remote("store", "s3://bucket/path").folder is None


@pytest.mark.parametrize(
    ("printed", "command"),
    [
        ("4711\n", ["scancel", "4711"]),
        ("4711;east\n", ["scancel", "4711"]),
        ("", ["scancel", "--name=rarebeat-1"]),
    ],
)
def test_a_job_that_is_broken_off_is_cancelled(printed: str, command: list[str]) -> None:
    assert batch_jobs.SYSTEMS["slurm"].cancel(FILES, printed) == command


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


def test_a_job_that_slurm_ends_leaves_no_copy_of_the_project(tmp_path: Path) -> None:
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").write_text("#!/bin/sh\ntouch weights ../../../../started\nexec sleep 60\n")
    (programs / "python").chmod(0o755)
    (tmp_path / "packed").write_bytes(pack([]))
    command = [
        "sh",
        str(ROOT / "scales/slurm.sh"),
        str(tmp_path / "packed"),
        str(tmp_path / "packed"),
        "cell@a",
    ]
    environment = os.environ | {"SLURM_SUBMIT_DIR": str(tmp_path)}
    job = subprocess.Popen(command, env=environment, start_new_session=True)
    while not (tmp_path / "started").exists():
        assert job.poll() is None
        time.sleep(0.05)
    os.killpg(job.pid, signal.SIGTERM)  # all processes of a job get it, and some time to end
    assert job.wait(30) == 128 + signal.SIGTERM
    assert not list((tmp_path / ".dvc/tmp/exps").iterdir())


def test_jobs_of_two_projects_have_names_of_their_own(tmp_path: Path) -> None:
    """By its name a job is cancelled, and a machine of a cloud is found: another clone runs equal stages."""
    names = []
    for project in (tmp_path / "one", tmp_path / "two"):
        order = Order("cell@a", ("data",), None, None, project, b"", b"", {})
        names += [batch_jobs._write(order).name, batch_jobs._write(order).name]
    assert len(names) == 4
    assert len(set(names)) == 2


def test_a_study_that_is_killed_while_it_packs_the_code_leaves_no_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = Order("cell", (), None, None, tmp_path, b"the whole code", b"locks", {})
    write = Path.write_bytes

    def killed(path: Path, content: bytes) -> int:
        write(path, content[:3])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        batch_jobs._write(order)
    monkeypatch.setattr(Path, "write_bytes", write)
    files = batch_jobs._write(order)
    assert files.code.read_bytes() == b"the whole code"
    assert files.code.stat().st_mode & 0o777 == files.locks.stat().st_mode & 0o777 == 0o600
