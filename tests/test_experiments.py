"""`make experiments` and docs/experiments.md keep the same few columns of `dvc exp show`, all of which there are."""

import re
import subprocess
from pathlib import Path

from rarebeat.core.params import read_params
from rarebeat.tracking.names import flatten

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
WIDTH = 145
"""Of the table, in letters: DVC leaves out columns that do not fit."""

METRICS = ["macro.f1", "macro.auprc"]
"""Of reports/metrics.json, see rarebeat.evaluation.evaluate."""


def line() -> str:
    (found,) = re.findall(r"^dvc exp show .*$", PAGE, re.M)
    return str(found)


def kept() -> str:
    return line().partition("--keep '")[2].removesuffix("'")


def test_the_page_says_what_make_runs() -> None:
    said = subprocess.run(
        ["make", "--dry-run", "--always-make", "experiments"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"COLUMNS={WIDTH} {line()}" in said


def test_it_keeps_few_columns_and_each_of_them_exists() -> None:
    params = list(flatten(read_params(ROOT / "params.yaml")))
    columns = [
        name for name in ["Experiment", "Created", "State", *params, *METRICS] if re.match(kept(), name)
    ]
    expected = ["Experiment", "heads", "model.name", "train.optimiser", "train.learning_rate", "train.seed"]
    expected += METRICS
    assert columns == expected
    widths = [27, 23, 13, 18, 22, 13, 11, 14]  # as DVC draws them
    assert len(widths) == len(columns)
    assert sum(widths) < WIDTH
