"""A training that is killed in the middle of an epoch, in a process of its own, and started again."""

import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

SCRIPT = """
import sys
from pathlib import Path
import numpy as np
import torch
from safetensors.torch import save_file
from rarebeat.dataset.split import ShardMeta, Split
from rarebeat.core.signals import Preprocessing
from rarebeat.training.loop import train
from rarebeat.training.settings import ModelSettings, TrainSettings

random = np.random.default_rng(0)
def split(records):
    names = np.array([str(index) for index in range(records)], dtype=object)
    meta = ShardMeta(("one", "two"), Preprocessing(samples=200), 0.001, "mV", "toy")
    signals = random.integers(-2000, 2000, (records, 12, 200), dtype=np.int16)
    return Split(signals, random.integers(0, 2, (records, 2), dtype=np.int8), names, names, names, meta)

def on_epoch(report):
    print(report.epoch, flush=True)

network = train(
    split(200), split(20), ("one", "two"),
    ModelSettings("hughes34", {"width": 4, "dropout": 0.2}),
    TrainSettings(epochs=3, batch=10, threads=1, precision="bf16", device="cpu", seed=3),
    Path(sys.argv[1]) / "checkpoints", on_epoch,
)
weights = {name: value.contiguous() for name, value in network.state_dict().items()}
save_file(weights, Path(sys.argv[1]) / "weights")
"""


def start(folder: Path) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)], stdout=subprocess.PIPE, text=True)


def kill_after(process: subprocess.Popen[str], epoch: int) -> None:
    """Send SIGKILL when the process has reported an epoch: it is then at work on the next."""
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            if int(line) == epoch:
                process.kill()
                return
    pytest.fail(f"the training ended before epoch {epoch}")


@pytest.mark.slow
def test_a_killed_training_that_goes_on_ends_with_the_weights_of_one_left_alone(tmp_path: Path) -> None:
    alone = start(tmp_path / "alone")
    kill_after(start(tmp_path / "killed"), epoch=1)
    assert not (tmp_path / "killed" / "weights").exists()
    again = start(tmp_path / "killed")
    assert again.communicate()[0].split() == ["1", "2", "3"]
    alone.communicate()
    expected = load_file(tmp_path / "alone" / "weights")
    found = load_file(tmp_path / "killed" / "weights")
    assert all(found[name].equal(value) for name, value in expected.items())
