"""What is logged while the tracking server is away: nothing is lost, and all is sent later, once."""

import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from tests.tracking.away import on_server

from rarebeat.cli.models import send_runs
from rarebeat.core.errors import RarebeatError
from rarebeat.inference.model_folder import card_digest
from rarebeat.tracking import models, runs, server
from rarebeat.tracking.kept_runs import send_kept


def test_a_server_that_goes_away_costs_nothing(
    project: Path, model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker, client = on_server(project)
    with runs.training_run(tracker, "key", "a name", {"heads": "all"}) as run_id:
        runs.log_metrics(tracker, run_id, {"train/loss": 3.0}, step=1)
        client.down = True
        for step in (2, 3):
            runs.log_metrics(tracker, run_id, {"train/loss": 3.0 - step}, step=step)
        models.log_model(tracker, run_id, model_folder)
    said = capsys.readouterr().err
    assert said.count("does not answer") == 1
    assert "with a nest" not in said

    # The evaluation finds no server either, and adds to what is kept.
    tracker, client = on_server(project)
    client.down = True
    table = project / "classes.csv"
    table.write_text("class\n")
    model = card_digest(model_folder)
    runs.log_evaluation(tracker, model, "a name", {"evaluate": 5}, {"macro": {"f1": 0.5}}, [table])

    tracker, client = on_server(project)
    assert send_kept(tracker) == 1
    assert send_kept(tracker) == 0
    (run,) = tracker.find(runs.TRAINING_KEY, "key")
    assert run.info.run_id == run_id
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "a name"
    assert run.data.params == {"heads": "all", "evaluate": "5"}
    assert run.data.metrics == {"train/loss": 0.0, "test/macro.f1": 0.5}
    history = tracker.client.get_metric_history(run_id, "train/loss")
    assert [(entry.step, entry.value) for entry in history] == [(1, 3.0), (2, 1.0), (3, 0.0)]
    assert [file.path for file in tracker.client.list_artifacts(run_id)] == ["classes.csv"]
    assert server.UNSENT not in run.data.tags
    mlflow.set_tracking_uri(tracker.uri)
    assert mlflow.pyfunc.load_model(f"runs:/{run_id}/model").metadata.signature is not None


def test_a_training_without_a_server_is_sent_and_its_later_evaluation_joins_it(project: Path) -> None:
    tracker, client = on_server(project)
    client.down = True
    with runs.training_run(tracker, "key", "a name", {"heads": "all"}) as kept:
        runs.log_metrics(tracker, kept, {"train/loss": 1.0}, step=1)
        runs._log_batch(tracker, kept, [], {server.MODEL: "m"})
    tracker, client = on_server(project)
    send_kept(tracker)
    run_id = runs.log_evaluation(tracker, "m", "a name", {}, {"macro": {"f1": 0.5}}, [])
    (run,) = tracker.find(server.MODEL, "m")
    assert run.info.run_id == run_id != kept
    assert run.data.metrics == {"train/loss": 1.0, "test/macro.f1": 0.5}


def test_an_evaluation_without_a_server_is_sent_into_the_run_of_its_training(project: Path) -> None:
    tracker, client = on_server(project)
    with runs.training_run(tracker, "key", "a name", {}) as run_id:
        runs._log_batch(tracker, run_id, [], {server.MODEL: "m"})
    client.down = True
    runs.log_evaluation(tracker, "m", "a name", {}, {"macro": {"f1": 0.5}}, [])
    tracker, client = on_server(project)
    assert send_kept(tracker) == 1
    (run,) = tracker.find(server.MODEL, "m")
    assert run.info.run_id == run_id
    assert run.data.metrics == {"test/macro.f1": 0.5}


@pytest.mark.parametrize("away_from", ["the parent", "its children", "the start"])
def test_a_study_that_ends_without_a_server_is_the_parent_of_its_runs_there(
    project: Path, monkeypatch: pytest.MonkeyPatch, away_from: str
) -> None:
    for number, away in enumerate([False, False, True]):  # the second is evaluated, the third kept here
        tracker, client = on_server(project)
        client.down = away
        with runs.training_run(tracker, f"key{number}", f"cell {number}", {"seed": number}) as run_id:
            runs._log_batch(tracker, run_id, [], {server.MODEL: f"m{number}"})
        if number == 1:
            runs.log_evaluation(tracker, "m1", "unused", {}, {"macro": {"f1": 0.1}}, [])

    tracker, client = on_server(project)
    client.down = away_from == "the start"
    create, link = client.client.create_run, client.client.log_batch

    def goes_away(*arguments: Any, **named: Any) -> Any:
        client.down = True
        return create(*arguments, **named)

    def goes_away_at_link(run_id: str, **named: Any) -> Any:
        if any(tag.key == MLFLOW_PARENT_RUN_ID for tag in named.get("tags", [])):
            client.down = True
            raise MlflowException("gone")
        return link(run_id, **named)

    if away_from == "the parent":
        monkeypatch.setattr(client.client, "create_run", goes_away)
    elif away_from == "its children":
        monkeypatch.setattr(client.client, "log_batch", goes_away_at_link)
    children = {f"m{number}": {"macro": {"f1": number / 10}} for number in range(3)}
    runs.log_parent(tracker, "table", "a study", {}, {}, [], children)
    monkeypatch.undo()
    monkeypatch.setenv("DVC_ROOT", str(project))

    tracker, _ = on_server(project)
    send_kept(tracker)
    found = {run.info.run_name: run for run in tracker.client.search_runs([tracker.experiment_id])}
    assert sorted(found) == ["a study", "cell 0", "cell 1", "cell 2"]
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    parent = found.pop("a study").info.run_id
    assert {run.data.tags.get(MLFLOW_PARENT_RUN_ID) for run in found.values()} == {parent}
    assert {name: run.data.metrics["test/macro.f1"] for name, run in found.items()} == {
        "cell 0": 0.0,
        "cell 1": 0.1,
        "cell 2": 0.2,
    }


def test_runs_of_several_experiments_are_sent_each_to_its_own(project: Path) -> None:
    uri = f"sqlite:///{project / 'server.db'}"
    for name in ("rarebeat", "hospital"):
        away = server.open_tracker(name, server.local_uri())
        away.unsent = uri
        runs.log_evaluation(away, f"m of {name}", "a name", {}, {"macro": {"f1": 0.5}}, [])
    tracker, _ = on_server(project)
    assert send_kept(tracker) == 2
    for name in ("rarebeat", "hospital"):
        there = server.open_tracker(name, uri)
        found = there.client.search_runs([there.experiment_id])
        assert [run.data.tags[server.MODEL] for run in found] == [f"m of {name}"]


def test_a_run_that_the_server_does_not_take_holds_no_other_up(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker, client = on_server(project)
    client.down = True
    for name in ("odd", "plain"):
        runs.log_evaluation(tracker, f"m of {name}", name, {}, {"macro": {"f1": 0.5}}, [])
    tracker, client = on_server(project)
    create = client.client.create_run

    def refuses(*arguments: Any, run_name: str, **named: Any) -> Any:
        if run_name == "odd":
            raise MlflowException("nothing odd")
        return create(*arguments, run_name=run_name, **named)

    client.client.create_run = refuses  # type: ignore[method-assign]
    with pytest.raises(RarebeatError, match="1 of 2 runs that are kept here could not be sent"):
        send_kept(tracker)
    assert "cannot send the run odd: nothing odd" in capsys.readouterr().err
    assert [run.info.run_name for run in tracker.client.search_runs([tracker.experiment_id])] == ["plain"]
    tracker, client = on_server(project)
    assert send_kept(tracker) == 1


def test_a_server_that_goes_away_while_runs_are_sent_gets_the_rest_the_next_time(project: Path) -> None:
    tracker, client = on_server(project)
    client.down = True
    for number in range(3):
        runs.log_evaluation(tracker, f"m{number}", "a name", {}, {"macro": {"f1": number}}, [])
    tracker, client = on_server(project)
    terminate = client.client.set_terminated

    def goes_away(*arguments: Any) -> None:
        terminate(*arguments)
        client.down = True

    client.client.set_terminated = goes_away  # type: ignore[method-assign]
    with pytest.raises(RarebeatError, match=r"cannot send what is kept here to sqlite:.*server\.db: "):
        send_kept(tracker)
    tracker, client = on_server(project)
    assert send_kept(tracker) == 2
    found = tracker.client.search_runs([tracker.experiment_id])
    assert sorted(run.data.metrics["test/macro.f1"] for run in found) == [0, 1, 2]


def test_clones_that_begin_at_once_on_a_new_server_share_its_experiment(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{project / 'server.db'}"
    first = server.open_tracker("rarebeat", uri)
    looked, look = [], MlflowClient.get_experiment_by_name

    def too_early(client: MlflowClient, name: str) -> Any:
        looked.append(name)
        return look(client, name) if len(looked) > 1 else None

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", too_early)
    assert server.open_tracker("rarebeat", uri).experiment_id == first.experiment_id
    assert looked == ["rarebeat", "rarebeat"]


def test_a_training_that_fails_without_a_server_is_told_with_its_own_error(project: Path) -> None:
    tracker, client = on_server(project)
    with pytest.raises(ValueError, match="boom"), runs.training_run(tracker, "key", "a", {}):
        client.down = True
        raise ValueError("boom")
    tracker, client = on_server(project)
    send_kept(tracker)
    assert [run.info.status for run in tracker.find(runs.TRAINING_KEY, "key")] == ["FAILED"]


@pytest.mark.parametrize("lost", ["it was deleted", "the server has a new database"])
def test_what_continues_a_run_that_the_server_has_lost_becomes_a_run_of_its_own(
    project: Path, empty_database: Path, lost: str
) -> None:
    tracker, client = on_server(project)
    with runs.training_run(tracker, "key", "a name", {"heads": "all"}) as run_id:
        client.down = True
        runs.log_metrics(tracker, run_id, {"train/loss": 2.0}, step=1)
    if lost == "it was deleted":
        tracker, client = on_server(project)
        tracker.client.delete_run(run_id)
    else:
        shutil.copy(empty_database, project / "server.db")
    tracker, client = on_server(project)
    assert send_kept(tracker) == 1
    (run,) = tracker.find(runs.TRAINING_KEY, "key")
    assert (run.info.status, run.info.run_name, run.data.metrics) == (
        "FINISHED",
        "a name",
        {"train/loss": 2.0},
    )


def test_a_model_is_sent_once_also_where_its_run_is_sent_in_two_parts(
    project: Path, model_folder: Path
) -> None:
    tracker, client = on_server(project)
    client.down = True
    with runs.training_run(tracker, "key", "a name", {}) as kept:
        models.log_model(tracker, kept, model_folder)
    tracker, client = on_server(project)
    outputs = client.client.log_outputs

    def goes_away(*arguments: Any) -> None:
        outputs(*arguments)
        client.down = True

    client.client.log_outputs = goes_away  # type: ignore[method-assign]
    with pytest.raises(RarebeatError, match="cannot send what is kept here"):
        send_kept(tracker)
    tracker, client = on_server(project)
    assert send_kept(tracker) == 1
    (run,) = tracker.find(runs.TRAINING_KEY, "key")
    assert len(run.outputs.model_outputs) == 1


@pytest.mark.parametrize("asked", [None, "another server"])
def test_runs_that_wait_for_another_server_are_told(
    project: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, asked: str | None
) -> None:
    (project / "params.yaml").write_text("tracking: {}")
    for uri in ("http://first:5000", "http://second:5000"):
        tracker = runs.connect({})
        tracker.unsent = uri
        with runs.training_run(tracker, uri, "a name", {}):
            pass
    if asked:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project / 'server.db'}")
    expected = (
        "nothing was sent .*: 1 run is kept for http://first:5000, 1 run is kept for http://second:5000"
    )
    with pytest.raises(RarebeatError, match=expected):
        send_runs(project / "params.yaml")


def test_where_no_run_is_kept_none_is_sent(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "params.yaml").write_text("tracking: {}")
    send_runs(project / "params.yaml")
    assert capsys.readouterr().out == f"0 runs sent to {server.local_uri()}\n"


def test_runs_of_another_server_are_told_beside_those_that_were_sent(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "params.yaml").write_text("tracking: {}")
    mine = f"sqlite:///{project / 'server.db'}"
    for uri in (mine, "http://second:5000"):
        tracker = runs.connect({})
        tracker.unsent = uri
        with runs.training_run(tracker, uri, "a name", {}):
            pass
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mine)
    send_runs(project / "params.yaml")
    told = capsys.readouterr()
    assert told.out == f"1 runs sent to {mine}\n"
    assert "1 run is kept for http://second:5000" in told.err
