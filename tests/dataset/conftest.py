"""Two labelled cohorts to prepare."""

from pathlib import Path

import pytest
from tests.dataset.workspace import Workspace, make_records, make_states, recording

from rarebeat.core.records import Record


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Cohort "a": 90 records, labelled by codes. Cohort "b": 60, by text, of which 9 copy records of "a"."""
    space = Workspace(tmp_path)
    first, second = make_records(90), make_records(60, seed=1)
    second[:9] = [
        Record(f"copy-{index}", recording(index), 200, "toy", patient_id=None, sex="female")
        for index in range(9)
    ]
    space.add("a", first, make_states(90))
    space.add("b", second, make_states(60, seed=1), origin="text")
    return space
