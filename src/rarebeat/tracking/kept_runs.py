"""Runs that were kept in ``mlflow.db`` while their server did not answer: each is sent to it once.

A run goes into the run that it continues, where the server had begun one, and is a new one otherwise. Tags that name
other runs name them by their ids on the server. A process that was killed for good leaves its run open; nobody will end
it but whoever sends what is kept.
"""

import mlflow
from filelock import FileLock
from mlflow.entities import LoggedModelOutput, Param, Run, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from rarebeat.core.errors import RarebeatError
from rarebeat.core.project import project_root
from rarebeat.tracking.server import (
    CONTINUES,
    EVALUATED,
    MODEL,
    PROCESS,
    TRAINED_IN,
    UNSENT,
    Tracker,
    is_gone,
    local_uri,
    one_line,
)

_BATCH = 100  # params, tags, or hundreds of metrics that a server takes at once
_NAMES_RUNS = (MLFLOW_PARENT_RUN_ID, TRAINED_IN)
_KILLED = RunStatus.to_string(RunStatus.KILLED)
_RUNNING = RunStatus.to_string(RunStatus.RUNNING)


def send_kept(tracker: Tracker, end_killed: bool = False) -> int:
    """Send the runs that were kept here while the server did not answer.

    A run that is still open waits for the next time: another process writes to it, or a killed one is started again.

    Args:
        tracker: the server.
        end_killed: end the runs, as killed, whose process on this computer is gone, and send them, too.

    Returns:
        How many were sent.

    Raises:
        RarebeatError: when the server goes away again: what was not sent is still kept.
    """
    if tracker.uri == local_uri() or not (project_root() / "mlflow.db").is_file():
        return 0
    here = MlflowClient(local_uri())
    try:
        with FileLock(project_root() / "mlflow.db.send.lock"):
            experiments = [entry.experiment_id for entry in here.search_experiments()]
            kept, order = f"tags.`{UNSENT}` = '{tracker.uri}'", ["attributes.start_time ASC"]
            if end_killed:
                for run in here.search_runs(experiments, f"{kept} and attributes.status = '{_RUNNING}'"):
                    _end_killed(here, run)
            ended = f"{kept} and attributes.status != '{_RUNNING}'"
            runs = here.search_runs(experiments, ended, order_by=order)
            for run in runs:
                _send(here, run, tracker)
    except (MlflowException, OSError) as error:
        raise RarebeatError(f"cannot send what is kept here to {tracker.uri}: {one_line(error)}") from error
    return len(runs)


def _end_killed(here: MlflowClient, run: Run) -> None:
    """End a run whose process is gone, at the time of the last number that it logged."""
    if not is_gone(run.data.tags.get(PROCESS, "")):
        return
    run_id = str(run.info.run_id)
    times = [entry.timestamp for name in run.data.metrics for entry in here.get_metric_history(run_id, name)]
    here.set_terminated(run_id, _KILLED, max(times, default=run.info.start_time))


def _send(here: MlflowClient, run: Run, tracker: Tracker) -> None:
    """Send one run: params, metrics, tags, files, models and status."""
    run_id, client = str(run.info.run_id), tracker.client
    target = run.data.tags.get(CONTINUES) or _begun(run, tracker)
    tags = {
        name: _ids_there(here, value) if name in _NAMES_RUNS else value
        for name, value in run.data.tags.items()
        if name not in (UNSENT, CONTINUES, PROCESS)
    }
    if target is not None:  # its name and where it was trained stay
        tags = {name: value for name, value in tags.items() if name not in (MLFLOW_RUN_NAME, TRAINED_IN)}
    else:
        created = client.create_run(
            tracker.experiment_id, run.info.start_time, tags=tags, run_name=run.info.run_name
        )
        target = str(created.info.run_id)
    here.set_tag(run_id, CONTINUES, target)  # sent in part, it goes on in the same run the next time
    begun = client.get_run(target)
    params = [Param(name, value) for name, value in run.data.params.items() if name not in begun.data.params]
    for start in range(0, len(params), _BATCH):
        client.log_batch(target, params=params[start : start + _BATCH])
    client.log_batch(target, tags=[RunTag(name, value) for name, value in tags.items()])
    for name in run.data.metrics:
        history = here.get_metric_history(run_id, name)
        for start in range(0, len(history), 10 * _BATCH):
            client.log_batch(target, metrics=history[start : start + 10 * _BATCH])
    if here.list_artifacts(run_id):
        client.log_artifacts(target, here.download_artifacts(run_id, ""))
    for output in run.outputs.model_outputs if run.outputs else []:
        _send_model(here, output.model_id, target, tracker)
    if (
        run.info.status != _KILLED or begun.info.status == _RUNNING
    ):  # not where a later start has gone on and ended
        client.set_terminated(target, run.info.status, run.info.end_time)
    _tell_children(here, run, client, target)
    here.delete_tag(run_id, UNSENT)


def _tell_children(here: MlflowClient, parent: Run, client: MlflowClient, target: str) -> None:
    """Name the parent run by its id on the server to those of its children that were sent before it."""
    query = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{parent.info.run_id}'"
    for child in here.search_runs([parent.info.experiment_id], query):
        if there := child.data.tags.get(CONTINUES):
            client.set_tag(there, MLFLOW_PARENT_RUN_ID, target)


def _ids_there(here: MlflowClient, value: str) -> str:
    """The ids of runs, with commas between, on the server: of those that were sent, another than here."""

    def there(run_id: str) -> str:
        try:
            return str(here.get_run(run_id).data.tags.get(CONTINUES, run_id))
        except MlflowException:  # it is a run of the server
            return run_id

    return ",".join(map(there, value.split(",")))


def _begun(run: Run, tracker: Tracker) -> str | None:
    """The run of the server that trained the model which a run kept here has evaluated.

    One that the server knows as evaluated is taken for a child of a study, whose numbers are those of its evaluation.
    """
    model = run.data.tags.get(MODEL)
    runs = tracker.find(MODEL, model) if model else []
    ids = [str(one.info.run_id) for one in runs if EVALUATED not in one.data.tags]
    if not ids and {MLFLOW_PARENT_RUN_ID, TRAINED_IN} <= run.data.tags.keys():
        ids = [str(one.info.run_id) for one in runs]
    return next(iter(ids), None)


def _send_model(here: MlflowClient, model_id: str, run_id: str, tracker: Tracker) -> None:
    """Send a logged model, as a model of the run."""
    model = here.get_logged_model(model_id)
    sent = tracker.client.create_logged_model(
        tracker.experiment_id, model.name, run_id, model.tags, model.params
    )
    folder = mlflow.artifacts.download_artifacts(model.artifact_location)
    tracker.client.log_model_artifacts(sent.model_id, folder)
    tracker.client.finalize_logged_model(sent.model_id, "READY")
    tracker.client.log_outputs(run_id, [LoggedModelOutput(sent.model_id, 0)])
