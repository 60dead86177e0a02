"""Scales: files of params that `xargs dvc exp run` and `make study SCALE=...` take."""

import shlex
import subprocess
from pathlib import Path

import pytest

from rarebeat.cli.params import check_params
from rarebeat.core.params import read_params

ROOT = Path(__file__).parents[1]
SCALES = sorted((ROOT / "scales").glob("*.txt"))


@pytest.mark.parametrize("path", SCALES, ids=[path.stem for path in SCALES])
def test_every_param_of_a_scale_exists_and_can_be_used(path: Path) -> None:
    words = shlex.split(path.read_text(encoding="utf-8"))
    assert set(words[::2]) == {"-S"}
    usual = read_params(ROOT / "params.yaml")
    content = read_params(ROOT / "params.yaml", words[1::2])
    check_params(content)
    assert content != usual


def test_the_papers_scale_draws_from_more_records_than_the_paper_kept() -> None:
    words = shlex.split((ROOT / "scales" / "paper.txt").read_text(encoding="utf-8"))
    content = read_params(ROOT / "params.yaml", words[1::2])
    assert content["cohorts"]["simulated"]["options"]["records"] > 2 * 41_522
    assert content["prepare"]["balance"] == {**content["prepare"]["balance"], "enabled": True, "target": 4000}
    assert content["model"]["hughes34"]["width"] == 64
    train = content["train"]
    assert (train["epochs"], train["optimiser"], train["learning_rate"]) == (96, "adam", 0.001)


def test_a_study_at_a_scale_makes_its_shards_first() -> None:
    command = ["make", "--dry-run", "study", "STUDY=table1", "SCALE=paper"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.index("xargs dvc exp run prepare < scales/paper.txt") < said.index("pipeline/study.py")
