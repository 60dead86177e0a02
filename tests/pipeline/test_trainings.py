"""The scripts that train: what they bring out of MLflow before, and what they keep until all is done."""

import json
import runpy
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.tracking import epochs, models, runs
from rarebeat.training import run as training
from rarebeat.training.distributed.world import ALONE
from rarebeat.training.settings import TrainSettings

PIPELINE = Path(__file__).resolve().parents[2] / "pipeline"


@pytest.mark.parametrize(
    ("stage", "outputs"), [("trial", ["0", "predictions", "result"]), ("one_head_each", ["0", "predictions"])]
)
def test_every_stage_that_trains_brings_the_model_out_of_mlflow(
    stage: str, outputs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FetchedError(Exception):
        pass

    def fetch(tracker: object, settings: TrainSettings) -> None:
        raise FetchedError(settings.init)

    monkeypatch.setattr(runs, "connect", lambda content: None)
    monkeypatch.setattr(models, "fetch_start", fetch)
    space = {"train.batch": {"choices": [8, 16]}}
    content = {"train": {"init": "models:/rarebeat/3", "batch": 8}, "model": {}, "search": {"space": space}}
    (tmp_path / "params.yaml").write_text(json.dumps(content))
    run = runpy.run_path(str(PIPELINE / f"{stage}.py"))[stage]
    with pytest.raises(FetchedError, match="models:/rarebeat/3"):
        run(
            tmp_path / "shards",
            *map(tmp_path.joinpath, outputs),
            curves=tmp_path,
            params=tmp_path / "params.yaml",
        )


def test_a_training_whose_model_cannot_be_logged_keeps_its_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start then goes on at the end of the training."""
    kept = tmp_path / "checkpoints"
    facts = {"train": {"seed": 0, "learning_rate": 0.001}}
    experiment = SimpleNamespace(
        not_learnt=(),
        source=None,
        heads="all",
        key="key",
        settings=None,
        cohorts=("toy",),
        model=SimpleNamespace(name="hughes34"),
        describe=lambda: facts,
    )

    def full(*arguments: object) -> None:
        raise RarebeatError("the disk is full")

    monkeypatch.setattr(runs, "training_run", lambda *arguments: nullcontext("id"))
    monkeypatch.setattr(epochs, "epoch_log", lambda *arguments: None)
    monkeypatch.setattr(
        training, "run_experiment", lambda *arguments: (kept / "key").mkdir(parents=True, exist_ok=True)
    )
    monkeypatch.setattr(models, "log_model", full)
    train = runpy.run_path(str(PIPELINE / "train.py"))["_train"]
    places = tmp_path / "trained", tmp_path / "curves.csv", kept, Path("params.yaml")
    with pytest.raises(RarebeatError, match="disk is full"):
        train(experiment, None, *places, ALONE)
    assert (kept / "key").is_dir()
    monkeypatch.setattr(models, "log_model", lambda *arguments: None)
    train(experiment, None, *places, ALONE)
    assert not (kept / "key").exists()
