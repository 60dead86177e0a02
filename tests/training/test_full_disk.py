"""A disk that is full while something large is written is one clear message, and what was there before stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"

PROGRAM = """
import resource, signal, sys
from pathlib import Path

import numpy as np
import torch

from rarebeat.cli.console import run
from rarebeat.core.signals import Preprocessing
from rarebeat.inference.model_folder import ModelCard, save_model
from rarebeat.models.registry import build
from rarebeat.tracking import runs
from rarebeat.training.checkpoint import Checkpoint, Progress

what, folder = sys.argv.pop(), Path(sys.argv.pop())
network = build("hughes34", 1, 2500, {"width": 8})
optimiser = torch.optim.Adam(network.parameters())
card = ModelCard(architecture="hughes34", settings={"width": 8}, classes=("avnrt",), thresholds={"avnrt": 0.5},
                 preprocessing=Preprocessing(), units="mV", heads="one", cohorts=("simulated",), vocabulary="hughes24")
tracker = runs.connect({}) if what == "tracking" else None

def track():
    with runs.training_run(tracker, "key", "name", {}) as run_id:
        for step in range(2000):
            runs.log_metrics(tracker, run_id, {f"train/loss{n}": step for n in range(50)}, step=step)

def plain():
    with (folder / "some.txt").open("wb") as file:
        file.write(bytes(300_000))

write = {
    "checkpoint": lambda: Checkpoint(folder, "key").save(network, optimiser, Progress()),
    "model": lambda: save_model(folder / "trained", network, card),
    "tracking": track,
    "plain": plain,
}[what]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a limit on the length of files stands for a full disk
limit = (folder / "mlflow.db").stat().st_size + 8192 if tracker else 20_000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

def command() -> None:
    write()

run(command)
"""


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("checkpoint", "could not write {folder}/key/last.pt: File too large"),
        ("model", "could not write {folder}/trained: File too large"),
        ("tracking", "cannot use the tracking database {folder}/mlflow.db: "),
        ("plain", "File too large"),
    ],
)
def test_a_full_disk_is_one_clear_message(tmp_path: Path, what: str, message: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    environment |= {"PYTHONPATH": str(SOURCE), "DVC_ROOT": str(tmp_path)}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), what]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    said = done.stderr[done.stderr.index("error: ") :]
    assert said.startswith(f"error: {message.format(folder=tmp_path)}")
    assert "Traceback" not in done.stderr
    assert len(said.splitlines()) <= 2
    assert not list(tmp_path.glob("**/*.tmp"))
