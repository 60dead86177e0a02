"""Trainings that were killed, or are started again, while their tracking server was away."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tracking.away import on_server

from rarebeat.tracking import runs, server
from rarebeat.tracking.kept_runs import send_kept


def killed_training(project: Path, gone: str, monkeypatch: pytest.MonkeyPatch, away_from_start: bool) -> str:
    """A training that logs while its server is away, and is never ended."""
    tracker, client = on_server(project)
    client.down = away_from_start
    training = runs.training_run(tracker, "key", "a name", {"heads": "all"})
    with monkeypatch.context() as patch:
        patch.setattr(server, "own_process", lambda: gone)
        run_id = training.__enter__()
        client.down = True
        runs.log_metrics(tracker, run_id, {"train/loss": 2.0}, step=1)
    # A killed process does not even get here; its run stays open as well.
    assert not training.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    return run_id


@pytest.fixture(scope="module")
def ended_process() -> str:
    """A process that has ended, by its name."""
    program = "from rarebeat.tracking.server import own_process; print(own_process())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("away_from_start", [True, False])
def test_a_training_that_was_killed_while_its_server_was_away_is_ended_and_sent_when_asked(
    project: Path, ended_process: str, monkeypatch: pytest.MonkeyPatch, away_from_start: bool
) -> None:
    killed_training(project, ended_process, monkeypatch, away_from_start)
    tracker, _ = on_server(project)
    assert send_kept(tracker) == 0, "the training may be started again, and goes on in its run"
    assert send_kept(tracker, killed_too=True) == 1
    (run,) = tracker.find(runs.TRAINING_KEY, "key")
    assert (run.info.status, run.data.metrics) == ("KILLED", {"train/loss": 2.0})
    (entry,) = tracker.client.get_metric_history(run.info.run_id, "train/loss")
    assert run.info.end_time == entry.timestamp
    assert not {server.PROCESS, server.UNSENT} & run.data.tags.keys()
    assert send_kept(tracker, killed_too=True) == 0


def test_a_run_that_a_living_process_or_another_computer_writes_to_stays_open(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for process in (server.own_process(), "another-computer 1 1"):
        killed_training(project, process, monkeypatch, away_from_start=True)
        tracker, _ = on_server(project)
        assert send_kept(tracker, killed_too=True) == 0
    # A later process of the same number is not the one that wrote.
    assert server.is_gone(f"{socket.gethostname()} {os.getpid()} 1")


def test_what_a_killed_training_left_does_not_reopen_a_run_that_has_ended_since(
    project: Path, ended_process: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = killed_training(project, ended_process, monkeypatch, away_from_start=False)
    tracker, _ = on_server(project)
    with runs.training_run(tracker, "key", "a name", {"heads": "all"}) as again:
        runs.log_metrics(tracker, again, {"train/loss": 1.0}, step=2)
    assert send_kept(tracker, killed_too=True) == 1
    run = tracker.client.get_run(run_id)
    assert again == run_id
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"train/loss": 1.0})


def test_a_training_that_went_on_without_what_is_kept_has_each_number_once(
    project: Path, ended_process: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = killed_training(project, ended_process, monkeypatch, away_from_start=False)
    tracker, _ = on_server(project)
    with runs.training_run(tracker, "key", "a name", {"heads": "all"}) as again:
        for step in (1, 2):
            runs.log_metrics(tracker, again, {"train/loss": 3.0 - step}, step)
    assert send_kept(tracker, killed_too=True) == 1
    history = tracker.client.get_metric_history(run_id, "train/loss")
    assert [(entry.step, entry.value) for entry in history] == [(1, 2.0), (2, 1.0)]


def test_a_training_that_is_started_again_without_a_server_is_sent_into_its_first_run(
    project: Path, ended_process: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for down, name, steps in ((False, ended_process, (1,)), (True, server.own_process(), (1, 2))):
        tracker, client = on_server(project)
        client.down = down
        monkeypatch.setattr(runs, "own_process", lambda name=name: name)
        training = runs.training_run(tracker, "key", "a name", {"heads": "all"})
        run_id = training.__enter__()
        log = runs.step_log(tracker, run_id, "train/loss")
        for step in steps:
            log(step, {"train/loss": 3.0 - step})
        end = (None, None, None) if down else (KeyboardInterrupt, KeyboardInterrupt(), None)
        training.__exit__(*end)  # one that was killed stays open
    tracker, _ = on_server(project)
    assert send_kept(tracker) == 1
    (run,) = tracker.find(runs.TRAINING_KEY, "key")
    assert run.info.status == "FINISHED"
    history = tracker.client.get_metric_history(run.info.run_id, "train/loss")
    assert [(entry.step, entry.value) for entry in history] == [(1, 2.0), (2, 1.0)]
