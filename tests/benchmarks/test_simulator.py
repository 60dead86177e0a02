"""The benchmark of the simulated clinic prints a row for each of its steps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "simulator.py"


@pytest.mark.slow
def test_the_table_has_the_speed_of_every_step() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--records", "8", "--repeats", "1"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("|")][2:]
    assert [row[0].strip() for row in rows] == ["signal only", "signal and report", "stored as Parquet"]
    for row in rows:
        assert float(row[1].replace(",", "")) > 0
        assert float(row[2]) > 0
