"""Runs that were kept in ``mlflow.db`` while their server did not answer: each is sent to it once.

A run goes into the run that it continues, where the server had begun one, and is a new one otherwise, in the experiment
of the name that it has here. Tags that name other runs name them by their ids on the server. A process that was killed
for good leaves its run open; nobody will end it but whoever sends what is kept. What the server has already, since a
training went on there or a sending was broken off, is not sent twice.
"""

import sys
from collections import Counter
from collections.abc import Sequence

import mlflow
from filelock import FileLock
from mlflow.entities import LifecycleStage, LoggedModelOutput, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from rarebeat.core.errors import RarebeatError
from rarebeat.core.project import project_root
from rarebeat.tracking.experiments import experiment_id
from rarebeat.tracking.server import (
    CONTINUES,
    EVALUATED,
    KILLED,
    MODEL,
    PROCESS,
    RUNNING,
    TRAINED_IN,
    TRAINING_KEY,
    UNSENT,
    Tracker,
    end_killed,
    is_gone,
    local_uri,
    one_line,
)

_BATCH = 100  # params, tags, or hundreds of metrics that a server takes at once
_NAMES_RUNS = (MLFLOW_PARENT_RUN_ID, TRAINED_IN)


def send_kept(tracker: Tracker, killed_too: bool = False) -> int:
    """Send the runs that were kept here while the server did not answer.

    A run that is still open waits for the next time: another process writes to it, or a killed one is started again.

    Args:
        tracker: the server, whatever experiment is open there.
        killed_too: end the runs, as killed, whose process on this computer is gone, and send them, too.

    Returns:
        How many were sent.

    Raises:
        RarebeatError: when the server goes away again, or does not take a run: what was not sent is still kept.
    """
    if tracker.uri == local_uri() or not (project_root() / "mlflow.db").is_file():
        return 0
    here, uri = MlflowClient(local_uri()), tracker.uri
    try:
        with FileLock(project_root() / "mlflow.db.send.lock"):
            names = {entry.experiment_id: entry.name for entry in here.search_experiments()}
            experiments = list(names)
            kept, order = f"tags.`{UNSENT}` = '{uri}'", ["attributes.start_time ASC"]
            if killed_too:
                for run in here.search_runs(experiments, f"{kept} and attributes.status = '{RUNNING}'"):
                    end_killed(here, run)
            ended = f"{kept} and attributes.status != '{RUNNING}'"
            runs = here.search_runs(experiments, ended, order_by=order)
            failed = sum(
                not _is_sent(here, run, _in_experiment(tracker, names[run.info.experiment_id]))
                for run in runs
            )
    except (MlflowException, OSError) as error:
        raise RarebeatError(f"cannot send what is kept here to {uri}: {one_line(error)}") from error
    if failed:
        raise RarebeatError(f"{failed} of {len(runs)} runs that are kept here could not be sent to {uri}")
    return len(runs)


def kept_for() -> dict[str, int]:
    """Count the runs that are kept here, by the server that they are for."""
    if not (project_root() / "mlflow.db").is_file():
        return {}
    here = MlflowClient(local_uri())
    experiments = [entry.experiment_id for entry in here.search_experiments()]
    runs = here.search_runs(experiments, f"tags.`{UNSENT}` != ''")
    return dict(Counter(run.data.tags[UNSENT] for run in runs))


def _is_sent(here: MlflowClient, run: Run, tracker: Tracker) -> bool:
    """Send one run; where the server takes others but not this one, say so and let them be sent."""
    try:
        _send(here, run, tracker)
    except (MlflowException, OSError) as error:
        if tracker.unsent:
            raise
        tracker.client.get_experiment(tracker.experiment_id)  # raises where the server does not answer
        print(f"warning: cannot send the run {run.info.run_name}: {one_line(error)}", file=sys.stderr)
        return False
    return True


def _in_experiment(tracker: Tracker, name: str) -> Tracker:
    """The same server, with another of its experiments."""
    if name == tracker.experiment:
        return tracker
    return Tracker(name, tracker.uri, tracker.client, experiment_id(tracker.client, name, tracker.uri))


