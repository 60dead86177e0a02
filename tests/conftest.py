"""What several rooms' tests share: a tiny untrained model folder, a small WFDB record, a clinic with wrong labels.

With `pytest -n 2` (as `make test` does) two processes share the suite, a file at a time.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.disputed_clinic import Clinic, make_clinic

from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.split import ShardMeta, Split

if "PYTEST_XDIST_WORKER" in os.environ:
    # Two processes of two threads each on two processors wait for each other most of the time.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

LONGEST = ("tests/test_tutorials.py", "tests/test_same_bytes.py", "tests/studies", "tests/core/cluster")
"""What is begun first when several processes share the suite, so that none waits for it at the end."""

Case = tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]

TOY_SAMPLES = 96
TOY_CLASSES = ("up", "down", "rare")
CLASSES = ("sinus_rhythm", "atrial_fibrillation", "av_block_1st_degree")


def _group(path: str) -> str:
    """Tests that start a Ray cluster go one after the other, for Ray keeps one folder a machine; else a file is one."""
    return (
        "ray" if path.startswith("tests/core/cluster/") or path == "tests/studies/test_ray_jobs.py" else path
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deal the tests of a file to one process, the longest files first."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    paths = {item: item.path.relative_to(config.rootpath).as_posix() for item in items}
    items.sort(key=lambda item: not paths[item].startswith(LONGEST))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(paths[item])))


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with three classes; its weights are random (and always the same)."""
    import torch

    from rarebeat.core.signals import Preprocessing
    from rarebeat.inference.model_folder import ModelCard, save_model
    from rarebeat.models.registry import build

    torch.manual_seed(0)
    settings = {"width": 2, "kernel": 5}
    module = build("hughes34", len(CLASSES), 2500, settings)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    card = ModelCard(
        architecture="hughes34",
        settings=settings,
        classes=CLASSES,
        thresholds={"sinus_rhythm": 0.5, "atrial_fibrillation": 0.0, "av_block_1st_degree": 1.0},
        preprocessing=Preprocessing(),
        units="mV",
        heads="three",
        cohorts=("simulated",),
        vocabulary="hughes24",
    )
    save_model(folder, module, card)
    return folder


@pytest.fixture
def pseudonym_key(tmp_path: Path) -> Path:
    """The key of a private archive, always the same: a pseudonym of a drawn key may hold any four digits."""
    path = tmp_path / "key"
    path.write_text("5e" * 32 + "\n", encoding="ascii")
    path.chmod(0o600)
    return path


@pytest.fixture
def wfdb_record(tmp_path: Path) -> Path:
    """The header of a plausible 10 s record at 500 Hz in WFDB format 16."""
    leads = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    seconds = np.arange(5000) / 500
    beat = np.exp(-(((seconds % 0.8) - 0.4) ** 2) / (2 * 0.012**2))
    drift = 0.1 * np.sin(2 * np.pi * 0.3 * seconds)
    heights = [0.5, 1.2, 0.7, -0.85, -0.1, 0.95, *np.linspace(1.1, 1.6, 6)]  # the limb leads agree
    samples = np.rint(1000 * np.outer(heights, beat + drift)).astype("<i2")
    lines = ["r1 12 500 5000"]
    for name, lead in zip(leads, samples, strict=True):
        checksum = int(lead.sum(dtype=np.int16))
        lines.append(f"r1.dat 16 1000(0)/mV 16 0 {lead[0]} {checksum} 0 {name}")
    header = tmp_path / "r1.hea"
    header.write_text("\n".join(lines) + "\n")
    (tmp_path / "r1.dat").write_bytes(np.ascontiguousarray(samples.T).tobytes())
    return header


@pytest.fixture(scope="session")
def disputed_clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    """A simulated clinic in which some labels are wrong, and predictions of a good model."""
    return make_clinic(tmp_path_factory.mktemp("disputed"))


@pytest.fixture(scope="session")
def make_case() -> Callable[..., Case]:
    """Make truth with a tenth masked, and probabilities on so many levels (few levels: many ties)."""

    def make(seed: int, records: int = 200, classes: int = 4, levels: int = 20) -> Case:
        rng = np.random.default_rng([seed])
        truth = (rng.random((records, classes)) < np.linspace(0.1, 0.5, classes)).astype(np.int8)
        score = np.clip(rng.normal(0.35 + 0.2 * truth, 0.2), 0, 1)
        truth[rng.random(truth.shape) < 0.1] = -1
        return truth, (np.round(score * levels) / levels).astype(np.float32)

    return make


@pytest.fixture
def make_split() -> Callable[..., Split]:
    """Noise; "up" adds a slow wave to the limb leads, "down" a fast one to V1-V6, "rare" is both at once."""

    def make(records: int = 96, seed: int = 0, uncertain: float = 0.0) -> Split:
        random = np.random.default_rng([seed, 1])
        labels = (random.random((records, 3)) < (0.5, 0.5, 0.0)).astype(np.int8)
        labels[:, 2] = labels[:, 0] & labels[:, 1]
        phase = random.uniform(0, 2 * np.pi, (2, records, 1, 1))
        slow, fast = 500 * np.sin(2 * np.pi * np.arange(TOY_SAMPLES) / np.array([[[[24]]], [[[8]]]]) + phase)
        signals = random.normal(0, 200, (records, 12, TOY_SAMPLES))
        signals[:, :6] += labels[:, 0, None, None] * slow
        signals[:, 6:] += labels[:, 1, None, None] * fast
        labels[random.random(labels.shape) < uncertain] = -1
        names = np.array([f"{seed}-{index}" for index in range(records)], dtype=object)
        meta = ShardMeta(TOY_CLASSES, Preprocessing(rate=100, samples=TOY_SAMPLES), 0.001, "mV", "toy")
        return Split(
            np.rint(signals).astype(np.int16),
            labels,
            names,
            np.full(records, "toy", dtype=object),
            names,
            meta,
        )

    return make
