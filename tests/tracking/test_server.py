"""A tracking server that is not there, or goes away: nothing is lost, one warning, and all is sent later."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
import requests
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from rarebeat.core.errors import RarebeatError
from rarebeat.inference.model_folder import card_digest
from rarebeat.tracking import models, runs, server
from rarebeat.tracking.kept_runs import send_kept


class Flaky:
    """A client of a server that can be switched off."""

    def __init__(self, client: MlflowClient) -> None:
        self.client, self.down = client, False

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if self.down:
                raise MlflowException("Max retries exceeded\nwith a nest\nof tracebacks")
            return getattr(self.client, name)(*arguments, **named)

        return call


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh tracking database: made once, since that takes seconds."""
    path = tmp_path_factory.mktemp("database") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path) -> Path:
    """An empty project, and a database that stands for the one of a server."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    shutil.copy(empty_database, tmp_path / "server.db")
    return tmp_path


def on_server(project: Path) -> tuple[server.Tracker, Flaky]:
    tracker = server.open_tracker("rarebeat", f"sqlite:///{project / 'server.db'}")
    flaky = Flaky(tracker.client)
    tracker.client = flaky  # type: ignore[assignment]
    return tracker, flaky


def test_a_server_that_goes_away_costs_nothing(
    project: Path, model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker, client = on_server(project)
    with runs.training_run(tracker, "key", "a name", {"heads": "all"}) as run_id:
        runs.log_metrics(tracker, run_id, {"train/loss": 3.0}, step=1)
        client.down = True
        for step in (2, 3):
            runs.log_metrics(tracker, run_id, {"train/loss": 3.0 - step}, step=step)
        models.log_model(tracker, run_id, model_folder)
    said = capsys.readouterr().err
    assert said.count("does not answer") == 1
    assert "with a nest" not in said

    # The evaluation finds no server either, and adds to what is kept.
    tracker, client = on_server(project)
    client.down = True
    table = project / "classes.csv"
    table.write_text("class\n")
    model = card_digest(model_folder)
    runs.log_evaluation(tracker, model, "a name", {"evaluate": 5}, {"macro": {"f1": 0.5}}, [table])

    tracker, client = on_server(project)
    assert send_kept(tracker) == 1
    assert send_kept(tracker) == 0
    (run,) = tracker.find(runs.TRAINING_KEY, "key")
    assert run.info.run_id == run_id
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "a name"
    assert run.data.params == {"heads": "all", "evaluate": "5"}
    assert run.data.metrics == {"train/loss": 0.0, "test/macro.f1": 0.5}
    history = tracker.client.get_metric_history(run_id, "train/loss")
    assert [(entry.step, entry.value) for entry in history] == [(1, 3.0), (2, 1.0), (3, 0.0)]
    assert [file.path for file in tracker.client.list_artifacts(run_id)] == ["classes.csv"]
    assert server.UNSENT not in run.data.tags
    mlflow.set_tracking_uri(tracker.uri)
    assert mlflow.pyfunc.load_model(f"runs:/{run_id}/model").metadata.signature is not None


def test_a_training_without_a_server_is_sent_and_its_later_evaluation_joins_it(project: Path) -> None:
    tracker, client = on_server(project)
    client.down = True
    with runs.training_run(tracker, "key", "a name", {"heads": "all"}) as kept:
        runs.log_metrics(tracker, kept, {"train/loss": 1.0}, step=1)
        runs._log_batch(tracker, kept, [], {server.MODEL: "m"})
    tracker, client = on_server(project)
    send_kept(tracker)
    run_id = runs.log_evaluation(tracker, "m", "a name", {}, {"macro": {"f1": 0.5}}, [])
    (run,) = tracker.find(server.MODEL, "m")
    assert run.info.run_id == run_id != kept
    assert run.data.metrics == {"train/loss": 1.0, "test/macro.f1": 0.5}


def test_an_evaluation_without_a_server_is_sent_into_the_run_of_its_training(project: Path) -> None:
    tracker, client = on_server(project)
    with runs.training_run(tracker, "key", "a name", {}) as run_id:
        runs._log_batch(tracker, run_id, [], {server.MODEL: "m"})
    client.down = True
    runs.log_evaluation(tracker, "m", "a name", {}, {"macro": {"f1": 0.5}}, [])
    tracker, client = on_server(project)
    assert send_kept(tracker) == 1
    (run,) = tracker.find(server.MODEL, "m")
    assert run.info.run_id == run_id
    assert run.data.metrics == {"test/macro.f1": 0.5}


@pytest.mark.parametrize("away_from", ["the parent", "its children", "the start"])
def test_a_study_that_ends_without_a_server_is_the_parent_of_its_runs_there(
    project: Path, monkeypatch: pytest.MonkeyPatch, away_from: str
) -> None:
    for number, away in enumerate([False, False, True]):  # the second is evaluated, the third kept here
        tracker, client = on_server(project)
        client.down = away
        with runs.training_run(tracker, f"key{number}", f"cell {number}", {"seed": number}) as run_id:
            runs._log_batch(tracker, run_id, [], {server.MODEL: f"m{number}"})
        if number == 1:
            runs.log_evaluation(tracker, "m1", "unused", {}, {"macro": {"f1": 0.1}}, [])

    tracker, client = on_server(project)
    client.down = away_from == "the start"
    create, link = client.client.create_run, client.client.log_batch

    def goes_away(*arguments: Any, **named: Any) -> Any:
        client.down = True
        return create(*arguments, **named)

    def goes_away_at_link(run_id: str, **named: Any) -> Any:
        if any(tag.key == MLFLOW_PARENT_RUN_ID for tag in named.get("tags", [])):
            client.down = True
            raise MlflowException("gone")
        return link(run_id, **named)

    if away_from == "the parent":
        monkeypatch.setattr(client.client, "create_run", goes_away)
    elif away_from == "its children":
        monkeypatch.setattr(client.client, "log_batch", goes_away_at_link)
    children = {f"m{number}": {"macro": {"f1": number / 10}} for number in range(3)}
    runs.log_parent(tracker, "table", "a study", {}, {}, [], children)
    monkeypatch.undo()
    monkeypatch.setenv("DVC_ROOT", str(project))

    tracker, _ = on_server(project)
    send_kept(tracker)
    found = {run.info.run_name: run for run in tracker.client.search_runs([tracker.experiment_id])}
    assert sorted(found) == ["a study", "cell 0", "cell 1", "cell 2"]
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    parent = found.pop("a study").info.run_id
    assert {run.data.tags.get(MLFLOW_PARENT_RUN_ID) for run in found.values()} == {parent}
    assert {name: run.data.metrics["test/macro.f1"] for name, run in found.items()} == {
        "cell 0": 0.0,
        "cell 1": 0.1,
        "cell 2": 0.2,
    }


def test_a_server_that_goes_away_while_runs_are_sent_gets_the_rest_the_next_time(project: Path) -> None:
    tracker, client = on_server(project)
    client.down = True
    for number in range(2):
        runs.log_evaluation(tracker, f"m{number}", "a name", {}, {"macro": {"f1": number}}, [])
    tracker, client = on_server(project)
    terminate = client.client.set_terminated

    def goes_away(*arguments: Any) -> None:
        terminate(*arguments)
        client.down = True

    client.client.set_terminated = goes_away  # type: ignore[method-assign]
    with pytest.raises(RarebeatError, match="cannot send what is kept here"):
        send_kept(tracker)
    tracker, client = on_server(project)
    assert send_kept(tracker) == 1
    found = tracker.client.search_runs([tracker.experiment_id])
    assert sorted(run.data.metrics["test/macro.f1"] for run in found) == [0, 1]


def test_clones_that_begin_at_once_on_a_new_server_share_its_experiment(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{project / 'server.db'}"
    first = server.open_tracker("rarebeat", uri)
    looked, look = [], MlflowClient.get_experiment_by_name

    def too_early(client: MlflowClient, name: str) -> Any:
        looked.append(name)
        return look(client, name) if len(looked) > 1 else None

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", too_early)
    assert server.open_tracker("rarebeat", uri).experiment_id == first.experiment_id
    assert looked == ["rarebeat", "rarebeat"]


def test_a_training_that_fails_without_a_server_is_told_with_its_own_error(project: Path) -> None:
    tracker, client = on_server(project)
    with pytest.raises(ValueError, match="boom"), runs.training_run(tracker, "key", "a", {}):
        client.down = True
        raise ValueError("boom")
    tracker, client = on_server(project)
    send_kept(tracker)
    assert [run.info.status for run in tracker.find(runs.TRAINING_KEY, "key")] == ["FAILED"]


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


@pytest.mark.parametrize("lost", ["it was deleted", "the server has a new database"])
def test_what_continues_a_run_that_the_server_has_lost_becomes_a_run_of_its_own(
    project: Path, empty_database: Path, lost: str
) -> None:
    tracker, client = on_server(project)
    with runs.training_run(tracker, "key", "a name", {"heads": "all"}) as run_id:
        client.down = True
        runs.log_metrics(tracker, run_id, {"train/loss": 2.0}, step=1)
    if lost == "it was deleted":
        tracker, client = on_server(project)
        tracker.client.delete_run(run_id)
    else:
        shutil.copy(empty_database, project / "server.db")
    tracker, client = on_server(project)
    assert send_kept(tracker) == 1
    (run,) = tracker.find(runs.TRAINING_KEY, "key")
    assert (run.info.status, run.info.run_name, run.data.metrics) == (
        "FINISHED",
        "a name",
        {"train/loss": 2.0},
    )


def test_a_model_is_sent_once_also_where_its_run_is_sent_in_two_parts(
    project: Path, model_folder: Path
) -> None:
    tracker, client = on_server(project)
    client.down = True
    with runs.training_run(tracker, "key", "a name", {}) as kept:
        models.log_model(tracker, kept, model_folder)
    tracker, client = on_server(project)
    outputs = client.client.log_outputs

    def goes_away(*arguments: Any) -> None:
        outputs(*arguments)
        client.down = True

    client.client.log_outputs = goes_away  # type: ignore[method-assign]
    with pytest.raises(RarebeatError, match="cannot send what is kept here"):
        send_kept(tracker)
    tracker, client = on_server(project)
    assert send_kept(tracker) == 1
    (run,) = tracker.find(runs.TRAINING_KEY, "key")
    assert len(run.outputs.model_outputs) == 1


@pytest.mark.parametrize(("asked", "found"), [(None, "True"), ("false", "False")])
def test_telemetry_is_off_unless_it_is_asked_for(asked: str | None, found: str) -> None:
    program = "import rarebeat.tracking.server; from mlflow.environment_variables import *"
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_DISABLE_TELEMETRY"}
    environment |= {"MLFLOW_DISABLE_TELEMETRY": asked} if asked else {}
    command = [sys.executable, "-c", f"{program}; print(MLFLOW_DISABLE_TELEMETRY.get())"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.mark.parametrize("kind", ["nobody listens", "silent", "no such host"])
def test_a_server_that_is_not_there_is_told_within_ten_seconds(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    monkeypatch.setattr(server, "_PATIENCE", 1.0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1] if kind == "silent" else free_port()
        host = "no-such-host.invalid" if kind == "no such host" else "127.0.0.1"
        uri = f"http://{host}:{port}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{uri}/" if kind == "nobody listens" else uri)
        tracker = runs.connect({})
    assert (tracker.uri, tracker.unsent) == (server.local_uri(), uri)
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"warning: the MLflow server {uri} does not answer (")
    with runs.training_run(tracker, "key", "a", {}) as run_id:
        pass
    assert tracker.client.get_run(run_id).data.tags[server.UNSENT] == uri


@pytest.mark.parametrize("damage", ["no database", "cut short", "bytes changed"])
def test_a_damaged_tracking_database_is_one_clear_message(project: Path, damage: str) -> None:
    path = project / "mlflow.db"
    content = bytearray(path.read_bytes())
    if damage == "no database":
        content = bytearray(b"this is no database\n" * 100)
    elif damage == "cut short":
        del content[len(content) // 3 :]
    else:
        content[100 : len(content) // 2] = bytes(len(content) // 2 - 100)
    path.write_bytes(content)
    with pytest.raises(RarebeatError, match=r"cannot use the tracking database .*mlflow\.db") as caught:
        tracker = runs.connect({})
        with runs.training_run(tracker, "key", "a", {"heads": "all"}):
            pass
    assert len(str(caught.value).splitlines()) == 2


@pytest.fixture
def real_server(tmp_path: Path) -> Iterator[tuple[str, list[str], subprocess.Popen[bytes]]]:
    """A server of MLflow as a process of its own on this machine."""
    folder, port = tmp_path / "server", free_port()
    folder.mkdir()
    command = [
        *(
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--workers",
            "1",
        ),
        *(
            "--backend-store-uri",
            f"sqlite:///{folder / 'runs.db'}",
            "--artifacts-destination",
            str(folder / "files"),
        ),
    ]
    process = start(command, port, folder)
    yield f"http://127.0.0.1:{port}", command, process
    stop(process)


def start(command: list[str], port: int, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    for _ in range(600):
        try:
            requests.get(f"http://127.0.0.1:{port}/health", timeout=1)
            return process
        except requests.exceptions.RequestException:
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.2)
    raise AssertionError("the server did not start")


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_a_server_that_is_killed_in_the_middle_gets_everything_later(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    real_server: tuple[str, list[str], subprocess.Popen[bytes]],
    model_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uri, command, process = real_server
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    tracker = runs.connect({})
    began = time.monotonic()
    with runs.training_run(tracker, "key", "a name", {"heads": "all"}) as run_id:
        runs.log_metrics(tracker, run_id, {"train/loss": 3.0}, step=1)
        stop(process)
        began = time.monotonic()
        runs.log_metrics(tracker, run_id, {"train/loss": 2.0}, step=2)
        assert time.monotonic() - began < 30
        models.log_model(tracker, run_id, model_folder)
    assert capsys.readouterr().err.count("does not answer") == 1

    process = start(command, int(uri.rpartition(":")[2]), project / "server")
    try:
        tracker = runs.connect({})
        model = card_digest(model_folder)
        assert runs.log_evaluation(tracker, model, "a name", {}, {"macro": {"f1": 0.5}}, []) == run_id
        run = tracker.client.get_run(run_id)
        assert run.data.metrics == {"train/loss": 2.0, "test/macro.f1": 0.5}
        assert run.info.status == "FINISHED"
        history = tracker.client.get_metric_history(run_id, "train/loss")
        assert [entry.step for entry in history] == [1, 2]
        assert mlflow.pyfunc.load_model(f"runs:/{run_id}/model").metadata.signature is not None
    finally:
        stop(process)
