"""A project that was copied or moved keeps the files of its runs where it is."""

import shutil
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from rarebeat.tracking import artifacts, runs
from rarebeat.tracking.server import Tracker


@pytest.fixture(scope="module")
def old_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run that has a file, under a folder with a blank in its name."""
    root = tmp_path_factory.mktemp("disk") / "my project"
    root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("DVC_ROOT", str(root))
        tracker = runs.connect({})
        _log(tracker, root, "old")
    return root


def _log(tracker: Tracker, root: Path, name: str) -> str:
    run = tracker.client.create_run(tracker.experiment_id, run_name=name)
    (root / f"{name}.txt").write_text(name)
    tracker.client.log_artifact(run.info.run_id, str(root / f"{name}.txt"))
    return str(run.info.run_id)


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.txt")}


@pytest.fixture
def copied(old_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "copy"
    shutil.copytree(old_project, root)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(root))
    return root


def test_a_copy_writes_nothing_into_the_project_that_it_was_copied_from(
    old_project: Path, copied: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = _files(old_project)
    tracker = runs.connect({})
    assert f"copied or moved from {old_project}" in caplog.text
    _log(tracker, copied, "new")
    assert _files(old_project) == before
    assert len(_files(copied / "mlartifacts")) == 2


def test_the_files_of_earlier_runs_are_found_where_they_have_gone(old_project: Path, copied: Path) -> None:
    tracker = runs.connect({})
    (run,) = tracker.client.search_runs([tracker.experiment_id])
    assert Path(mlflow.artifacts.download_artifacts(f"{run.info.artifact_uri}/old.txt")).read_text() == "old"
    assert run.info.artifact_uri.startswith((copied / "mlartifacts").as_uri())
    # The project that was copied still has its own.
    client = MlflowClient(f"sqlite:///{old_project / 'mlflow.db'}")
    (other,) = client.search_runs([tracker.experiment_id])
    assert other.info.artifact_uri.startswith((old_project / "mlartifacts").as_uri())


def test_a_run_whose_files_have_not_come_along_still_points_to_them(old_project: Path, copied: Path) -> None:
    shutil.rmtree(copied / "mlartifacts")
    tracker = runs.connect({})
    (run,) = tracker.client.search_runs([tracker.experiment_id])
    assert run.info.artifact_uri.startswith((old_project / "mlartifacts").as_uri())
    assert tracker.client.get_experiment(
        tracker.experiment_id
    ).artifact_location == artifacts.artifact_location(copied)


def test_a_project_that_stayed_says_nothing(
    old_project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    artifacts.follow_project(old_project, old_project / "mlflow.db")
    artifacts.follow_project(old_project, old_project / "none.db")
    (old_project / "damaged.db").write_text("no database")
    artifacts.follow_project(old_project, old_project / "damaged.db")
    assert "copied or moved" not in caplog.text
