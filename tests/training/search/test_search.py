"""A search proposes params, is told validation scores alone, and goes on where it was killed."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import write_json
from rarebeat.core.params import parse
from rarebeat.inference.predictions import Predictions
from rarebeat.training.search.results import TrialResult, best_trial, judge, read_results
from rarebeat.training.search.settings import SearchSettings, override_text, read_search, with_values
from rarebeat.training.search.trials import propose, tell

SETTINGS = parse(
    SearchSettings,
    {
        "space": {
            "train.learning_rate": {"low": 0.0001, "high": 0.1, "log": True},
            "train.batch": {"choices": [16, 32]},
            "model.hughes34.width": {"low": 2, "high": 8, "whole": True},
        },
        "random": 3,
    },
    "search",
)
PARAMS: dict[str, Any] = {
    "train": {"learning_rate": 0.003, "batch": 32},
    "model": {"name": "hughes34", "hughes34": {"width": 4}, "se_resnet": {"width": 8}},
}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints" / "search.journal"


def ask(journal: Path, cell: int, name: str = "one") -> dict[str, Any]:
    return dict(propose(journal, name, SETTINGS, PARAMS, cell, journal.parent / "results"))


def result(cell: int, values: dict[str, Any], auprc: float, sensitivity: float = 0.9) -> TrialResult:
    return TrialResult("one", cell, values, auprc, sensitivity, 3, sensitivity >= SETTINGS.least_sensitivity)


def test_the_first_trial_has_the_params_as_they_stand_and_the_next_others(journal: Path) -> None:
    assert ask(journal, 0) == {"train.learning_rate": 0.003, "train.batch": 32, "model.hughes34.width": 4}
    other = ask(journal, 1)
    assert other != ask(journal, 0)
    assert 0.0001 <= other["train.learning_rate"] <= 0.1
    assert other["model.hughes34.width"] in range(2, 9)
    assert with_values(PARAMS, other)["train"] == {
        "learning_rate": other["train.learning_rate"],
        "batch": other["train.batch"],
    }


def test_a_killed_trial_goes_on_with_what_it_tried(journal: Path) -> None:
    first, second = ask(journal, 0), ask(journal, 1)  # neither was told: both were killed
    assert (ask(journal, 1), ask(journal, 0)) == (second, first)
    tell(journal, SETTINGS, result(1, second, 0.5))
    assert ask(journal, 1) == second  # made again after its score was told, before its outputs were stored
    tell(journal, SETTINGS, result(1, second, 0.5))
    assert ask(journal, 2) not in (first, second)


def test_what_is_tried_is_one_of_the_choices_and_lies_in_the_range(journal: Path) -> None:
    """Also where these have more digits than are tried; else a journal could not be made again from the results."""
    space = {
        "train.l2": {"choices": [0.000123456]},
        "train.learning_rate": {"low": 0.1234501, "high": 0.1234502},
    }
    settings = parse(SearchSettings, {"space": space}, "search")
    content, results = {"train": {"l2": 0.0, "learning_rate": 0.1}}, journal.parent / "results"
    values = propose(journal, "one", settings, content, 0, results)
    assert values["train.l2"] == 0.000123456
    assert 0.1234501 <= float(values["train.learning_rate"]) <= 0.1234502
    write_json(results / "0.json", asdict(result(0, values, 0.5)))
    journal.unlink()
    assert propose(journal, "one", settings, content, 0, results) == values


def test_another_search_shares_nothing_but_the_file(journal: Path) -> None:
    tell(journal, SETTINGS, result(0, ask(journal, 0), 0.5))
    assert ask(journal, 0, "two") == ask(journal, 0)  # again the params as they stand
    assert ask(journal, 1, "two") == ask(journal, 1)  # and the same seed


def test_a_lost_journal_is_made_again_from_the_results(journal: Path, tmp_path: Path) -> None:
    for cell in range(4):
        found = result(cell, ask(journal, cell), 0.5 + cell / 10)
        tell(journal, SETTINGS, found)
        write_json(
            journal.parent / "results" / f"{cell}.json",
            {name: getattr(found, name) for name in TrialResult.__dataclass_fields__},
        )
    expected = ask(journal, 4)
    journal.unlink()
    assert ask(journal, 4) == expected
    assert ask(journal, 2) == read_results(journal.parent / "results")[2].values


def test_trials_that_reach_the_floor_are_searched_for(journal: Path) -> None:
    """AUPRC rises with the rate, and sensitivity is lost above 0.01: what is proposed learns both."""
    tried = []
    for cell in range(24):
        values = ask(journal, cell)
        rate = values["train.learning_rate"]
        sensitivity = 0.9 if rate <= 0.01 else 0.5
        tried.append(result(cell, values, 0.2 + 0.1 * np.log10(rate * 10_000), sensitivity))
        tell(journal, SETTINGS, tried[-1])
    late = [one for one in tried[12:] if one.feasible]
    assert len(late) > 6  # by chance a third of the rates are above
    best = best_trial(tried)
    assert best is not None
    assert best.feasible
    assert 0.004 < float(best.values["train.learning_rate"]) <= 0.01
    assert best.auprc < max(one.auprc for one in tried)  # better ones that are not feasible do not count


def test_without_a_feasible_trial_none_is_the_best() -> None:
    assert best_trial([result(0, {}, 0.9, 0.1)]) is None
    assert best_trial([]) is None


def predictions() -> Predictions:
    """Two classes; the second one has a single positive patient. Test records would change every number."""
    truth = np.array([[1, 1], [1, 1], [1, 0], [0, 0], [0, 0], [1, 0]], dtype=np.int8)
    probability = np.array(
        [[0.9, 0.5], [0.8, 0.5], [0.2, 0.5], [0.3, 0.5], [0.1, 0.5], [0.0, 0.5]], np.float32
    )
    names = np.array(list("abcdef"), dtype=object)
    return Predictions(
        record_ids=names,
        cohorts=names,
        patients=np.array(["p", "p", "q", "r", "s", "t"], dtype=object),
        splits=np.array(["validation"] * 5 + ["test"], dtype=object),
        classes=("one", "two"),
        thresholds=np.array([0.5, 0.5]),
        probability=probability,
        truth=truth,
    )


def test_a_trial_is_judged_by_validation_records_and_classes_of_enough_patients() -> None:
    found = judge(predictions(), "one", 3, {}, replace(SETTINGS, at_least=2, least_sensitivity=0.7))
    assert found.classes == 1
    assert found.sensitivity == pytest.approx(2 / 3)
    assert found.auprc == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert not found.feasible
    assert judge(predictions(), "one", 3, {}, replace(SETTINGS, at_least=2, least_sensitivity=0.6)).feasible
    with pytest.raises(RarebeatError, match="no class has 5 positive patients in the validation split"):
        judge(predictions(), "one", 3, {}, replace(SETTINGS, at_least=5))


def test_params_of_other_networks_are_no_part_of_the_space() -> None:
    space = {"train.l2": {"low": 0, "high": 1}, "model.se_resnet.width": {"choices": [8]}}
    content = PARAMS | {"search": {"space": space}}
    assert list(read_search(content).space) == ["train.l2"]
    other = content | {"model": PARAMS["model"] | {"name": "se_resnet"}}
    assert list(read_search(other).space) == list(space)
    with pytest.raises(ParamsError, match=r"search\.space names no param of train or of model\.hughes34"):
        read_search(PARAMS | {"search": {"space": {"model.se_resnet.width": {"choices": [8]}}}})


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"train.l2": {"low": 1, "high": 0}}, "low being the smaller one"),
        ({"train.l2": {"low": 0, "high": 1, "log": True}}, "begins above 0"),
        ({"train.batch": {"low": 0.5, "high": 8, "whole": True, "log": True}}, "begins and ends with one"),
        ({"train.l2": {"low": 0, "choices": [1]}}, "low and high, low being the smaller one, or choices"),
        ({"prepare.balance.target": {"choices": [100]}}, "may vary params of train and model, not prepare"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(space: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        parse(SearchSettings, {"space": space}, "search")


@pytest.mark.parametrize("value", [0.0003, 1e-6, 0.1234, 16, "cosine", True])
def test_what_stands_on_a_command_line_is_what_was_tried(value: Any) -> None:
    content = {"train": {"x": None}}
    assert with_values(content, {"train.x": value}) == {"train": {"x": value}}
    assert "e" not in override_text("a.b", value).partition("=")[2].replace("cosine", "").replace("true", "")
