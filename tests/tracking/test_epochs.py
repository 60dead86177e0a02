"""The epochs of a training in MLflow: the numbers of a run are in the end those of the model that it holds."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.entities import Metric
from tests.tracking.away import on_server

from rarebeat.tracking import models, runs
from rarebeat.tracking.epochs import epoch_log
from rarebeat.tracking.kept_runs import send_kept
from rarebeat.tracking.server import MODEL, Tracker
from rarebeat.training.loop import EpochReport
from rarebeat.training.settings import Pretrain, TrainSettings

BEST = TrainSettings(epochs=3, keep="best")


def reports(aurocs: Sequence[float]) -> list[EpochReport]:
    """Epochs whose validation loss falls as their AUROC rises."""
    return [EpochReport(n, 3.0 - n, 1 - auroc, auroc, 1.0, 9.0, 0.1) for n, auroc in enumerate(aurocs, 1)]


def log(tracker: Tracker, name: str, settings: TrainSettings, epochs: Iterable[EpochReport]) -> str:
    with runs.training_run(tracker, name, name, {}) as run_id:
        log_epoch = epoch_log(tracker, run_id, settings)
        for report in epochs:
            log_epoch(report)
        runs.log_tags(tracker, run_id, {MODEL: name})
    return run_id


def curve(tracker: Tracker, run_id: str, metric: str = "validation/auroc") -> list[tuple[int, float]]:
    history: list[Metric] = tracker.client.get_metric_history(run_id, metric)
    return sorted((entry.step, entry.value) for entry in history)


def test_the_best_run_is_compared_by_the_epoch_that_it_keeps(project: Path) -> None:
    tracker = runs.connect({})
    found = {
        name: log(tracker, name, BEST, reports(aurocs))
        for name, aurocs in {"overfits": [0.90, 0.95, 0.70], "rises": [0.80, 0.85, 0.90]}.items()
    }
    assert models._best(tracker, "validation/auroc", lowest=False).info.run_id == found["overfits"]
    assert models._best(tracker, "validation/loss", lowest=True).info.run_id == found["overfits"]
    assert curve(tracker, found["overfits"]) == [(1, 0.90), (2, 0.95), (3, 0.70), (4, 0.95)]
    assert curve(tracker, found["rises"]) == [(1, 0.80), (2, 0.85), (3, 0.90)]
    assert curve(tracker, found["overfits"], "train/loss") == [(1, 2.0), (2, 1.0), (3, 0.0)]


def test_no_epoch_is_logged_twice_where_the_last_one_is_kept(project: Path) -> None:
    tracker = runs.connect({})
    run_id = log(tracker, "last", replace(BEST, keep="last"), reports([0.90, 0.95, 0.70]))
    assert curve(tracker, run_id) == [(1, 0.90), (2, 0.95), (3, 0.70)]


def test_epochs_before_the_last_stage_are_not_kept(project: Path) -> None:
    tracker = runs.connect({})
    settings = replace(BEST, epochs=2, pretrain=Pretrain(epochs=1))
    run_id = log(tracker, "staged", settings, reports([0.99, 0.85, 0.80]))
    assert curve(tracker, run_id)[-1] == (4, 0.85)


@pytest.mark.parametrize("killed_after", [2, 3])
def test_a_training_that_goes_on_logs_its_kept_epoch_once(project: Path, killed_after: int) -> None:
    tracker, epochs = runs.connect({}), reports([0.90, 0.95, 0.70])

    def until_killed() -> Iterable[EpochReport]:
        yield from epochs[:killed_after]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        log(tracker, "a name", BEST, until_killed())
    run_id = log(tracker, "a name", BEST, epochs)
    assert len(tracker.find(runs.TRAINING_KEY, "a name")) == 1
    assert curve(tracker, run_id) == [(1, 0.90), (2, 0.95), (3, 0.70), (4, 0.95)]
    assert curve(tracker, run_id, "train/loss") == [(1, 2.0), (2, 1.0), (3, 0.0)]


def test_a_training_whose_server_goes_away_tells_its_kept_epoch_later(project: Path) -> None:
    tracker, client = on_server(project)

    def until_it_is_gone() -> Iterable[EpochReport]:
        for report in reports([0.95, 0.90, 0.70]):
            client.down = report.epoch > 1
            yield report

    log(tracker, "a name", BEST, until_it_is_gone())
    tracker, _ = on_server(project)
    assert send_kept(tracker) == 1
    (run,) = tracker.find(runs.TRAINING_KEY, "a name")
    assert curve(tracker, run.info.run_id) == [(1, 0.95), (2, 0.90), (3, 0.70), (4, 0.95)]
    assert run.data.metrics["validation/auroc"] == 0.95
