"""The page of a search: the best feasible trial first, and its params as a line that DVC takes."""

import re
from pathlib import Path

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.params import read_params
from rarebeat.reporting.studies.search_page import write_search
from rarebeat.training.search.results import TrialResult
from rarebeat.training.search.settings import SearchSettings, Value

ROOT = Path(__file__).resolve().parents[3]
VALUES: dict[str, Value] = {
    "train.learning_rate": 0.00042,
    "model.hughes34.width": 12,
    "train.schedule": "cosine",
}
TRIALS = [
    TrialResult("s", 0, VALUES | {"train.learning_rate": 0.003}, 0.6, 0.81, 9, True),
    TrialResult("s", 1, VALUES | {"train.learning_rate": 0.02}, 0.8, 0.5, 9, False),
    TrialResult("s", 2, VALUES, 0.7, 0.9, 9, True),
]


def test_the_best_feasible_trial_comes_first_and_can_be_run(tmp_path: Path) -> None:
    page = tmp_path / "search.md"
    write_search(page, TRIALS, "# Asked\n", SearchSettings())
    text = page.read_text()
    assert text.startswith("# Asked\n\n3 trials, each judged by the validation split alone")
    assert re.findall(r"^\| (\d) +\|", text, re.M) == ["2", "0", "1"]
    (line,) = re.findall(r"^dvc exp run (.*)$", text, re.M)
    overrides = line.removeprefix("-S ").split(" -S ")
    content = read_params(ROOT / "params.yaml", overrides)
    assert content["train"]["learning_rate"] == 0.00042
    assert content["model"]["hughes34"]["width"] == 12
    rows = page.with_suffix(".csv").read_text().splitlines()
    assert (
        rows[0] == "trial,train.learning_rate,model.hughes34.width,train.schedule,auprc,sensitivity,feasible"
    )
    assert rows[1] == "2,0.00042,12,cosine,0.7,0.9,1"


def test_where_no_trial_is_feasible_it_says_so(tmp_path: Path) -> None:
    write_search(tmp_path / "search.md", TRIALS[1:2], "# Asked", SearchSettings())
    text = (tmp_path / "search.md").read_text()
    assert "**No trial is feasible**" in text
    assert "dvc exp run" not in text


def test_trials_of_several_searches_have_no_page(tmp_path: Path) -> None:
    other = TrialResult("t", 3, VALUES, 0.7, 0.9, 9, True)
    with pytest.raises(RarebeatError, match="of several searches"):
        write_search(tmp_path / "search.md", [*TRIALS, other], "", SearchSettings())
    with pytest.raises(RarebeatError, match="has no trial"):
        write_search(tmp_path / "search.md", [], "", SearchSettings())
