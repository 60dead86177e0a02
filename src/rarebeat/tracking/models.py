"""Model folders in MLflow: stored in the run of their training, fetched from there, and written again."""

import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
import numpy as np
from filelock import FileLock
from mlflow.entities import Run
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic, digest
from rarebeat.tracking.names import NO_NAME
from rarebeat.tracking.runs import log_tags
from rarebeat.tracking.server import MODEL, Tracker

if TYPE_CHECKING:
    from rarebeat.training.settings import TrainSettings


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
    log_tags(tracker, run_id, {MODEL: card_digest(folder)})


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
        folder: to write; what was fetched before is replaced where it is another model, since an alias may name another
            one today. A process beside this one may be reading it.

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
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not _equal(cards[0].parent, folder):
                with atomic(folder) as temporary:
                    shutil.copytree(cards[0].parent, temporary)


def _equal(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files."""
    return other.is_dir() and digest(*sorted(one.iterdir())) == digest(*sorted(other.iterdir()))


def fetch_start(tracker: Tracker, settings: "TrainSettings") -> None:
    """Get the model that a training starts from out of MLflow, where it is there (``train.init``).

    Args:
        tracker: the server. While it does not answer, what was fetched before is used, with a warning; the database
            here may know another model under the same name.
        settings: of the training.

    Raises:
        RarebeatError: as :func:`fetch_model`; when the server does not answer and nothing was fetched before.
    """
    from rarebeat.inference.model_folder import check_complete
    from rarebeat.training.settings import is_mlflow_model

    uri, folder = settings.init, settings.start
    if uri is None or folder is None or not is_mlflow_model(uri):
        return
    if tracker.unsent is None:
        fetch_model(uri, folder)
        return
    if not folder.exists():
        raise RarebeatError(
            f"train.init: cannot get the model {uri}, which was not fetched before: the MLflow server {tracker.unsent} "
            "does not answer"
        )
    check_complete(folder)
    print(
        f"warning: train.init: the model {uri} is taken as it was when it was last fetched ({folder})",
        file=sys.stderr,
    )


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
        run_id: of the run, or as much of its beginning as tells it from others; None takes the best one.
        metric: what is compared, a name as MLflow shows it, or an average of the test split such as ``macro.auprc``.
        lowest: whether the lowest value is the best.

    Returns:
        What was restored, for a person.

    Raises:
        RarebeatError: when there is no such run or more than one, it has no model, or the folder cannot be written.
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
    runs = [] if re.search(NO_NAME, name) else _search(tracker, query, order)
    if not runs:
        raise RarebeatError(
            f"the experiment {tracker.experiment} has no run of a model with the metric {name}"
        )
    return runs[0]


def _run(tracker: Tracker, asked: str) -> Run:
    """The run with this id, or whose id alone begins so."""
    known = re.fullmatch("[0-9A-Za-z-]+", asked) is not None
    runs = _search(tracker, f"attributes.run_id LIKE '{asked}%'") if known else []
    if not runs:
        raise RarebeatError(f"the experiment {tracker.experiment} has no run {asked}")
    if len(runs) > 1:
        ids = ", ".join(run.info.run_id for run in runs)
        raise RarebeatError(
            f"{len(runs)} runs of the experiment {tracker.experiment} begin with {asked}: {ids}"
        )
    return runs[0]


def _search(tracker: Tracker, query: str, order: Sequence[str] = ()) -> list[Run]:
    experiment = [tracker.experiment_id]
    return list(tracker.do(lambda client, _: client.search_runs(experiment, query, order_by=list(order))))
