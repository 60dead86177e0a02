"""The MLflow server, and what happens while it does not answer: runs are kept in ``mlflow.db``, and sent later.

Runs go to the server in ``MLFLOW_TRACKING_URI``, otherwise to ``mlflow.db`` at the root of the project, also from
queued and temporary DVC experiments. A server that is not there, or goes away in the middle, stops no training: from
then on the process logs to ``mlflow.db``. The runs that it writes there bear the tag :data:`UNSENT`;
:mod:`rarebeat.tracking.kept_runs` brings them to the server.
"""

import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before mlflow is imported
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# A server that is gone is found out in seconds, not in four minutes: what it misses is not lost.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

import mlflow
import requests
from filelock import FileLock
from mlflow.entities import Run, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from rarebeat.core.errors import RarebeatError
from rarebeat.core.project import project_root
from rarebeat.tracking.artifacts import follow_project
from rarebeat.tracking.experiments import experiment_id

logging.getLogger("mlflow").setLevel(logging.WARNING)
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # each of its tries would be a warning
logging.getLogger("mlflow.store.db.utils").setLevel(
    logging.CRITICAL
)  # it logs what it raises, with its traceback

MODEL = "rarebeat.model"
"""Tag of a run: what identifies the model that it trained or evaluated."""

EVALUATED = "rarebeat.evaluated"
"""Tag of a run that holds an evaluation."""

TRAINED_IN = "rarebeat.trained_in"
"""Tag of a run that evaluated what others trained: their ids."""

UNSENT = "rarebeat.unsent"
"""Tag of a run that is kept here: the server that it is for."""

CONTINUES = "rarebeat.continues"
"""Tag of a run that is kept here: the run of the server that it continues."""

PROCESS = "rarebeat.process"
"""Tag of a run that is open, or kept here: the process that writes to it, see :func:`own_process`."""

TRAINING_KEY = "rarebeat.training_key"
"""Tag of a run: what identifies the training, see :func:`rarebeat.training.checkpoint.fingerprint`."""

RUNNING, KILLED = RunStatus.to_string(RunStatus.RUNNING), RunStatus.to_string(RunStatus.KILLED)

_PATIENCE = 8.0  # seconds for a server to say that it is there

Result = TypeVar("Result")


@dataclass
class Tracker:
    """A connection to one experiment: on the server, or in ``mlflow.db`` from when on the server does not answer.

    Attributes:
        experiment: its name.
        uri: of the server or database that is written to.
        client: of that server or database.
        experiment_id: of the experiment there.
        unsent: the server that what is written is for, where it does not answer.
        kept: run of the server to the run that continues it here.
        known: runs that were found or made, by their ids.
    """

    experiment: str
    uri: str
    client: MlflowClient
    experiment_id: str
    unsent: str | None = None
    kept: dict[str, str] = field(default_factory=dict)
    known: dict[str, Run] = field(default_factory=dict)

    def do(self, operation: Callable[[MlflowClient, str], Result], run_id: str = "") -> Result:
        """Read or write, here from when on the server does not answer.

        Args:
            operation: takes the client and the id of the run.
            run_id: of the run, as it was first told.

        Returns:
            What the operation returns.

        Raises:
            RarebeatError: when the database here cannot be read or written.
        """
        try:
            return operation(self.client, self.kept.get(run_id, run_id))
        except Exception as error:  # of MLflow, its database or its file store, which raise almost anything
            if self.uri == local_uri():
                raise RarebeatError(_cannot_use(self.uri, error)) from error
            self._keep_here(error)
        return self.do(operation, self._continued(run_id) if run_id else "")

    def find(self, tag: str, value: str, condition: str = "") -> list[Run]:
        """Find the runs with a tag, the newest first.

        Args:
            tag: its name.
            value: what it must be.
            condition: more of MLflow's filter.

        Returns:
            The runs.
        """
        query = f"tags.`{tag}` = '{value}'{condition}"
        order = ["attributes.start_time DESC"]
        runs = self.do(lambda client, _: client.search_runs([self.experiment_id], query, order_by=order))
        self.known |= {str(run.info.run_id): run for run in runs}
        return list(runs)

    def create(self, name: str, tags: dict[str, str]) -> Run:
        """Make a run.

        Args:
            name: of the run.
            tags: its tags; a run that is kept here for a server gets :meth:`kept_tags`, too.

        Returns:
            The run.
        """

        def make(client: MlflowClient, _: str) -> Run:
            return client.create_run(self.experiment_id, run_name=name, tags=tags | self.kept_tags())

        run = self.do(make)
        self.known[str(run.info.run_id)] = run
        return run

    def kept_tags(self) -> dict[str, str]:
        """The tags of a run that this process keeps here for a server; none where runs go where they belong."""
        return {UNSENT: self.unsent, PROCESS: own_process()} if self.unsent else {}

    def _keep_here(self, error: Exception) -> None:
        """Log to the database of the project from now on."""
        _warn(self.uri, one_line(error))
        here = open_tracker(self.experiment, local_uri())
        self.unsent = self.uri
        self.uri, self.client, self.experiment_id = here.uri, here.client, here.experiment_id

    def _continued(self, run_id: str) -> str:
        """The run of the database here that takes what the server's run misses; made where there is none."""
        if run_id not in self.kept:
            run = self.known[run_id]
            tags = {tag: value for tag, value in run.data.tags.items() if not tag.startswith("mlflow.log")}
            self.kept[run_id] = str(self.create(run.info.run_name, tags | {CONTINUES: run_id}).info.run_id)
        return self.kept[run_id]


