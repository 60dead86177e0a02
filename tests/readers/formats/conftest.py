"""An ECG to be written in every format."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.format_files import ENDINGS, WRITERS, Planted, Steps

from rarebeat.simulator.archives.export import export
from rarebeat.simulator.settings import SimulatorSettings


@pytest.fixture(scope="session")
def signal() -> Steps:
    """Five seconds of a simulated ECG: int16 microvolts, shape (12, 2500)."""
    return export(0, SimulatorSettings(seconds=5.0)).signal


@pytest.fixture
def file_of(signal: Steps, tmp_path: Path) -> Callable[..., Path]:
    """Write a file of a kind, its bytes changed as (old, new) pairs say; each old must be there."""

    def make(kind: str, *changes: tuple[bytes, bytes]) -> Path:
        content = WRITERS[kind](signal, Planted())
        for old, new in changes:
            assert old in content, old
            content = content.replace(old, new)
        path = tmp_path / f"one{ENDINGS[kind]}"
        path.write_bytes(content)
        return path

    return make
