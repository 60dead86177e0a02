"""Runs in MLflow: one for each training and its evaluation, and parents of those of a study.

A training and its evaluation share one run: they find it by a tag, so that no run id has to stand in a cached output
(it would change the hash of every model). :mod:`rarebeat.tracking.server` says where runs go.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.entities import Metric, Param, Run, RunStatus, RunTag
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from rarebeat.core.errors import RarebeatError
from rarebeat.core.params import TrackingSettings, parse
from rarebeat.core.project import git_commit
from rarebeat.tracking.kept_runs import send_kept
from rarebeat.tracking.names import flatten, grouped
from rarebeat.tracking.server import (
    EVALUATED,
    KILLED,
    MODEL,
    PROCESS,
    RUNNING,
    TRAINED_IN,
    TRAINING_KEY,
    UNSENT,
    Tracker,
    connect_to,
    end_killed,
    own_process,
)

NO_TAGS: Mapping[str, str] = {}

_PARAM_LENGTH = 6000  # the server's limit for one value


def connect(content: Mapping[str, Any]) -> Tracker:
    """Open the tracking server and the experiment, send what was kept here, and end the runs of killed processes.

    Args:
        content: the params, of which the group ``tracking`` is read.

    Returns:
        The connection.

    Raises:
        ParamsError: when a key of the group is wrong.
        RarebeatError: when a server answers that cannot be used, or the database here cannot.
    """
    tracker = connect_to(parse(TrackingSettings, content.get("tracking") or {}, "tracking").experiment)
    try:
        send_kept(tracker)
    except RarebeatError as error:  # it is still kept, and sent the next time
        print(f"warning: {error}", file=sys.stderr)
    tracker.do(lambda client, _: _end_left_open(client, tracker.experiment_id))
    return tracker


def _end_left_open(client: MlflowClient, experiment: str) -> None:
    """End the open runs whose process is gone; not those that are kept here for a server, which may yet go on."""
    query = f"attributes.status = '{RUNNING}' and tags.`{PROCESS}` != ''"
    for run in client.search_runs([experiment], query):
        if UNSENT not in run.data.tags:
            end_killed(client, run)


@contextmanager
def training_run(
    tracker: Tracker, key: str, name: str, params: Mapping[str, Any], labels: Mapping[str, str] = NO_TAGS
) -> Iterator[str]:
    """Open the run of a training.

    A training that was killed left its run open, or a later stage has ended the run as killed: the next start with the
    same ``key`` goes on in it. At the end of the block the run is finished, and an exception marks it as failed; the
    evaluation adds to a finished run.

    Args:
        tracker: the experiment.
        key: what identifies the training, see :func:`rarebeat.training.checkpoint.fingerprint`.
        name: of a new run.
        params: nested mappings; they are logged under dotted names.
        labels: tags by name, see :func:`rarebeat.tracking.names.run_tags`.

    Yields:
        The run id.
    """
    unfinished = [run for run in tracker.find(TRAINING_KEY, key) if run.info.status in (RUNNING, KILLED)]
    tags = _tags() | {TRAINING_KEY: key, PROCESS: own_process()} | dict(labels)
    run_id = str((unfinished[0] if unfinished else tracker.create(name, tags)).info.run_id)
    flat = [Param(name, str(value)[:_PARAM_LENGTH]) for name, value in flatten(params).items()]
    # A run that is taken up again keeps its params, which the key has shown to be the same, and gets today's tags.
    _log_batch(tracker, run_id, [] if unfinished else flat, tags | tracker.kept_tags())
    if unfinished and unfinished[0].info.status == KILLED:
        tracker.do(lambda client, run: client.update_run(run, RUNNING), run_id)
    try:
        yield run_id
    except KeyboardInterrupt:
        raise  # an interrupted run stays open, for the next start to go on in it
    except BaseException:
        with suppress(RarebeatError):  # the error that ended the training says more than that of the tracking
            _close(tracker, run_id, RunStatus.FAILED)
        raise
    _close(tracker, run_id, RunStatus.FINISHED)


def _close(tracker: Tracker, run_id: str, status: int) -> None:
    _end(tracker, run_id, status)
    tracker.do(lambda client, run: client.delete_tag(run, PROCESS), run_id)


def _log_batch(tracker: Tracker, run_id: str, params: list[Param], tags: Mapping[str, str]) -> None:
    entries = [RunTag(name, value) for name, value in tags.items()]
    tracker.do(lambda client, run: client.log_batch(run, params=params, tags=entries), run_id)


def _end(tracker: Tracker, run_id: str, status: int) -> None:
    tracker.do(lambda client, run: client.set_terminated(run, RunStatus.to_string(status)), run_id)


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


def log_tags(tracker: Tracker, run_id: str, tags: Mapping[str, str]) -> None:
    """Tag a run.

    Args:
        tracker: the experiment.
        run_id: of the run.
        tags: by name.
    """
    _log_batch(tracker, run_id, [], tags)


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
        part = batch[start : start + 1000]
        tracker.do(lambda client, run, part=part: client.log_batch(run, metrics=part), run_id)  # type: ignore[misc]


def steps_logged(tracker: Tracker, run_id: str, metric: str) -> int:
    """Find the last step at which a metric was logged.

    Args:
        tracker: the experiment.
        run_id: of the run.
        metric: its dotted name.

    Returns:
        The step; 0 where it was never logged.
    """
    history = tracker.do(lambda client, run: client.get_metric_history(run, metric), run_id)
    return max((entry.step for entry in history), default=0)


def step_log(tracker: Tracker, run_id: str, metric: str) -> Callable[[int, Mapping[str, Any]], None]:
    """Log numbers step by step, each step once: a training that goes on first reports what it did before.

    Args:
        tracker: the experiment.
        run_id: of the run.
        metric: dotted name of one that every step has.

    Returns:
        What takes a step and its numbers.
    """
    last = steps_logged(tracker, run_id, metric)

    def log(step: int, metrics: Mapping[str, Any]) -> None:
        if step > last:
            log_metrics(tracker, run_id, metrics, step)

    return log


def log_evaluation(
    tracker: Tracker,
    model: str,
    name: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, Any],
    files: list[Path],
    members: Sequence[str] = (),
    labels: Mapping[str, str] = NO_TAGS,
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
        labels: tags by name; a run that has one of them keeps its own.

    Returns:
        The run id. A model that came from the cache was evaluated before: its new evaluation gets a run of its own,
        which names the run of its training in the tag ``rarebeat.trained_in``. So does an ensemble, which names the
        runs of its members.
    """
    run = _unevaluated(tracker, model)
    if run is None:
        origins = [runs[0] for digest in members or [model] if (runs := tracker.find(MODEL, digest))]
        trained_in = ",".join(str(origin.info.run_id) for origin in origins) or "unknown"
        run = tracker.create(name, _tags() | {MODEL: model, TRAINED_IN: trained_in})
    run_id = str(run.info.run_id)
    known = run.data.params
    flat = {key: str(value)[:_PARAM_LENGTH] for key, value in flatten(params).items() if key not in known}
    new = {name: value for name, value in labels.items() if name not in run.data.tags}
    _log_batch(tracker, run_id, [Param(*item) for item in flat.items()], {EVALUATED: "true"} | new)
    log_metrics(tracker, run_id, grouped(metrics))
    for file in files:
        if file.is_dir():
            tracker.do(lambda client, run, file=file: client.log_artifacts(run, str(file), file.name), run_id)  # type: ignore[misc]
        else:
            tracker.do(lambda client, run, file=file: client.log_artifact(run, str(file)), run_id)  # type: ignore[misc]
    _end(tracker, run_id, RunStatus.FINISHED)
    return run_id


