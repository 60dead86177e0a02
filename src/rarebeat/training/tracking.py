"""MLflow, and the only file that knows it.

Runs go to the server in ``MLFLOW_TRACKING_URI``, otherwise to ``mlflow.db`` at the root of the project, also from
queued and temporary DVC experiments. A training and its evaluation share one run: they find it by a tag, so that no
run id has to stand in a cached output (it would change the hash of every model).
"""

import logging
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from filelock import FileLock
from mlflow.entities import Metric, Param, Run, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from rarebeat.core.errors import RarebeatError
from rarebeat.core.project import git_commit, project_root

TRAINING_KEY = "rarebeat.training_key"
MODEL = "rarebeat.model"
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
logging.getLogger("mlflow").setLevel(logging.WARNING)

_PARAM_LENGTH = 6000  # the server's limit for one value


@dataclass(frozen=True)
class Tracker:
    """A connection to one experiment.

    Attributes:
        client: of the tracking server.
        experiment_id: of the experiment on that server.
    """

    client: MlflowClient
    experiment_id: str

    def find(self, tag: str, value: str, unfinished: bool = False) -> Run | None:
        """Find the newest run with a tag.

        Args:
            tag: its name.
            value: what it must be.
            unfinished: take only a run that never ended.

        Returns:
            The run, or None.
        """
        condition = f"tags.`{tag}` = '{value}'"
        if unfinished:
            condition += " and attributes.status = 'RUNNING'"
        runs = self.client.search_runs(
            [self.experiment_id], condition, max_results=1, order_by=["attributes.start_time DESC"]
        )
        return runs[0] if runs else None


def connect(experiment: str) -> Tracker:
    """Open the tracking server and the experiment, creating both where needed.

    Args:
        experiment: its name.

    Returns:
        The connection.

    Raises:
        RarebeatError: when the server cannot be reached.
    """
    root = project_root()
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    try:
        # Two experiments that create the same SQLite database at once would break it.
        with FileLock(root / "mlflow.db.lock"):
            client = MlflowClient(uri)
            return Tracker(client, _experiment(client, experiment, root, uri))
    except (MlflowException, OSError) as error:
        raise RarebeatError(f"cannot use the MLflow server {uri}: {error}") from error


