"""Runs in MLflow: one per training, found again by the evaluation, in a database at the root of the project."""

import shutil
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from rarebeat.core.errors import RarebeatError
from rarebeat.inference.handover.site import write_site_model
from rarebeat.inference.model_folder import card_digest, load_model, save_model
from rarebeat.inference.predict import predict_files
from rarebeat.readers.read_file import read_file
from rarebeat.tracking import models, runs
from rarebeat.tracking.server import PROCESS, own_process
from rarebeat.training.settings import TrainSettings


@pytest.fixture(autouse=True)
def experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The experiment of DVC that runs are named after."""
    monkeypatch.setenv("DVC_EXP_NAME", "brisk-heart")


def test_the_database_and_its_artifacts_lie_at_the_root_of_the_project(project: Path) -> None:
    (project / "mlflow.db").unlink()
    tracker = runs.connect({})
    assert (project / "mlflow.db").is_file()
    experiment = tracker.client.get_experiment(tracker.experiment_id)
    assert experiment.artifact_location == (project / "mlartifacts").as_uri()


def test_a_temporary_experiment_uses_the_database_of_its_owner(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(project / ".dvc" / "tmp" / "exps" / "abc"))
    runs.connect({})
    assert MlflowClient(f"sqlite:///{project / 'mlflow.db'}").get_experiment_by_name("rarebeat") is not None


def test_another_server_is_taken_from_the_environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "mlflow.db").rename(project / "other.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project / 'other.db'}")
    runs.connect({})
    assert not (project / "mlflow.db").exists()


def test_training_and_evaluation_share_one_run(project: Path, model_folder: Path, wfdb_record: Path) -> None:
    tracker = runs.connect({})
    params = {"heads": "all", "model": {"name": "hughes34", "width": 2}}
    with runs.training_run(tracker, "key1", "all", params) as run_id:
        runs.log_metrics(tracker, run_id, {"train/loss": 3.0, "validation/auroc": None}, step=1)
        runs.log_metrics(tracker, run_id, {"train/loss": 2.0}, step=2)
        models.log_model(tracker, run_id, model_folder)
    report = project / "metrics.json"
    report.write_text("{}")
    metrics = {"macro": {"f1": 0.5, "auroc": None}, "classes": {"avnrt": {"auprc": float("nan")}}}
    evaluated = {"heads": "all", "evaluate": {"replicates": 50}}
    model = card_digest(model_folder)
    assert runs.log_evaluation(tracker, model, "all", evaluated, metrics, [report]) == run_id

    run = tracker.client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {
        "heads": "all",
        "model.name": "hughes34",
        "model.width": "2",
        "evaluate.replicates": "50",
    }
    assert run.data.metrics == {"train/loss": 2.0, "test/macro.f1": 0.5}
    assert run.data.tags["dvc.experiment"] == "brisk-heart"
    assert [artifact.path for artifact in tracker.client.list_artifacts(run_id)] == ["metrics.json"]
    _check_served_model(tracker, run_id, model_folder, wfdb_record)

    again = runs.log_evaluation(tracker, model, "all", evaluated, metrics, [])
    assert again != run_id  # a model from the cache: the closed run keeps its own numbers
    assert tracker.client.get_run(again).data.tags["rarebeat.trained_in"] == run_id


def _check_served_model(tracker: runs.Tracker, run_id: str, model_folder: Path, record: Path) -> None:
    """The model of a run predicts what the model folder predicts, and says what it takes."""
    served = mlflow.pyfunc.load_model(f"runs:/{run_id}/model")
    ecg = read_file(record)
    person = {"age": -1.0 if ecg.age is None else ecg.age, "sex": ecg.sex or ""}
    table = served.predict(ecg.signal[None].astype(np.float32) / 1000, params={"rate": ecg.rate} | person)
    (answer,) = predict_files([record], model_folder)
    for name, entry in answer["classes"].items():
        assert table[name][0] == pytest.approx(entry["probability"], abs=1e-5)
    assert table[["error", "warning"]].iloc[0].tolist() == ["", ""]
    silent = served.predict(np.zeros((1, 12, 5000), np.float32), params={"sex": "M"})
    assert silent["error"][0].startswith("flat_lead")
    assert served.metadata.signature.inputs.inputs[0].shape == (-1, 12, -1)
    assert served.metadata.signature.outputs.input_names() == list(table.columns) == list(silent.columns)


def test_a_killed_training_goes_on_in_its_own_run(project: Path) -> None:
    tracker = runs.connect({})
    with (
        pytest.raises(KeyboardInterrupt),
        runs.training_run(tracker, "key1", "all", {"heads": "all"}) as first,
    ):
        runs.log_metrics(tracker, first, {"train/loss": 3.0}, step=1)
        raise KeyboardInterrupt
    with runs.training_run(tracker, "key1", "all", {"heads": "all"}) as second:
        assert second == first
        assert runs.steps_logged(tracker, second, "train/loss") == 1
    with runs.training_run(tracker, "key2", "all", {"heads": "all"}) as other:
        assert other != first


def test_a_training_whose_process_is_gone_is_ended_by_the_next_stage_and_can_go_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "from rarebeat.tracking.server import own_process; print(own_process())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found = {}
    for key, process in {"gone": done.stdout.strip(), "lives": own_process(), "far": "another 1 1"}.items():
        monkeypatch.setattr(runs, "own_process", lambda process=process: process)
        tracker = runs.connect({})
        training = runs.training_run(tracker, key, "a trial", {"heads": "all"})
        found[key] = training.__enter__()
        runs.log_metrics(tracker, found[key], {"train/loss": 3.0}, step=1)
        training.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)

    tracker = runs.connect({})
    assert {key: tracker.client.get_run(run).info.status for key, run in found.items()} == {
        "gone": "KILLED",
        "lives": "RUNNING",
        "far": "RUNNING",
    }
    with runs.training_run(tracker, "gone", "a trial", {"heads": "all"}) as again:
        assert again == found["gone"]
        assert tracker.client.get_run(again).info.status == "RUNNING"
    run = tracker.client.get_run(again)
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"train/loss": 3.0})
    assert PROCESS not in run.data.tags


def test_a_training_that_goes_on_and_reports_its_past_again_logs_it_once(project: Path) -> None:
    tracker = runs.connect({})
    for steps in ((1, 2), (1, 2, 3)):
        training = runs.training_run(tracker, "key1", "a trial", {})
        run_id = training.__enter__()
        log = runs.step_log(tracker, run_id, "train/loss")
        for step in steps:
            log(step, {"train/loss": 4.0 - step})
        training.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert len(tracker.find(runs.TRAINING_KEY, "key1")) == 1
    history = tracker.client.get_metric_history(run_id, "train/loss")
    assert [(entry.step, entry.value) for entry in history] == [(1, 3.0), (2, 2.0), (3, 1.0)]


def test_a_training_whose_evaluation_comes_from_the_cache_is_finished(project: Path) -> None:
    tracker = runs.connect({})
    with runs.training_run(tracker, "key1", "all", {}) as run_id:
        assert tracker.client.get_run(run_id).info.status == "RUNNING"
    assert tracker.client.get_run(run_id).info.status == "FINISHED"


def test_a_training_that_fails_is_marked_as_failed(project: Path) -> None:
    tracker = runs.connect({})
    with pytest.raises(ValueError, match="boom"), runs.training_run(tracker, "key1", "all", {}) as run_id:
        raise ValueError("boom")
    assert tracker.client.get_run(run_id).info.status == "FAILED"


def test_a_model_from_elsewhere_gets_a_run_of_their_own(project: Path) -> None:
    tracker = runs.connect({})
    run_id = runs.log_evaluation(tracker, "unknown-model", "all", {}, {"macro": {"f1": 0.5}}, [])
    run = tracker.client.get_run(run_id)
    assert run.data.metrics == {"test/macro.f1": 0.5}
    assert run.data.tags["rarebeat.trained_in"] == "unknown"


def test_an_ensemble_names_the_runs_of_its_members(project: Path) -> None:
    tracker = runs.connect({})
    members = [runs.log_evaluation(tracker, model, "fold", {}, {}, []) for model in ("m0", "m1")]
    models = ["m0", "m1", "m-that-nobody-logged"]
    run_id = runs.log_evaluation(tracker, "card", "ensemble", {}, {"macro": {"f1": 0.5}}, [], models)
    run = tracker.client.get_run(run_id)
    assert run.data.tags["rarebeat.trained_in"] == ",".join(members)
    assert run.info.status == "FINISHED"


def test_the_cells_of_a_study_are_the_children_of_one_run(project: Path, model_folder: Path) -> None:
    tracker = runs.connect({})
    with runs.training_run(tracker, "key", "all", {"heads": "all"}) as trained:
        tracker.client.set_tag(trained, runs.MODEL, "first")
    cached = runs.log_evaluation(tracker, "second", "all", {}, {"macro": {"f1": 0.4}}, [])
    table = project / "study.csv"
    table.write_text("model,score\n")
    cells = {"first": {"macro.auroc": 0.8, "macro.f1": None}, "second": {"macro.auroc": 0.7}}
    parent = runs.log_parent(tracker, "table", "study", {"cells": {"seed": [0, 1]}}, {}, [table], cells)

    children = tracker.client.search_runs([tracker.experiment_id], f"tags.`mlflow.parentRunId` = '{parent}'")
    assert {run.info.run_id for run in children} == {trained, cached}
    assert {run.info.status for run in children} == {"FINISHED"}
    assert tracker.client.get_run(trained).data.metrics == {"test/macro.auroc": 0.8}
    assert tracker.client.get_run(cached).data.metrics == {
        "test/macro.f1": 0.4
    }  # it was closed: its numbers stand
    run = tracker.client.get_run(parent)
    assert run.data.params == {"cells.seed": "[0, 1]"}
    assert [file.path for file in tracker.client.list_artifacts(parent)] == ["study.csv"]


def test_metrics_bear_the_time_of_their_logging_in_every_time_zone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        tracker = runs.connect({})
        with runs.training_run(tracker, "key", "a", {}) as run_id:
            before = time.time() * 1000
            runs.log_metrics(tracker, run_id, {"loss": 1.0})
            after = time.time() * 1000
    finally:
        monkeypatch.undo()
        time.tzset()
    [entry] = MlflowClient(f"sqlite:///{project / 'mlflow.db'}").get_metric_history(run_id, "loss")
    assert before - 1 <= entry.timestamp <= after


def test_a_training_starts_from_a_model_in_mlflow(project: Path, model_folder: Path) -> None:
    tracker = runs.connect({})
    with runs.training_run(tracker, "key1", "all", {}) as run_id:
        models.log_model(tracker, run_id, model_folder)
    uri = f"runs:/{run_id}/model"
    start = TrainSettings(init=uri).start
    assert start is not None
    assert start.is_relative_to(project / "models")
    places = set()
    for _ in range(2):  # it is fetched anew each time: an alias may name another model by then
        models.fetch_start(tracker, TrainSettings(init=uri))
        places.add(start.stat().st_ino)
    assert len(places) == 1, "a training beside this one may be reading it"
    assert card_digest(start) == card_digest(model_folder)
    (start / "model.yaml").write_text("that of another model")
    models.fetch_start(tracker, TrainSettings(init=uri))
    assert card_digest(start) == card_digest(model_folder)


def test_without_its_server_a_training_starts_from_what_was_fetched_before(
    project: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = runs.connect({})
    tracker.unsent = "http://away"
    # The database here would answer with a model of its own.
    monkeypatch.setattr(models, "fetch_model", lambda uri, folder: pytest.fail("not of the server"))
    settings = TrainSettings(init="models:/rarebeat/3")
    assert settings.start is not None
    with pytest.raises(RarebeatError, match="not fetched before: the MLflow server http://away does not"):
        models.fetch_start(tracker, settings)
    shutil.copytree(model_folder, settings.start)
    models.fetch_start(tracker, settings)
    assert "models:/rarebeat/3 is taken as it was when it was last fetched" in capsys.readouterr().err
    models.fetch_start(tracker, TrainSettings(init=str(model_folder)))
    assert not capsys.readouterr().err


def test_a_model_that_mlflow_does_not_have_is_one_clear_message(project: Path, tmp_path: Path) -> None:
    runs.connect({})
    with pytest.raises(
        RarebeatError, match=r"train\.init: cannot get the model models:/nobody/1 from MLflow"
    ):
        models.fetch_model("models:/nobody/1", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_the_model_in_mlflow_says_where_it_comes_from(
    project: Path, model_folder: Path, tmp_path: Path
) -> None:
    tracker = runs.connect({})
    module, card = load_model(model_folder)
    save_model(
        tmp_path / "adapted", module, replace(card, origin={"model": "models/first", "protocol": "zero_shot"})
    )
    with runs.training_run(tracker, "key1", "all", {}) as run_id:
        models.log_model(tracker, run_id, tmp_path / "adapted")
    found = mlflow.models.get_model_info(f"runs:/{run_id}/model").metadata
    assert found == {"cohorts": ["simulated"], "origin": {"model": "models/first", "protocol": "zero_shot"}}


def test_the_model_of_the_best_run_is_restored(project: Path, model_folder: Path, tmp_path: Path) -> None:
    write_site_model(model_folder, tmp_path / "other", {"sinus_rhythm": 0.7})
    tracker = runs.connect({})
    found = {}
    for name, folder, score in (("good", model_folder, 0.8), ("poor", tmp_path / "other", 0.6)):
        with runs.training_run(tracker, name, name, {}) as found[name]:
            models.log_model(tracker, found[name], folder)
        runs.log_evaluation(tracker, card_digest(folder), name, {}, {"macro": {"auprc": score}}, [])
    said = models.restore_model(tracker, tmp_path / "best", metric="macro.auprc")
    assert "good" in said
    assert "chosen by the test split: its score there is too high" in said
    assert card_digest(tmp_path / "best") == card_digest(model_folder)
    models.restore_model(
        tracker, tmp_path / "best", metric="macro.auprc", lowest=True
    )  # replaces the model that is there
    assert card_digest(tmp_path / "best") == card_digest(tmp_path / "other")
    assert "chosen" not in models.restore_model(tracker, tmp_path / "named", found["good"])
    assert card_digest(tmp_path / "named") == card_digest(model_folder)
    with pytest.raises(RarebeatError, match=r"with the metric test/macro\.kappa"):
        models.restore_model(tracker, tmp_path / "best", metric="macro.kappa")
    with pytest.raises(RarebeatError, match="has no run deadbeef"):
        models.restore_model(tracker, tmp_path / "best", "deadbeef")


def test_known_warnings_are_dropped_although_mlflow_sets_filters_of_its_own() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with models._without_warnings("type hints"), warnings.catch_warnings():
            warnings.simplefilter("once")  # as MLflow does
            warnings.warn("Add type hints to the method", stacklevel=1)
            warnings.warn("something is wrong", stacklevel=1)
    assert [str(entry.message) for entry in told] == ["something is wrong"]
