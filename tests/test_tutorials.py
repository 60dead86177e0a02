"""The tutorials, run command by command as a new user would, in a fresh copy of the project."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from tests.pages import ROOT, command_lines, text_of

from rarebeat.core.files import read_json

FILES = (".dvc/.gitignore", ".dvc/config", ".dvcignore", ".gitignore", "Makefile", "dvc.yaml", "params.yaml")
FILES += (
    "constraints.txt",
    "own/README.md",
    "pyproject.toml",
    "reports/answers.yaml",
    "reports/studies.yaml",
)
FOLDERS = ("docs/tutorials", "pipeline", "scales", "src", "studies")
MADE = ("*.egg-info", "params.yaml", ".dvcignore", "own", "dvc.lock")
"""What lies in those folders and is not in git; what Python has compiled of it stays, and saves seconds."""

SERVERS = ("rarebeat serve", "make ui")
PATIENCE = 600.0
"""Seconds in which a server must answer; one that is ready is asked at once."""


class Shell:
    """A new user's terminal: runs the commands of a page, one after the other, in a project of its own."""

    def __init__(self, project: Path, page: str) -> None:
        self.project, self.text = project, text_of(page)
        self.said: dict[str, str] = {}
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
        }
        self.environment = inherited | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(project / "src"),
            "XDG_CONFIG_HOME": str(project / ".config"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "MLFLOW_TRACKING_URI": "",
            "DVC_ROOT": "",
            "OMP_NUM_THREADS": "1",
        }
        for role in ("AUTHOR", "COMMITTER"):
            self.environment |= {f"GIT_{role}_NAME": "reader", f"GIT_{role}_EMAIL": "reader@example.org"}

    def follow(self) -> None:
        """Run every command of the page, and look at every page that a server shows."""
        for line in command_lines(self.text, ("sh",)):
            command, _, comment = line.partition(" #")
            if command.startswith(SERVERS):
                self.visit(command.strip())
            else:
                codes = (
                    {int(code) for code in re.findall(r"\b[0-2]\b", comment)}
                    if "exit code" in comment
                    else {0}
                )
                self.run(command.strip(), codes)

    def run(self, command: str, codes: set[int]) -> None:
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert result.returncode in codes, f"{command}\n{result.stdout[-5000:]}"
        self.said[command] = result.stdout

    def visit(self, command: str) -> None:
        """Start a server on a free port, ask for the page that the tutorial names, and end it as Ctrl-C does."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        assert re.search(r"http://127\.0\.0\.1:\d+", self.text)
        words = [
            *command.split(),
            *([f"PORT={port}"] if command.startswith("make") else ["--port", str(port)]),
        ]
        with (self.project / "server.log").open("w") as log:
            server = subprocess.Popen(
                words,
                cwd=self.project,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.said[command] = self.page(f"http://127.0.0.1:{port}", server)
        finally:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()

    def page(self, address: str, server: subprocess.Popen[bytes]) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and server.poll() is None:
            try:
                with urllib.request.urlopen(address, timeout=20) as response:
                    return str(response.read().decode())
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.3)
        said = (self.project / "server.log").read_text(errors="replace")
        raise AssertionError(f"{address} did not answer\n{said[-5000:]}")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A copy of what git holds, as a repository of its own, with an environment in which nothing is to install."""
    folder = tmp_path / "rarebeat"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*MADE))
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in ("bin/activate", ".installed"):
        (folder / ".venv" / name).touch()
    identity = ("-c", "user.name=reader", "-c", "user.email=reader@example.org")
    for words in (["init", "--quiet"], ["add", "--all"], [*identity, "commit", "--quiet", "-m", "start"]):
        subprocess.run(
            ["git", *words], cwd=folder, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
        )
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def scores(project: Path) -> pd.DataFrame:
    return pd.read_csv(project / "reports" / "classes.csv")


@pytest.mark.slow
def test_the_hospitals_export_becomes_answers_on_a_page(project: Path) -> None:
    shell = Shell(project, "docs/tutorials/hospital.md")
    shell.follow()
    assert read_json(project / "data/records/muse/summary.json")["records"] == 400
    assert len(scores(project)) > 15
    answers = pd.read_csv(project / "answers.csv")
    assert len(answers) == 40
    for picture in ("ecg.png", "answer.png"):
        assert (project / picture).stat().st_size > 20_000
    weights = {
        name: (project / "models" / name / "weights.safetensors").read_bytes()
        for name in ("trained", "ward7")
    }
    assert weights["trained"] == weights["ward7"]
    assert (project / "data/audit/audit.html").is_file()
    assert "<html" in shell.said["rarebeat serve models/ward7"]


@pytest.mark.slow
def test_the_researchers_experiments_are_compared_on_the_same_records(project: Path) -> None:
    shell = Shell(project, "docs/tutorials/researcher.md")
    shell.follow()
    assert {"simulated", "tuned"} <= set(re.findall(r"\[(\w+)\]", shell.said["make experiments"]))
    (tuned,) = (said for command, said in shell.said.items() if "--name tuned" in command)
    assert sorted(set(re.findall(r"Running stage '(\w+)", tuned))) == ["check", "evaluate", "train"]
    members = project / "models/studies/crossval/members"
    assert len(list(members.glob("*/weights.safetensors"))) == 2
    assert (project / "reports/studies/crossval/results.md").is_file()


@pytest.mark.slow
def test_the_student_compares_one_head_with_all(project: Path) -> None:
    shell = Shell(project, "docs/tutorials/student.md")
    shell.follow()
    (table,) = (said for command, said in shell.said.items() if command.startswith("make experiments"))
    rows = {name: line for line in table.splitlines() for name in re.findall(r"\[(\w+)\]", line)}
    assert sorted(rows) == ["all", "alone"], table
    for line in rows.values():  # AUROC and AUPRC
        assert len(re.findall(r" [01](?:\.\d+)? ", line)) == 2, table
    assert len(list((project / "answers").glob("*.png"))) == 3
    assert "<title>MLflow" in shell.said["make ui"]
