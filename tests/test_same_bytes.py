"""Records, labels and shards have the same bytes whatever the processor can do.

Other processors are emulated: OpenBLAS, NumPy and the C library each choose among several versions of their functions
by what the processor offers, and each can be told to do without some of it.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PIPELINE = """
import sys
from pathlib import Path

from rarebeat.core.signals import Preprocessing
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.labels.extract import label_cohort
from rarebeat.readers.ingest import ingest_cohort

out = Path(sys.argv[1])
options = {"records": 60, "seed": 5, "preset": "balanced"}
ingest_cohort("simulated", Path(), out / "records" / "clinic", "clinic", options, workers=1)
label_cohort(out / "records" / "clinic", out / "labels" / "clinic", "hughes24", signal_checks=True)
for name in ("none", "zscore"):
    signal = Preprocessing(rate=257, samples=2570, normalise=name, bandpass=(0.5, 40.0))
    settings = PrepareSettings(signal=signal if name == "zscore" else Preprocessing())
    prepare(out / "records", out / "labels", out / "shards" / name, ["clinic"], settings)
"""


def dispatched() -> str:
    """The instruction sets for which this NumPy has versions of its own, of those that this processor offers."""
    from numpy._core import _multiarray_umath as core

    return " ".join(name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name))


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run(folder: Path, **processor: str) -> dict[str, str]:
    """SHA-256 of every file that the pipeline writes on an emulated processor."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"} | processor
    command = [sys.executable, "-c", PIPELINE, str(folder)]
    subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)
    return files(folder)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return run(tmp_path_factory.mktemp("here"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kernels", "needs"), [("Haswell", "X86_V3"), ("SkylakeX", "X86_V4"), ("Zen", "X86_V3"), ("Nehalem", "")]
)
def test_kernels_of_blas_change_no_byte(
    kernels: str, needs: str, here: dict[str, str], tmp_path: Path
) -> None:
    if needs not in dispatched():
        pytest.skip(f"this processor cannot run the kernels for {kernels}")
    assert run(tmp_path, OPENBLAS_CORETYPE=kernels) == here


@pytest.mark.slow
def test_vector_instructions_change_no_byte(here: dict[str, str], tmp_path: Path) -> None:
    """Without AVX-512 and AVX2 in NumPy and OpenBLAS, and without fused multiply-add in the C library."""
    plain = run(
        tmp_path,
        OPENBLAS_CORETYPE="Prescott",
        NPY_DISABLE_CPU_FEATURES=dispatched(),
        GLIBC_TUNABLES="glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2",
    )
    assert plain == here


@pytest.mark.slow
def test_the_emulation_reaches_the_functions_that_are_avoided() -> None:
    """A sine of NumPy and a product of OpenBLAS do change, where this processor has more than the emulated one."""
    script = """
import json, hashlib
import numpy as np
values = np.random.default_rng(0).uniform(-9, 9, (400, 400))
made = [np.exp(values), np.sin(values.astype(np.float32)), values @ values]
print(json.dumps([hashlib.sha256(one.tobytes()).hexdigest() for one in made]))
"""
    plain = {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": dispatched()}
    if "X86_V4" not in dispatched():
        pytest.skip("this processor has no instructions to do without")
    found = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", script], check=True, env=os.environ | processor, capture_output=True
            ).stdout
        )
        for processor in ({}, plain)
    ]
    assert all(here != there for here, there in zip(*found, strict=True))
