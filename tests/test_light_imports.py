"""Networks, training and the simulated clinic run where nothing but torch, SciPy, tqdm and pydantic is installed."""

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src"

BLOCK = """
import sys
from importlib.machinery import PathFinder

ABSENT = ("pandas", "pyarrow", "mlflow", "dvc", "matplotlib", "yaml", "filelock", "PIL", "wfdb", "optuna",
          "defusedxml", "typer", "safetensors")

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in ABSENT else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""

ABSENT_INDEED = """
import pyarrow
"""

IMPORTS = """
import rarebeat.dataset.split
import rarebeat.metrics.classification
import rarebeat.metrics.ranking
import rarebeat.metrics.thresholds
import rarebeat.models.size
import rarebeat.simulator.clinic
import rarebeat.training.loop
"""

TRAINING = """
import tempfile
from pathlib import Path
import numpy as np
from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.split import ShardMeta, Split
from rarebeat.simulator.clinic import simulate
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.training.loop import train
from rarebeat.training.settings import ModelSettings, TrainSettings

def split(first, last):
    settings = SimulatorSettings(records=last, rate=100, seconds=5)
    found = [simulate(index, settings) for index in range(first, last)]
    labels = np.array([["sinus_rhythm" in one.recording.truth] for one in found], dtype=np.int8)
    names = np.array([str(n) for n in range(first, last)], dtype=object)
    meta = ShardMeta(("sinus_rhythm",), Preprocessing(rate=100, samples=500), 0.001, "mV", "simulated")
    return Split(np.stack([one.signal for one in found]), labels, names, names, names, meta)

settings = TrainSettings(epochs=1, batch=8, device="cpu", threads=1, precision="fp32")
reports = []
with tempfile.TemporaryDirectory() as folder:
    model = ModelSettings("hughes34", {"width": 4})
    train(split(0, 24), split(24, 32), ("sinus_rhythm",), model, settings, Path(folder), reports.append)
assert len(reports) == 1 and 0 < reports[0].train_loss < 10, reports
print("trained")
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", BLOCK + program]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_what_is_blocked_cannot_be_imported() -> None:
    assert "No module named 'pyarrow'" in run(ABSENT_INDEED).stderr


def test_the_modules_import() -> None:
    done = run(IMPORTS)
    assert done.returncode == 0, done.stderr


def test_three_steps_on_simulated_records() -> None:
    done = run(TRAINING)
    assert done.stdout.strip() == "trained", done.stderr
