"""The project on which places for stages are tried."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.studies import sweep  # isort: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a study of two cells, in which this process runs."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # what a study sets would outlive the test
    sweep.make_project(tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"
