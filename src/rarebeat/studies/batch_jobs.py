"""Stages as jobs of Slurm or SkyPilot: a command that waits until the job has ended, and a file that users edit."""

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.studies.away import Launcher, Order
from rarebeat.studies.here import Process, begin

ORDERS = Path(".dvc/tmp/studies")
"""Where orders lie while their jobs run, and what the jobs said. Keys to storage may be among them: their owner alone
reads them."""


@dataclass(frozen=True)
class Files:
    """What a job is given, and where it writes.

    Attributes:
        name: of the job: letters, digits and hyphens.
        code: the project, packed.
        locks: what the stages before it have made, packed; unpacked over the code.
        log: what the job says.
    """

    name: str
    code: Path
    locks: Path
    log: Path


@dataclass(frozen=True)
class System:
    """A batch system.

    Attributes:
        submit: the command that sends an order and waits until its job has ended, with its exit code.
        cancel: the command that ends the job, from what the first one has printed.
    """

    submit: Callable[[Order, Files], list[str]]
    cancel: Callable[[Files, str], list[str]]


def _slurm(order: Order, files: Files) -> list[str]:
    words = ["sbatch", "--wait", "--parsable", f"--job-name={files.name}", f"--output={files.log}"]
    return [*words, "scales/slurm.sh", str(files.code), str(files.locks), *order.words]


def _slurm_cancel(files: Files, printed: str) -> list[str]:
    number = printed.partition("\n")[0].partition(";")[0].strip()
    return ["scancel", number] if number.isdecimal() else ["scancel", f"--name={files.name}"]


def _sky(order: Order, files: Files) -> list[str]:
    if order.cache or order.folder:
        raise RarebeatError(
            "machines of a cloud see no files of this one: give the project a DVC remote that they reach (dvc remote "
            "add --default NAME s3://...), and results travel through that"
        )
    words = ["sky", "launch", "--yes", "--down", "--cluster", files.name, "--env", f"STAGE={order.stage}"]
    words += ["--env", f"CODE={files.code}", "--env", f"LOCKS={files.locks}"]
    for name in order.variables:
        words += ["--secret", name]  # its value is taken from the environment
    return [*words, "scales/sky.yaml"]


SYSTEMS = {
    "slurm": System(_slurm, _slurm_cancel),
    "sky": System(_sky, lambda files, _: ["sky", "down", "--yes", files.name]),
}


def batch_launcher(name: str) -> Launcher:
    """Send stages to a batch system.

    Args:
        name: one of :data:`SYSTEMS`.

    Returns:
        What sends a stage; the file in ``scales/`` says what it gets.
    """
    system = SYSTEMS[name]

    def launch(order: Order) -> _BatchJob:
        files = _write(order)
        return _BatchJob(begin(system.submit(order, files)), files, system)

    return launch


def _write(order: Order) -> Files:
    folder = order.project / ORDERS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    whose = f"{order.project}\n{order.stage}"  # jobs of two clones must not be taken for each other
    name = f"rarebeat-{hashlib.sha256(whose.encode()).hexdigest()[:12]}"
    code = folder / f"{hashlib.sha256(order.code).hexdigest()[:12]}.tar.gz"
    files = Files(name, code, folder / f"{name}.tar.gz", folder / f"{name}.log")
    for path, content in ((files.code, order.code), (files.locks, order.locks)):
        if path != code or not path.is_file():
            with atomic(path) as temporary:  # a study that is killed here leaves no half of it
                temporary.touch(mode=0o600)
                temporary.write_bytes(content)
    files.log.unlink(missing_ok=True)
    return files


@dataclass(frozen=True)
class _BatchJob:
    process: Process
    files: Files
    system: System

    def poll(self) -> int | None:
        return self.process.poll()

    def said(self) -> str:
        log = self.files.log
        return self.process.said() + (log.read_text(errors="replace") if log.is_file() else "")

    def ask_to_end(self) -> None:
        if self.poll() is None:
            subprocess.run(self.system.cancel(self.files, self.process.said()), capture_output=True)
        self.process.ask_to_end()

    def end(self) -> None:
        self.process.end()
