"""Real recordings, where they are present: in $RAREBEAT_REAL_ECG, or in `../shared/ecg` beside the project."""

import os
from pathlib import Path

import pytest

DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "ecg"


@pytest.fixture(scope="session")
def real_ecg() -> Path:
    """The folder of real recordings (ptb-xl, challenge, ludb, ptb-xl-filtered)."""
    folder = Path(os.environ.get("RAREBEAT_REAL_ECG", DEFAULT))
    if not folder.is_dir():
        pytest.skip(
            f"no real recordings in {folder}: set RAREBEAT_REAL_ECG to their folder to run these tests"
        )
    return folder
