"""Which processes a training asks for, and what is refused before any is started."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.training.distributed.cases import BASE, toy_split

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.params import group
from rarebeat.training.distributed import launch
from rarebeat.training.distributed.launch import agreed, killed_message, one_message, start_processes
from rarebeat.training.distributed.world import World
from rarebeat.training.loop import train
from rarebeat.training.settings import ModelSettings, TrainSettings

TORCHRUN = {"TORCHELASTIC_RUN_ID": "run", "RANK": "1", "WORLD_SIZE": "2"}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No trace of a launcher that runs the tests themselves."""
    for name in list(os.environ):
        if name.startswith(("TORCHELASTIC", "SLURM")):
            monkeypatch.delenv(name)


def pretend(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_one_process_is_started_by_nobody() -> None:
    assert not start_processes(BASE)


def test_a_process_that_was_started_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, TORCHRUN)
    assert not start_processes(replace(BASE, devices=2))


def test_params_and_launcher_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, TORCHRUN)
    with pytest.raises(ParamsError, match=r"2 processes were started, but train\.devices 4 .* makes 4"):
        start_processes(replace(BASE, devices=4))
    with pytest.raises(
        ParamsError, match=r"2 processes were started, but train\.devices 1 times train\.nodes 1"
    ):
        start_processes(BASE)


def test_several_machines_need_a_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ParamsError, match="start the processes with torchrun on every machine"):
        start_processes(replace(BASE, nodes=2))


def test_without_lightning_fabric_one_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    with pytest.raises(RarebeatError, match=r"needs lightning_fabric, .* pip install rarebeat\[scale\]"):
        start_processes(replace(BASE, devices=2))


def test_more_gpus_than_there_are_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ParamsError, match=r"train\.devices is 2, but torch sees 1 GPUs"):
        start_processes(replace(BASE, devices=2, device="auto"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"devices": 4, "nodes": 2, "batch": 7}, "8 processes for batches of 7: some would have no example"),
        ({"devices": 2, "compile": "on"}, "compile is on, which several processes"),
        ({"devices": 0}, "devices"),
    ],
)
def test_settings_that_several_processes_cannot_have(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        group({"train": changes}, "train", TrainSettings)


def test_a_training_split_too_small_for_the_processes(tmp_path: Path) -> None:
    """The batches of 17 records are of nine at most, whatever ``train.batch`` says."""
    settings = replace(BASE, devices=10, batch=16)
    splits = toy_split(17, 0), toy_split(4, 1)
    with pytest.raises(ParamsError, match="10 processes share batches of 9 training records"):
        train(*splits, ("one",), ModelSettings(), settings, tmp_path, key="x", world=World(0, 10))


def test_what_calls_the_loop_in_one_process_is_told(tmp_path: Path) -> None:
    splits = toy_split(17, 0), toy_split(4, 1)
    with pytest.raises(ParamsError, match=r"not the number of processes here, 1: pipeline/train\.py starts"):
        train(*splits, ("one",), ModelSettings(), replace(BASE, devices=2), tmp_path, key="x")


def test_before_they_have_joined_the_first_process_speaks_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        with one_message():
            raise ParamsError("wrong in all of them")

    pretend(monkeypatch, TORCHRUN | {"RANK": "0"})
    with pytest.raises(ParamsError, match="wrong in all of them"):
        fail()
    pretend(monkeypatch, TORCHRUN)
    with pytest.raises(SystemExit) as silent:
        fail()
    assert silent.value.code == 2


def test_a_lost_connection_is_told_apart_from_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, TORCHRUN | {"RANK": "0"})
    told = r"another process of this training has ended .*\(Connection closed by peer \[127\.0\.0\.1\]:2345\)"
    with pytest.raises(RarebeatError, match=told), one_message():
        raise RuntimeError(
            "[gloo/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:2345. This is typically"
        )
    with pytest.raises(RuntimeError, match="mat1 and mat2"), one_message():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_the_process_that_was_killed_is_named_not_those_that_ended_with_it() -> None:
    named = killed_message({0: -15, 3: -9}, 4)
    assert named is not None
    assert named.startswith("process 4 of 4 of the training was ended by SIGKILL")
    assert killed_message({0: 2, 1: -15}, 2) is None  # process 1 has told its own reason
    ended = killed_message({0: -15, 1: -15}, 2)
    assert ended is not None
    assert "SIGTERM" in ended


def test_processes_started_here_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The launcher is replaced: what it would start, and with how many threads."""
    seen: list[object] = []

    class Launcher:
        def __init__(self, config: object, command: str) -> None:
            seen.append((config.nproc_per_node, config.max_restarts))  # type: ignore[attr-defined]

        def __call__(self, *arguments: str) -> None:
            seen.append(os.environ["OMP_NUM_THREADS"])

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for name in (launch.STARTED_BY, "TORCH_CPP_LOG_LEVEL"):
        monkeypatch.setenv(name, "")  # put back afterwards
    monkeypatch.setattr(launch, "core_count", lambda: 8)
    monkeypatch.setattr("torch.distributed.launcher.api.elastic_launch", Launcher)
    assert start_processes(replace(BASE, devices=2))
    assert seen == [(2, 0), "4"]
    monkeypatch.delenv("OMP_NUM_THREADS")


class Others(World):
    """Two processes, of which the other one is on a machine with less memory."""

    def all(self, fact: bool) -> bool:
        return False


def test_processes_on_machines_of_different_memory_read_signals_in_the_same_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launch, "streams", lambda *_: False)
    settings, shards = replace(BASE, memory="auto"), Path("shards")
    assert agreed(settings, shards, Others(0, 2)).memory == "stream"
    assert agreed(replace(settings, memory="whole"), shards, Others(0, 2)).memory == "whole"
    assert agreed(settings, shards, World()).memory == "auto"
