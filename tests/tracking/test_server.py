"""A tracking server that is not there, or is killed: one warning or message, and all is sent later."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
import requests

from rarebeat.core.errors import RarebeatError
from rarebeat.inference.model_folder import card_digest
from rarebeat.tracking import models, runs, server


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


def test_a_query_that_mlflow_does_not_take_is_no_damage_of_the_database(project: Path) -> None:
    tracker = runs.connect({})
    with pytest.raises(RarebeatError, match=r"mlflow\.db does not take this: Invalid clause") as caught:
        tracker.find("a name", "it's")
    assert "mv" not in str(caught.value)


@pytest.fixture
def real_server(project: Path) -> Iterator[tuple[str, list[str], subprocess.Popen[bytes]]]:
    """A server of MLflow as a process of its own on this machine."""
    folder, port = project / "server", free_port()
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
