"""Real recordings, where they are present: in $RAREBEAT_REAL_ECG, or in `../shared/ecg` beside the project."""

import os
from pathlib import Path

import pytest
from tests.real.cohorts import COHORTS, ingest

from rarebeat.labels.extract import label_cohort

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


@pytest.fixture(scope="session")
def real_records(real_ecg: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All real recordings, ingested: a cohort folder for each archive."""
    out = tmp_path_factory.mktemp("records")
    for name in COHORTS:
        ingest(name, real_ecg, out / name)
    return out


@pytest.fixture(scope="session")
def real_labels(real_records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labels (hughes24) of all real recordings: a label folder for each archive."""
    out = tmp_path_factory.mktemp("labels")
    for name in COHORTS:
        label_cohort(real_records / name, out / name, "hughes24", signal_checks=False)
    return out