def _unevaluated(tracker: Tracker, model: str) -> Run | None:
    """The newest run that trained this model and holds no evaluation."""
    return next((run for run in tracker.find(MODEL, model) if EVALUATED not in run.data.tags), None)


def log_parent(
    tracker: Tracker,
    key: str,
    name: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, Any],
    files: list[Path],
    children: Mapping[str, Mapping[str, Any]],
    labels: Mapping[str, str] = NO_TAGS,
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
        labels: tags of the parent run by name.

    Returns:
        The id of the parent run.
    """
    for model, numbers in children.items():
        if _unevaluated(tracker, model):  # trained anew, not taken from the cache
            log_evaluation(tracker, model, name, {}, numbers, [])
    parent = log_evaluation(tracker, key, name, params, metrics, files, list(children), labels)
    for model, numbers in children.items():
        if tracker.unsent and (_unevaluated(tracker, model) or not tracker.find(MODEL, model)):
            log_evaluation(
                tracker, model, name, {}, numbers, []
            )  # where it is not here, the server has its run
        for run in tracker.find(MODEL, model)[:1]:
            run_id = str(run.info.run_id)
            log_tags(tracker, run_id, {MLFLOW_PARENT_RUN_ID: parent})
            if tracker.unsent:  # a run that is kept here from now on waits to be ended
                _end(tracker, run_id, RunStatus.FINISHED)
    return parent
