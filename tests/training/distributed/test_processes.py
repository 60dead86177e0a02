"""Trainings on two processes, started as users start them: by torchrun, by the command itself, in a Slurm job."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.distributed.cases import CASES, run_case

COMMAND = [sys.executable, str(Path(__file__).with_name("cases.py"))]
SRC = str(Path(__file__).parents[3] / "src")
LONG = 500
"""Seconds until a test gives up: on a busy machine two processes wait for each other at every step."""

EQUAL = ["hughes34", "muon", "padded", "random", "streamed", "heads_first"]
FP32 = ["hughes34_fp32", "padded_fp32"]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "RAREBEAT_"))}
    return kept | {"PYTHONPATH": SRC, "OMP_NUM_THREADS": "1"} | more


def run(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, capture_output=True, text=True, env=env or environment(), timeout=LONG, check=False
    )


def errors(output: str) -> list[str]:
    """The messages in what a command wrote to standard error: all but what the training says of its epochs."""
    return [line for line in output.splitlines() if not line.startswith("epoch ")]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes make of the cases, started by torchrun."""
    folder = tmp_path_factory.mktemp("two")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = run(*torchrun, *COMMAND[1:], str(folder), "2", *EQUAL, *FP32)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("hughes34 1") == 1  # the first process alone reports
    assert done.stderr.count("epoch 1: ") == len(EQUAL) + len(FP32)
    return folder


def reports(folder: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / f"{name}.json").read_text())
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", EQUAL)
def test_two_processes_have_the_curve_and_the_weights_of_one(two: Path, tmp_path: Path, name: str) -> None:
    alone, weights = run_case(name, tmp_path)
    found = reports(two, name)
    assert len(found) == len(alone) > 0
    for one, other in zip(alone, found, strict=True):
        assert other["train_loss"] == pytest.approx(one.train_loss, abs=1e-5)
        assert other["validation_loss"] == pytest.approx(one.validation_loss, abs=1e-5)
        assert other["validation_auroc"] == pytest.approx(one.validation_auroc, abs=1e-9)
    theirs = torch.load(two / f"{name}.pt")
    assert theirs.keys() == weights.keys()
    for key, value in weights.items():
        torch.testing.assert_close(theirs[key], value, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", FP32)
def test_also_in_fp32_the_training_loss_is_that_of_one_process(two: Path, tmp_path: Path, name: str) -> None:
    alone, _ = run_case(name, tmp_path)
    expected = [report.train_loss for report in alone]
    assert [report["train_loss"] for report in reports(two, name)] == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_a_killed_process_ends_all_with_one_message_and_the_same_command_goes_on(tmp_path: Path) -> None:
    (tmp_path / "wait-after-2").touch()
    command = [*COMMAND, str(tmp_path), "2", "long"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        lines = [started.stdout.readline(), started.stdout.readline()]
        assert lines == ["long 1\n", "long 2\n"]
        first, second = (int((tmp_path / f"process-{rank}").read_text()) for rank in range(2))
        killed = time.monotonic()
        os.kill(second, signal.SIGKILL)
        assert started.wait(LONG) == 2
        assert time.monotonic() - killed < 200  # some seconds, where the processor is free
        (message,) = errors(started.stderr.read())
    assert message.startswith("error: process 2 of 2 of the training was ended by SIGKILL")
    assert not Path(f"/proc/{first}").exists()

    (tmp_path / "wait-after-2").unlink()
    again = run(*command)
    assert again.returncode == 0, again.stderr
    assert again.stdout.split("\n")[:3] == ["long 1", "long 2", "long 3"]
    assert [line.split(":")[0] for line in again.stderr.splitlines()] == [
        "epoch 3"
    ]  # the others were not trained again
    alone, _ = run_case("long", tmp_path / "alone")
    assert reports(tmp_path, "long")[2]["train_loss"] == pytest.approx(alone[2].train_loss, abs=1e-5)


SRUN = """#!/bin/sh
# What srun does, on one machine: every task has its number, and the step how many there are.
while [ "${1#--}" != "$1" ]; do echo "$1" >> "$FOLDER/options"; shift; done
export SLURM_STEP_NUM_TASKS=2 SLURM_NTASKS=2 SLURM_NTASKS_PER_NODE=1 SLURM_NNODES=2 SLURM_NODELIST=127.0.0.1
SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NODEID=0 "$@" & one=$!
SLURM_PROCID=1 SLURM_LOCALID=0 SLURM_NODEID=1 "$@" & two=$!
wait $one; first=$?
wait $two || exit
exit $first
"""


@pytest.mark.slow
def test_inside_a_slurm_job_srun_starts_them_and_an_error_of_all_is_told_once(
    tmp_path: Path, unused_port: int
) -> None:
    srun = tmp_path / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text(SRUN)
    srun.chmod(0o755)
    path = f"{srun.parent}:{os.environ['PATH']}"
    job = {"SLURM_JOB_ID": "7", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(unused_port)}
    done = run(
        *COMMAND, str(tmp_path), "2", "diverging", env=environment(PATH=path, FOLDER=str(tmp_path), **job)
    )
    assert done.returncode == 2, done.stderr
    (message,) = errors(done.stderr)
    assert message.startswith("error: the loss is no longer a number in epoch 1")
    options = (tmp_path / "options").read_text().split()
    assert options == ["--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--kill-on-bad-exit=1"]


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_cases_are_all_used() -> None:
    assert set(CASES) == {*EQUAL, *FP32, "long", "diverging"}