def end_killed(client: MlflowClient, run: Run) -> None:
    """End a run whose process is gone, as killed, at the time of the last number that it logged.

    Args:
        client: of the server or database that holds it.
        run: an open one; it stays open where its process lives, or may live on another computer.
    """
    if not is_gone(run.data.tags.get(PROCESS, "")):
        return
    run_id = str(run.info.run_id)
    times = [
        entry.timestamp for name in run.data.metrics for entry in client.get_metric_history(run_id, name)
    ]
    client.set_terminated(run_id, KILLED, max(times, default=run.info.start_time))


def own_process() -> str:
    """Name this process: its computer, its number, and when it began where the system tells, for numbers return."""
    return f"{socket.gethostname()} {os.getpid()} {_began(os.getpid())}".strip()


def is_gone(process: str) -> bool:
    """Say whether a process has ended.

    Args:
        process: of :func:`own_process`.

    Returns:
        Whether it has for certain; no for one of another computer.

    Example:
        >>> is_gone(own_process()), is_gone("elsewhere 1")
        (False, False)
    """
    computer, _, rest = process.partition(" ")
    number, _, began = rest.partition(" ")
    if computer != socket.gethostname() or not number.isdecimal() or sys.platform == "win32":
        return False
    try:
        os.kill(int(number), 0)  # sends nothing
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's: of the same number, or the same one under another user
        pass
    return bool(began) and _began(int(number)) not in (began, "")


def _began(number: int) -> str:
    """When a process began, in ticks of the system's clock; "" where the system does not tell in a file."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def local_uri() -> str:
    """The database of the project."""
    return f"sqlite:///{project_root() / 'mlflow.db'}"


def connect_to(experiment: str) -> Tracker:
    """Open the server and the experiment, creating the experiment where needed.

    Args:
        experiment: its name.

    Returns:
        The connection: to the database here, with a warning, where the server does not answer within ten seconds.

    Raises:
        RarebeatError: when a server answers that cannot be used, or the database here cannot.
    """
    # Without the slash at its end: by its name a server gets the runs that are kept for it.
    uri = (os.environ.get("MLFLOW_TRACKING_URI") or local_uri()).rstrip("/")
    if (reason := unreachable(uri)) is None:
        return open_tracker(experiment, uri)
    _warn(uri, reason)
    tracker = open_tracker(experiment, local_uri())
    tracker.unsent = uri
    return tracker


def unreachable(uri: str) -> str | None:
    """Ask a server whether it is there.

    Args:
        uri: of the server, or of a database, which is not asked.

    Returns:
        Why not; None where it answers.
    """
    if not uri.startswith(("http://", "https://")):
        return None
    found: list[str | None] = [f"no answer within {_PATIENCE:g} seconds"]

    def ask() -> None:
        try:
            status = requests.get(f"{uri.rstrip('/')}/health", timeout=_PATIENCE).status_code
            found[0] = f"it answers with status {status}" if status >= 500 else None
        except (
            requests.exceptions.SSLError
        ):  # it is there; whether its certificate will do is MLflow's to say
            found[0] = None
        except requests.exceptions.RequestException as error:
            found[0] = one_line(error)

    thread = threading.Thread(target=ask, daemon=True)  # a slow look-up of its name has no limit of its own
    thread.start()
    thread.join(_PATIENCE)
    return found[0]


def open_tracker(experiment: str, uri: str) -> Tracker:
    """Open a server or database that is there, and the experiment, creating both where needed.

    Raises:
        RarebeatError: when it cannot be used.
    """
    root, asked = project_root(), os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)  # it also writes the variable: what the user has set stays
    if asked is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = asked
    try:
        # Two experiments that create the same SQLite database at once would break it.
        with FileLock(root / "mlflow.db.lock"):
            if uri == local_uri():
                follow_project(root, root / "mlflow.db")
            client = MlflowClient(uri)
            own = experiment_id(client, experiment, uri)
            mlflow.set_experiment(experiment_id=own)
            return Tracker(experiment, uri, client, own)
    except Exception as error:  # a damaged database raises the errors of several libraries
        raise RarebeatError(_cannot_use(uri, error)) from error


def _warn(uri: str, reason: str) -> None:
    print(
        f"warning: the MLflow server {uri} does not answer ({reason}): runs are kept in mlflow.db, and sent by the "
        "next stage that reaches the server, or by `rarebeat send-runs`",
        file=sys.stderr,
    )


def _cannot_use(uri: str, error: Exception) -> str:
    if not uri.startswith("sqlite:"):
        return f"cannot use the MLflow server {uri}: {one_line(error)}"
    path = uri.removeprefix("sqlite:///")
    if isinstance(error, MlflowException) and error.error_code == "INVALID_PARAMETER_VALUE":
        return f"the tracking database {path} does not take this: {one_line(error)}"
    return (
        f"cannot use the tracking database {path}: {one_line(error)}\nIs the disk full, or the file damaged or of a "
        f"newer MLflow? A new one is made where there is none: mv {path} {path}.old"
    )


def one_line(error: BaseException) -> str:
    """An error in a line: what the system said, where the error came from that, or else its own first line."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = inner.__cause__ or inner.__context__
    said = str(getattr(error, "orig", None) or error).strip().splitlines()
    return said[0][:300] if said else type(error).__name__
