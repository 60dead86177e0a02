"""Runs in MLflow: one for each training and its evaluation, and parents of those of a study.

A training and its evaluation share one run: they find it by a tag, so that no run id has to stand in a cached output
(it would change the hash of every model). :mod:`rarebeat.training.server` says where runs go.
"""

import os
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.entities import Metric, Param, Run, RunStatus, RunTag
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.core.params import TrackingSettings, parse
from rarebeat.core.project import git_commit
from rarebeat.training.kept_runs import send_kept
from rarebeat.training.run_names import flatten, grouped
from rarebeat.training.run_names import run_name as run_name  # for whoever logs
from rarebeat.training.run_names import run_tags as run_tags
from rarebeat.training.server import EVALUATED, MODEL, TRAINED_IN, Tracker, connect_to

TRAINING_KEY = "rarebeat.training_key"

NO_TAGS: Mapping[str, str] = {}

_PARAM_LENGTH = 6000  # the server's limit for one value


def connect(content: Mapping[str, Any]) -> Tracker:
    """Open the tracking server and the experiment, and send what was kept here while the server did not answer.

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
    return tracker


@contextmanager
def training_run(
    tracker: Tracker, key: str, name: str, params: Mapping[str, Any], labels: Mapping[str, str] = NO_TAGS
) -> Iterator[str]:
    """Open the run of a training.

    A training that was killed left its run open: the next start with the same ``key`` goes on in it. At the end of the
    block the run is finished, and an exception marks it as failed; the evaluation adds to a finished run.

    Args:
        tracker: the experiment.
        key: what identifies the training, see :func:`rarebeat.training.checkpoint.fingerprint`.
        name: of a new run.
        params: nested mappings; they are logged under dotted names.
        labels: tags by name, see :func:`rarebeat.training.run_names.run_tags`.

    Yields:
        The run id.
    """
    unfinished = tracker.find(TRAINING_KEY, key, " and attributes.status = 'RUNNING'")
    tags = _tags() | {TRAINING_KEY: key} | dict(labels)
    run_id = str((unfinished[0] if unfinished else tracker.create(name, tags)).info.run_id)
    flat = [Param(name, str(value)[:_PARAM_LENGTH]) for name, value in flatten(params).items()]
    # A run that is taken up again keeps its params, which the key has shown to be the same, and gets today's tags.
    _log_batch(tracker, run_id, [] if unfinished else flat, tags | tracker.kept_tags())
    try:
        yield run_id
    except KeyboardInterrupt:
        raise  # an interrupted run stays open, for the next start to go on in it
    except BaseException:
        with suppress(RarebeatError):  # the error that ended the training says more than that of the tracking
            _end(tracker, run_id, RunStatus.FAILED)
        raise
    _end(tracker, run_id, RunStatus.FINISHED)


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


def log_model(tracker: Tracker, run_id: str, folder: Path) -> None:
    """Store a model folder in its run as a pyfunc model with a signature.

    ``mlflow.pyfunc.load_model(...)`` then takes float32 ECGs of shape (n, 12, samples) in millivolts, with the
    parameters ``rate`` in Hz, ``age`` in years and ``sex`` of the person, and ``calibrated`` (False for normalised
    amplitudes), ``rates``, ``ages`` and ``sexes`` (one for each ECG) and ``calls`` (thresholds and decisions, too), and
    returns one probability per class, an
    ``error`` for each ECG that was refused, and a ``warning`` for each that is unlike those of the training.

    Args:
        tracker: the experiment.
        run_id: of the training.
        folder: the model folder.
    """
    from rarebeat.inference.model_folder import (  # they need torch; an evaluation does not
        card_digest,
        read_card,
    )

    card = read_card(folder)
    texts = [ColSpec("string", name) for name in ("error", "warning")]
    told = (
        ("rate", "double", 500.0),
        ("age", "double", -1.0),
        ("sex", "string", ""),
        ("calibrated", "boolean", True),
        ("calls", "boolean", False),
    )
    each = (
        ("rates", "double"),
        ("ages", "double"),
        ("sexes", "string"),
    )  # lists, empty where one holds for all
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, 12, -1), name="ecg")]),
        outputs=Schema([*(ColSpec("double", name) for name in card.classes), *texts]),
        params=ParamSchema(
            [*(ParamSpec(*one) for one in told), *(ParamSpec(*one, [], (-1,)) for one in each)]
        ),
    )
    package = Path(__file__).parents[1]

    def log(_: MlflowClient, run: str) -> None:
        with mlflow.start_run(run_id=run), _without_warnings("input example was not provided|type hints"):
            mlflow.pyfunc.log_model(
                name="model",
                python_model=str(package / "inference" / "served.py"),
                artifacts={"folder": str(folder)},
                code_paths=[str(package)],
                signature=signature,
                pip_requirements=_requirements(),
                # MLflow shows it beside the model, and get_model_info(...).metadata reads it.
                metadata={"cohorts": list(card.cohorts), "origin": card.origin} if card.origin else None,
            )

    tracker.do(log, run_id)
    _log_batch(tracker, run_id, [], {MODEL: card_digest(folder)})


@contextmanager
def _without_warnings(known: str) -> Iterator[None]:
    """Drop the warnings that match a pattern. A filter would not: MLflow sets filters of its own meanwhile."""
    with warnings.catch_warnings(record=True) as caught:
        yield
    for entry in caught:
        if not re.search(known, str(entry.message)):
            warnings.warn_explicit(entry.message, entry.category, entry.filename, entry.lineno)


def fetch_model(uri: str, folder: Path) -> None:
    """Get a model folder out of MLflow.

    Args:
        uri: of a model that :func:`log_model` stored, such as ``models:/name/version`` or ``runs:/id/model``.
        folder: to write; what was fetched before is replaced, since an alias may name another model today.

    Raises:
        RarebeatError: when there is no such model, or it holds no model folder.
    """
    from rarebeat.inference.model_folder import CARD, check_complete

    with tempfile.TemporaryDirectory() as place:
        try:
            stored = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=place))
        except Exception as error:  # of MLflow, its store or its files, which raise almost anything
            said = str(error).strip().splitlines() or [type(error).__name__]
            raise RarebeatError(
                f"train.init: cannot get the model {uri} from MLflow: {said[0][:300]}"
            ) from error
        cards = sorted(stored.rglob(CARD))
        if len(cards) != 1:
            raise RarebeatError(
                f"train.init: {uri} is no model that Rarebeat has stored: it holds {len(cards)} {CARD}"
            )
        check_complete(cards[0].parent)
        with atomic(folder) as temporary:
            shutil.copytree(cards[0].parent, temporary)


def _requirements() -> list[str]:
    """What the served model needs, at the versions it was trained with."""
    names = ["numpy", "pandas", "pyarrow", "pydantic", "pyyaml", "safetensors", "scipy"]
    return [f"{name}=={version(name)}" for name in names] + [f"torch=={version('torch').split('+')[0]}"]


def restore_model(
    tracker: Tracker,
    out: Path,
    run_id: str | None = None,
    metric: str = "validation/auroc",
    lowest: bool = False,
) -> str:
    """Write the model folder of a run, of the best one where none is named.

    Args:
        tracker: the experiment.
        out: folder to write; an earlier model there is replaced.
        run_id: of the run; None takes the best one.
        metric: what is compared, a name as MLflow shows it, or an average of the test split such as ``macro.auprc``.
        lowest: whether the lowest value is the best.

    Returns:
        What was restored, for a person.

    Raises:
        RarebeatError: when there is no such run, it has no model, or the folder cannot be written.
    """
    from rarebeat.inference.model_folder import CARD, card_digest, check_place, load_model

    check_place(out)
    run = _best(tracker, metric, lowest) if run_id is None else _run(tracker, run_id)
    digest = run.data.tags.get(MODEL, "")
    with tempfile.TemporaryDirectory() as place:
        for origin in [run, *(tracker.find(MODEL, digest) if digest else [])]:
            try:
                uri = f"runs:/{origin.info.run_id}/model/artifacts"
                got = mlflow.artifacts.download_artifacts(uri, dst_path=place, tracking_uri=tracker.uri)
                found = next(iter(Path(got).rglob(CARD)), None)
            except (
                Exception
            ):  # MLflow raises almost anything where a run has no model: the next one may have it
                continue
            if found is not None and card_digest(found.parent) == digest:
                load_model(found.parent)
                with atomic(out) as temporary:
                    shutil.copytree(found.parent, temporary)
                chosen = run_id is None and _name_of(metric).startswith("test")
                return f"model of run {run.info.run_name} ({run.info.run_id})" + (_ON_TEST if chosen else "")
    raise RarebeatError(
        f"run {run.info.run_id} has no model: it was sent without one, or its files were removed"
    )


def _name_of(metric: str) -> str:
    """A metric as MLflow shows it; without a group it is one of the test split."""
    return metric if "/" in metric else f"test/{metric}"


_ON_TEST = (
    ", chosen by the test split: its score there is too high (--metric validation/auroc chooses by the other)"
)


def _best(tracker: Tracker, metric: str, lowest: bool) -> Run:
    """The finished run of a model with the best value of a metric."""
    name = _name_of(metric)
    query = f"tags.`{MODEL}` != '' and metrics.`{name}` > -1e300"
    order = [f"metrics.`{name}` {'ASC' if lowest else 'DESC'}"]
    runs = tracker.do(lambda client, _: client.search_runs([tracker.experiment_id], query, order_by=order))
    if not runs:
        raise RarebeatError(
            f"the experiment {tracker.experiment} has no run of a model with the metric {name}"
        )
    return runs[0]


def _run(tracker: Tracker, run_id: str) -> Run:
    query = f"attributes.run_id = '{run_id}'"
    runs = tracker.do(lambda client, _: client.search_runs([tracker.experiment_id], query))
    if not runs:
        raise RarebeatError(f"the experiment {tracker.experiment} has no run {run_id}")
    return runs[0]


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
            _log_batch(tracker, run_id, [], {MLFLOW_PARENT_RUN_ID: parent})
            if tracker.unsent:  # a run that is kept here from now on waits to be ended
                _end(tracker, run_id, RunStatus.FINISHED)
    return parent