def _experiment(client: MlflowClient, name: str, root: Path, uri: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        mlflow.set_experiment(experiment_id=found.experiment_id)
        return str(found.experiment_id)
    # Without it the artifacts of a local database would follow the working directory of whoever came first.
    location = (root / "mlartifacts").as_uri() if uri.startswith("sqlite:") else None
    created = client.create_experiment(name, artifact_location=location)
    mlflow.set_experiment(experiment_id=created)
    return str(created)


@contextmanager
def training_run(tracker: Tracker, key: str, name: str, params: Mapping[str, Any]) -> Iterator[str]:
    """Open the run of a training.

    A training that was killed left its run open: the next start with the same ``key`` goes on in it. The run stays
    open at the end of the block, for the evaluation to close; an exception marks it as failed.

    Args:
        tracker: the experiment.
        key: what identifies the training, see :func:`rarebeat.training.checkpoint.fingerprint`.
        name: of a new run.
        params: nested mappings; they are logged under dotted names.

    Yields:
        The run id.
    """
    unfinished = tracker.find(TRAINING_KEY, key, unfinished=True)
    tags = _tags() | {TRAINING_KEY: key}
    run = unfinished or tracker.client.create_run(tracker.experiment_id, run_name=name, tags=tags)
    run_id = str(run.info.run_id)
    flat = [Param(name, str(value)[:_PARAM_LENGTH]) for name, value in flatten(params).items()]
    # A run that is taken up again keeps its params, which the key has shown to be the same, and gets today's tags.
    tracker.client.log_batch(
        run_id, params=[] if unfinished else flat, tags=[RunTag(*tag) for tag in tags.items()]
    )
    try:
        yield run_id
    except KeyboardInterrupt:
        raise  # an interrupted run stays open, for the next start to go on in it
    except BaseException:
        tracker.client.set_terminated(run_id, RunStatus.to_string(RunStatus.FAILED))
        raise


def _tags() -> dict[str, str]:
    commit, modified = git_commit()
    tags = {
        "git.commit": commit or "none",
        "git.modified": str(modified).lower(),
        "dvc.experiment": os.environ.get("DVC_EXP_NAME", "workspace"),
        "dvc.stage": os.environ.get("DVC_STAGE", "none"),
        "mlflow.source.name": "rarebeat",
    }
    if commit:
        tags["mlflow.source.git.commit"] = commit
    return tags


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested mappings into one mapping with dotted names.

    Args:
        nested: values, or mappings of them, by name.
        prefix: stands before every name.

    Returns:
        The values by dotted name.

    Example:
        >>> flatten({"train": {"epochs": 3}, "heads": "all"})
        {'train.epochs': 3, 'heads': 'all'}
    """
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat


def log_metrics(tracker: Tracker, run_id: str, metrics: Mapping[str, Any], step: int = 0) -> None:
    """Log numbers.

    Args:
        tracker: the experiment.
        run_id: of the run.
        metrics: nested numbers, which get dotted names; None, infinity and not-a-number are left out.
        step: such as the epoch.
    """
    now = int(time.time() * 1000)
    numbers = {name: value for name, value in flatten(metrics).items() if isinstance(value, int | float)}
    batch = [Metric(name, float(value), now, step) for name, value in numbers.items() if np.isfinite(value)]
    for start in range(0, len(batch), 1000):  # the server takes a thousand at once
        tracker.client.log_batch(run_id, metrics=batch[start : start + 1000])


def steps_logged(tracker: Tracker, run_id: str, metric: str) -> int:
    """Find the last step at which a metric was logged.

    Args:
        tracker: the experiment.
        run_id: of the run.
        metric: its dotted name.

    Returns:
        The step; 0 where it was never logged.
    """
    return max((entry.step for entry in tracker.client.get_metric_history(run_id, metric)), default=0)


def log_model(tracker: Tracker, run_id: str, folder: Path) -> None:
    """Store a model folder in its run as a pyfunc model with a signature.

    ``mlflow.pyfunc.load_model(...)`` then takes float32 ECGs of shape (n, 12, samples) in millivolts, with the
    parameters ``rate`` in Hz, ``age`` in years and ``sex`` of the person, and ``calibrated`` (False for normalised
    amplitudes), and returns one probability per class, an
    ``error`` for each ECG that was refused, and a ``warning`` for each that is unlike those of the training.

    Args:
        tracker: the experiment.
        run_id: of the training.
        folder: the model folder.
    """
    from rarebeat.inference.model_folder import (
        card_digest,
        read_card,
    )  # it needs torch, which an evaluation does not

    card = read_card(folder)
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, 12, -1), name="ecg")]),
        outputs=Schema(
            [
                *(ColSpec("double", name) for name in card.classes),
                ColSpec("string", "error"),
                ColSpec("string", "warning"),
            ]
        ),
        params=ParamSchema(
            [
                ParamSpec("rate", "double", 500.0),
                ParamSpec("age", "double", -1.0),
                ParamSpec("sex", "string", ""),
                ParamSpec("calibrated", "boolean", True),
            ]
        ),
    )
    package = Path(__file__).parents[1]
    with mlflow.start_run(run_id=run_id), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(input example was not provided|type hints)")
        mlflow.pyfunc.log_model(
            name="model",
            python_model=str(package / "inference" / "served.py"),
            artifacts={"folder": str(folder)},
            code_paths=[str(package)],
            signature=signature,
            pip_requirements=_requirements(),
        )
    # Leaving the block above closes the run; the evaluation has still to come.
    tracker.client.update_run(run_id, status=RunStatus.to_string(RunStatus.RUNNING))
    tracker.client.log_batch(run_id, tags=[RunTag(MODEL, card_digest(folder))])


def _requirements() -> list[str]:
    """What the served model needs, at the versions it was trained with."""
    names = ["numpy", "pandas", "pyarrow", "pydantic", "pyyaml", "safetensors", "scipy"]
    return [f"{name}=={version(name)}" for name in names] + [f"torch=={version('torch').split('+')[0]}"]


def log_evaluation(
    tracker: Tracker,
    model: str,
    name: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, Any],
    files: list[Path],
    members: Sequence[str] = (),
) -> str:
    """Add params, final metrics, tables and plots to the run that trained this model, and close it.

    Args:
        tracker: the experiment.
        model: what identifies it, see :func:`rarebeat.inference.model_folder.card_digest`.
        name: of a new run.
        params: nested, as for :func:`training_run`.
        metrics: nested numbers.
        files: files and folders to store.
        members: what identifies the members, where an ensemble was evaluated.

    Returns:
        The run id. A model that came from the cache was evaluated before, in a run that is closed: its new evaluation
        gets a run of its own, which names that run in the tag ``rarebeat.trained_in``. So does an ensemble, which
        names the runs of its members.
    """
    run = tracker.find(MODEL, model, unfinished=True)
    if run is None:
        origins = [tracker.find(MODEL, digest) for digest in members or [model]]
        trained_in = ",".join(str(origin.info.run_id) for origin in origins if origin) or "unknown"
        tags = _tags() | {MODEL: model, "rarebeat.trained_in": trained_in}
        run = tracker.client.create_run(tracker.experiment_id, run_name=name, tags=tags)
    run_id = str(run.info.run_id)
    known = run.data.params
    flat = {key: str(value)[:_PARAM_LENGTH] for key, value in flatten(params).items() if key not in known}
    tracker.client.log_batch(run_id, params=[Param(*item) for item in flat.items()])
    log_metrics(tracker, run_id, metrics)
    for file in files:
        if file.is_dir():
            tracker.client.log_artifacts(run_id, str(file), file.name)
        else:
            tracker.client.log_artifact(run_id, str(file))
    tracker.client.set_terminated(run_id)
    return run_id


def log_parent(
    tracker: Tracker,
    key: str,
    name: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, Any],
    files: list[Path],
    children: Mapping[str, Mapping[str, Any]],
) -> str:
    """Log what was made of several models as the parent run of their runs.

    Args:
        tracker: the experiment.
        key: what identifies the result, such as the digest of its table.
        name: of the run.
        params: nested, as for :func:`training_run`.
        metrics: nested numbers.
        files: files and folders to store.
        children: what identifies each model, and its metrics; a run that is still open gets them, and is closed.

    Returns:
        The id of the parent run.
    """
    for model, numbers in children.items():
        if tracker.find(MODEL, model, unfinished=True):  # trained anew, not taken from the cache
            log_evaluation(tracker, model, name, {}, numbers, [])
    parent = log_evaluation(tracker, key, name, params, metrics, files, list(children))
    for model in children:
        if (run := tracker.find(MODEL, model)) is not None:
            tracker.client.log_batch(str(run.info.run_id), tags=[RunTag(MLFLOW_PARENT_RUN_ID, parent)])
    return parent
