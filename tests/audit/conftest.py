"""What tests of verdicts share."""

from pathlib import Path

import pytest
from tests.audit.judged_sample import SAMPLE_ROWS

from rarebeat.audit.precision import SampleItem, read_sample
from rarebeat.audit.sample import SAMPLE_COLUMNS
from rarebeat.core.files import write_csv


@pytest.fixture
def sample(tmp_path: Path) -> dict[str, SampleItem]:
    """The small sample, written and read back."""
    write_csv(tmp_path / "sample.csv", SAMPLE_COLUMNS, SAMPLE_ROWS)
    return read_sample(tmp_path / "sample.csv")
