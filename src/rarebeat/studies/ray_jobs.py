"""Stages as tasks of a Ray cluster: one that is lost with its machine runs again on another."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rarebeat.core.files import is_alive, owner
from rarebeat.studies.away import Launcher, Order
from rarebeat.studies.clone import COPIES
from rarebeat.studies.here import PATIENCE
from rarebeat.studies.snapshot import unpack

RETRIES = 3
"""How often a stage is begun anew whose machine was lost."""


def ray_launcher(ray: Any, gpus: float) -> Launcher:
    """Send stages to a Ray cluster.

    Args:
        ray: the module, connected (see :func:`rarebeat.core.cluster.connection.connected`).
        gpus: share of a GPU for each stage.

    Returns:
        What sends a stage: it gets one processor and that share.
    """
    task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(run_order)
    shared: dict[bytes, Any] = {}

    def launch(order: Order) -> _RayJob:
        if order.code not in shared:
            shared[order.code] = ray.put(order.code)
        return _RayJob(ray, task.remote(replace(order, code=b""), shared[order.code]))

    return launch


@dataclass
class _RayJob:
    ray: Any
    reference: Any
    result: tuple[int, str] | None = None

    def poll(self) -> int | None:
        if self.result is None and self.ray.wait([self.reference], timeout=0)[0]:
            try:
                self.result = self.ray.get(self.reference)
            except self.ray.exceptions.RayError as error:
                self.result = 1, f"{error}"
        return None if self.result is None else self.result[0]

    def said(self) -> str:
        return "" if self.result is None else self.result[1]

    def ask_to_end(self) -> None:
        self.ray.cancel(self.reference)

    def end(self) -> None:
        if not self.ray.wait([self.reference], timeout=PATIENCE)[0]:
            self.ray.cancel(self.reference, force=True)


def run_order(order: Order, code: bytes) -> tuple[int, str]:
    """Run a stage in a new copy of the project (on a machine of the cluster).

    Args:
        order: the stage.
        code: the project, packed.

    Returns:
        The exit code, and what the stage said.
    """
    copies = None
    if order.cache is not None and (order.project / ".dvc").is_dir():
        copies = order.project / COPIES
        copies.mkdir(parents=True, exist_ok=True)
    place = make_copy(copies or Path(tempfile.gettempdir()))
    try:
        unpack(code, place)
        unpack(order.locks, place)
        command = [sys.executable, "pipeline/cell.py", *order.words]
        environment = os.environ | order.variables | {"PYTHONPATH": "src"}
        with tempfile.TemporaryFile() as printed:
            process = subprocess.Popen(
                command, cwd=place, env=environment, stdout=printed, stderr=printed, start_new_session=True
            )
            try:
                while process.poll() is None:  # in small steps, between which the cluster may break it off
                    time.sleep(0.2)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()  # one that still writes would hinder the removal
            printed.seek(0)
            return process.wait(), printed.read().decode(errors="replace")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def make_copy(folder: Path) -> Path:
    """Make a folder for a copy of the project, and remove those whose process was killed.

    A process that is killed with its machine, or by a study that is broken off, cannot remove its copy itself.

    Args:
        folder: that holds the copies, of several machines where it is shared.

    Returns:
        The new folder, which names this process.
    """
    machine = owner().partition("-")[0]
    for path in folder.glob(f"study-{machine}-*"):
        found = re.fullmatch(rf"study-{machine}-(\d+)-.+", path.name)
        if found and not is_alive(int(found[1])):
            shutil.rmtree(path, ignore_errors=True)  # what somebody else removes at the same time
    return Path(tempfile.mkdtemp(prefix=f"study-{owner()}-", dir=folder))
