"""The benchmark of the simulated clinic prints a row for each number of records and of processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "simulator.py"


@pytest.mark.slow
def test_the_table_has_speed_and_memory_of_every_run() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *["--records", "8", "16", "--processes", "1", "--repeats", "1"]],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("|")][2:]
    assert [row[0].strip() for row in rows] == ["8", "16"]
    for row in rows:
        assert float(row[2]) > 0
        assert float(row[3]) == 1.0
        assert 50 < float(row[4]) < 2000
