"""A checkpoint belongs to one training, and a damaged one is not used."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from rarebeat.dataset.split import Split
from rarebeat.training.checkpoint import PACKAGE, ROOMS, Checkpoint, Progress, fingerprint
from rarebeat.training.schedule import make_optimiser
from rarebeat.training.settings import ModelSettings, TrainSettings


def trained(seed: int = 0) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A small network after one step."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(50, 40), nn.BatchNorm1d(40))
    optimiser = make_optimiser(network, TrainSettings())
    network(torch.randn(8, 50)).square().sum().backward()
    optimiser.step()
    return network, optimiser


def equal(one: nn.Module, other: nn.Module) -> bool:
    state = other.state_dict()
    return all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


def test_the_fingerprint_changes_with_whatever_changes_the_weights(
    make_split: Callable[..., Split], tiny: ModelSettings, quick: TrainSettings
) -> None:
    one, two = make_split(records=8, seed=0), make_split(records=8, seed=1)
    labels = one.labels.copy()
    labels[3, 1] = -1
    meta = replace(one.meta, scale=0.002)
    keys = [
        fingerprint([one, two], ("up",), tiny, quick),
        fingerprint([two, one], ("up",), tiny, quick),
        fingerprint([one, two], ("down",), tiny, quick),
        fingerprint([one, two], ("up", "down"), tiny, quick),
        fingerprint([one, two], ("up",), ModelSettings("hughes34", {"width": 5}), quick),
        fingerprint([one, two], ("up",), tiny, replace(quick, epochs=4)),
        fingerprint([one, two], ("up",), tiny, replace(quick, seed=1)),
        fingerprint([replace(one, labels=labels), two], ("up",), tiny, quick),
        fingerprint([replace(one, signals=one.signals + np.int16(1)), two], ("up",), tiny, quick),
        fingerprint([replace(one, meta=meta), two], ("up",), tiny, quick),
        fingerprint([replace(one, lengths=np.full(8, 90)), two], ("up",), tiny, quick),
        fingerprint([replace(one, ages=np.full(8, 50, np.float32)), two], ("up",), tiny, quick),
        fingerprint([replace(one, sexes=np.full(8, "male", object)), two], ("up",), tiny, quick),
    ]
    assert len(set(keys)) == len(keys)
    assert fingerprint([make_split(records=8, seed=0), two], ("up",), tiny, quick) == keys[0]


def test_the_code_in_the_fingerprint_is_what_the_stage_train_depends_on() -> None:
    root = Path(__file__).resolve().parents[2]
    stages = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    deps = [Path(dep) for dep in stages["train"]["deps"]]
    assert {dep.name for dep in deps if dep.parent == Path("src/rarebeat")} == set(ROOMS)
    assert all((PACKAGE / room).is_dir() for room in ROOMS)


def test_network_optimiser_and_history_come_back(tmp_path: Path) -> None:
    network, optimiser = trained()
    history = [{"epoch": 1, "train_loss": 0.5, "validation_loss": None}]
    best = {"0.weight": torch.ones(2)}
    Checkpoint(tmp_path, "key").save(network, optimiser, Progress(history, best))

    other, its_optimiser = trained(seed=1)
    progress = Checkpoint(tmp_path, "key").resume(other, its_optimiser)
    assert equal(other, network)
    assert progress.epoch == 1
    assert progress.history == history
    assert progress.best is not None
    assert torch.equal(progress.best["0.weight"], best["0.weight"])
    for found, expected in zip(its_optimiser.state.values(), optimiser.state.values(), strict=True):
        assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_another_training_does_not_see_it(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "one").save(*trained(), Progress([{"epoch": 1}]))
    network, optimiser = trained(seed=1)
    assert Checkpoint(tmp_path, "two").resume(network, optimiser).epoch == 0
    assert equal(network, trained(seed=1)[0])


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-500])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other_network(path: Path) -> None:
    torch.save({"network": nn.Linear(2, 2).state_dict(), "optimiser": {}, "history": [], "best": None}, path)


@pytest.mark.parametrize("damage", [truncate, flip, empty, other_network])
def test_a_damaged_checkpoint_is_reported_and_leaves_the_network_fresh(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    checkpoint = Checkpoint(tmp_path, "key")
    checkpoint.save(*trained(), Progress([{"epoch": 1}]))
    damage(checkpoint.path)
    network, optimiser = trained(seed=1)
    with pytest.warns(UserWarning, match=r"last\.pt is damaged \(.*\): the training starts again"):
        progress = checkpoint.resume(network, optimiser)
    assert progress == Progress()
    assert equal(network, trained(seed=1)[0])


class Intruder:
    """What a malicious checkpoint would hold: loading it with pickle creates a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


def test_a_checkpoint_cannot_run_code(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    checkpoint = Checkpoint(tmp_path, "key")
    checkpoint.path.parent.mkdir()
    torch.save({"network": Intruder(trace)}, checkpoint.path)
    with pytest.warns(UserWarning, match="damaged"):
        checkpoint.resume(*trained())
    assert not trace.exists()


def test_what_a_killed_write_left_behind_is_removed(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "key")
    checkpoint.save(*trained(), Progress([{"epoch": 1}]))
    leftover = checkpoint.path.parent / ".last.pt.0123abcd.tmp"
    leftover.write_bytes(b"half a checkpoint")
    assert checkpoint.resume(*trained(seed=1)).epoch == 1
    assert not leftover.exists()
