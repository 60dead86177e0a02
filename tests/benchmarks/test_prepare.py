"""The benchmark of prepare says how time and memory grow with the number of records."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "prepare.py"


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [False, True])
def test_every_number_of_records_is_prepared_in_a_process_of_its_own(as_json: bool) -> None:
    command = [sys.executable, str(SCRIPT), "--records", "20", "60", *(["--json"] if as_json else [])]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    if not as_json:
        assert "Exponent of time" in done.stdout
        assert "computed for 1,000,000 records" in done.stdout
        return
    found = json.loads(done.stdout)
    assert [run["records"] for run in found["runs"]] == [20, 60]
    for run in found["runs"]:
        assert run["seconds"] > 0
        assert run["megabytes"] >= run["before"] > 10
    assert {"seconds_exponent", "megabytes_exponent"} < set(found)
