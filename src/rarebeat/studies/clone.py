"""One stage of a study in a copy of the project, on whatever machine that lies: inputs come and results go by DVC."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rarebeat.core.errors import RarebeatError

COPIES = Path(".dvc/tmp/exps")
"""Where copies lie in a project that this machine sees. DVC keeps its own experiments there: a stage knows by it which
project its checkpoints and its runs in MLflow belong to."""


def run_in_clone(stage: str, inputs: Sequence[str], cache: Path | None, folder: str | None) -> int:
    """Run a stage in the copy of the project in which this process runs.

    Args:
        stage: its name.
        inputs: the stages whose outputs it reads.
        cache: the project's cache of DVC, where this machine sees it: inputs are taken from there, and what the stage
            makes is in it at once. None goes through the DVC remote: inputs are pulled, results are pushed. Either way
            a stage that was run before, anywhere, is not run again.
        folder: name and path of the remote, joined by "=", where it is a folder.

    Returns:
        The exit code of the first command that failed, or 0.

    Raises:
        RarebeatError: when the cache is not there.
    """
    if cache is not None and not cache.is_dir():
        raise RarebeatError(
            f"this machine does not see the cache {cache}: put the project on a file system that all machines see, or "
            "give it a DVC remote (dvc remote add --default NAME URL), and results travel through that"
        )
    end_with_parent()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = ["dvc", "config", "--quiet", "--local"]
    repro = ["dvc", "repro", "--single-item"]
    commands = [[*settings, "core.no_scm", "true"]]
    if folder is not None:
        name, _, path = folder.partition("=")
        commands.append([*settings, f"remote.{name}.url", path])
    if cache is None:
        # The files first: whoever finds the entry of the run cache must find them.
        push = ["dvc", "push", "--quiet"]
        commands += [[*repro, "--pull", stage], [*push, stage], [*push, "--run-cache", stage]]
    else:
        commands.append([*settings, "cache.dir", str(cache)])
        commands += [["dvc", "checkout", "--quiet", *inputs]] if inputs else []
        commands.append([*repro, stage])
    for command in commands:
        if code := subprocess.run(command).returncode:
            return code
    return 0


def end_with_parent() -> None:
    """Let this process, with all that it starts, end when the one that started it is killed.

    It does nothing where this process does not lead a group of its own: others in the group would end, too.
    """
    parent = os.getppid()
    if os.getpgid(0) != os.getpid():
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
