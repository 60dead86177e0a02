"""The ablation from end to end, very small: what is done is not done again, and page and table hold every network."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from rarebeat.evaluation.compare import COLUMNS, ENSEMBLE
from rarebeat.metrics.thresholds import RULES

ROOT = Path(__file__).resolve().parents[2]
SMALL = "--records 80 --models hughes34 --epochs 1 --processes 1"


def ablation(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    script, out = str(ROOT / "benchmarks" / "ablation.py"), str(folder / "ablation.md")
    command = [sys.executable, script, "--work", str(folder / "work"), "--out", out, *SMALL.split(), *more]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


@pytest.mark.slow
def test_the_ablation_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = ablation(tmp_path, "--losses", "bce", "--seeds", "1")
    assert "simulated hughes34 bce 0: was there" not in first.stderr
    second = ablation(tmp_path, "--losses", "bce", "--seeds", "2")
    assert "simulated hughes34 bce 0: was there" in second.stderr
    assert "simulated hughes34 bce 1: was there" not in second.stderr

    page = (tmp_path / "ablation.md").read_text(encoding="utf-8")
    assert "## Simulated ECGs" in page
    assert "Real ECGs" not in page
    assert "(1 of them in an earlier run)" in " ".join(page.split())
    rows = pd.read_csv(tmp_path / "ablation.csv", dtype={"seed": str})
    assert tuple(rows.columns) == COLUMNS
    assert set(rows["seed"]) == {"0", "1", ENSEMBLE}
    assert len(rows) == 3 * len(RULES)
    assert not list((tmp_path / "work" / "checkpoints").iterdir())