def _send(here: MlflowClient, run: Run, tracker: Tracker) -> None:
    """Send one run: params, metrics, tags, files, models and status."""
    run_id, client = str(run.info.run_id), tracker.client
    begun = _begun(run, tracker)
    if tracker.unsent:  # the server did not answer, and the database here did: nothing must be sent to that
        raise MlflowException(f"{tracker.unsent} does not answer")
    tags = {
        name: _ids_there(here, value) if name in _NAMES_RUNS else value
        for name, value in run.data.tags.items()
        if name not in (UNSENT, CONTINUES, PROCESS)
    }
    if begun is not None:  # its name and where it was trained stay
        tags = {name: value for name, value in tags.items() if name not in (MLFLOW_RUN_NAME, TRAINED_IN)}
    else:
        begun = client.create_run(
            tracker.experiment_id, run.info.start_time, tags=tags, run_name=run.info.run_name
        )
    target = str(begun.info.run_id)
    here.set_tag(run_id, CONTINUES, target)  # sent in part, it goes on in the same run the next time
    params = [Param(name, value) for name, value in run.data.params.items() if name not in begun.data.params]
    for start in range(0, len(params), _BATCH):
        client.log_batch(target, params=params[start : start + _BATCH])
    client.log_batch(target, tags=[RunTag(name, value) for name, value in tags.items()])
    for name in run.data.metrics:
        history = _missing_there(here.get_metric_history(run_id, name), begun, client)
        for start in range(0, len(history), 10 * _BATCH):
            client.log_batch(target, metrics=history[start : start + 10 * _BATCH])
    if here.list_artifacts(run_id):
        client.log_artifacts(target, here.download_artifacts(run_id, ""))
    for output in run.outputs.model_outputs if run.outputs else []:
        _send_model(here, output.model_id, begun, tracker)
    if (
        run.info.status != KILLED or begun.info.status == RUNNING
    ):  # not where a later start has gone on and ended
        client.set_terminated(target, run.info.status, run.info.end_time)
    if PROCESS in begun.data.tags:
        client.delete_tag(target, PROCESS)
    _tell_children(here, run, client, target)
    here.delete_tag(run_id, UNSENT)


def _missing_there(history: Sequence[Metric], begun: Run, client: MlflowClient) -> list[Metric]:
    """What a run of the server lacks of a metric: a training that went on there has logged some steps again."""
    if not history or history[0].key not in begun.data.metrics:
        return list(history)
    there = {entry.step for entry in client.get_metric_history(begun.info.run_id, history[0].key)}
    return [entry for entry in history if entry.step not in there]


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


def _begun(run: Run, tracker: Tracker) -> Run | None:
    """The run of the server that a run kept here goes into; None where the server has none.

    It is the one that it continues, unless the server has lost it. Otherwise it is the one that a killed start of the
    same training has left open, or the one that trained the model which was evaluated here. A run that the server knows
    as evaluated is taken for a child of a study, whose numbers are those of its evaluation.
    """
    if (target := run.data.tags.get(CONTINUES)) and (found := _active(target, tracker)):
        return found
    key, model = run.data.tags.get(TRAINING_KEY), run.data.tags.get(MODEL)
    for one in tracker.find(TRAINING_KEY, key) if key else []:
        if one.info.status in (RUNNING, KILLED) and is_gone(one.data.tags.get(PROCESS, "")):
            return one
    runs = tracker.find(MODEL, model) if model else []
    fitting = [one for one in runs if EVALUATED not in one.data.tags]
    if not fitting and {MLFLOW_PARENT_RUN_ID, TRAINED_IN} <= run.data.tags.keys():
        fitting = runs
    return next(iter(fitting), None)


def _active(run_id: str, tracker: Tracker) -> Run | None:
    """A run of the server; None where it was deleted, or the server has another database now."""
    try:
        run = tracker.client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return run if run.info.lifecycle_stage == LifecycleStage.ACTIVE else None


def _send_model(here: MlflowClient, model_id: str, begun: Run, tracker: Tracker) -> None:
    """Send a logged model, as a model of the run, unless the run has one of that name."""
    model, run_id, client = here.get_logged_model(model_id), str(begun.info.run_id), tracker.client
    there = begun.outputs.model_outputs if begun.outputs else []
    if model.name in {client.get_logged_model(output.model_id).name for output in there}:
        return
    sent = client.create_logged_model(tracker.experiment_id, model.name, run_id, model.tags, model.params)
    folder = mlflow.artifacts.download_artifacts(model.artifact_location)
    client.log_model_artifacts(sent.model_id, folder)
    client.finalize_logged_model(sent.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(sent.model_id, 0)])
