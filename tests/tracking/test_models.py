"""Bringing a model back from MLflow: what is asked for is found, or named as what there is not."""

from pathlib import Path

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.inference.model_folder import card_digest
from rarebeat.tracking import models, runs
from rarebeat.tracking.server import MODEL


@pytest.mark.parametrize("asked", ["a'b", "50%", "", "0f3c"])
def test_a_run_that_there_is_not_is_named(project: Path, tmp_path: Path, asked: str) -> None:
    tracker = runs.connect({})
    tracker.create("a name", {MODEL: "digest"})
    with pytest.raises(RarebeatError) as caught:
        models.restore_model(tracker, tmp_path / "best", asked)
    assert str(caught.value) == f"the experiment rarebeat has no run {asked}"


@pytest.mark.parametrize("asked", ["a`b", "a'b", 'validation/"auroc"', "validation/auc"])
def test_a_metric_that_there_is_not_is_named(project: Path, tmp_path: Path, asked: str) -> None:
    tracker = runs.connect({})
    tracker.create("a name", {MODEL: "digest"})
    with pytest.raises(RarebeatError) as caught:
        models.restore_model(tracker, tmp_path / "best", metric=asked)
    name = asked if "/" in asked else f"test/{asked}"
    assert str(caught.value) == f"the experiment rarebeat has no run of a model with the metric {name}"


def test_the_first_characters_of_a_run_are_enough(project: Path, model_folder: Path, tmp_path: Path) -> None:
    tracker = runs.connect({})
    with runs.training_run(tracker, "key", "a name", {}) as run_id:
        models.log_model(tracker, run_id, model_folder)
    said = models.restore_model(tracker, tmp_path / "best", run_id[:4])
    assert said == f"model of run a name ({run_id})"
    assert card_digest(tmp_path / "best") == card_digest(model_folder)


def test_runs_that_begin_alike_are_named(project: Path, tmp_path: Path) -> None:
    tracker = runs.connect({})
    found = [str(tracker.create("a name", {}).info.run_id) for _ in range(17)]  # two begin with one digit
    shared = next(run_id[0] for run_id in found if sum(one[0] == run_id[0] for one in found) > 1)
    alike = {run_id for run_id in found if run_id.startswith(shared)}
    with pytest.raises(RarebeatError, match=f"{len(alike)} runs .*begin with {shared}: ") as caught:
        models.restore_model(tracker, tmp_path / "best", shared)
    assert set(str(caught.value).rpartition(": ")[2].split(", ")) == alike
