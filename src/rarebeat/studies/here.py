"""Stages as processes of this machine, in this working tree."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO

from rarebeat.core.errors import RarebeatError

PATIENCE = 10.0  # seconds that a stage has to end when the study is broken off


@dataclass(frozen=True)
class Process:
    """A process with all that it starts, and the file that holds what they print."""

    process: subprocess.Popen[bytes]
    printed: IO[bytes]

    def poll(self) -> int | None:
        """Ask for its exit code, as :class:`rarebeat.studies.schedule.Job` does."""
        return self.process.poll()

    def said(self) -> str:
        """Tell what it has printed so far."""
        self.printed.seek(0)
        return self.printed.read().decode(errors="replace")

    def ask_to_end(self) -> None:
        """Ask it to end, with all that it started."""
        self._signal(signal.SIGTERM)

    def end(self) -> None:
        """Wait until it has ended, and kill it when that takes too long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        self._signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def begin(command: Sequence[str], variables: Mapping[str, str] = MappingProxyType({})) -> Process:
    """Start a command in a group of processes that can be ended together.

    Args:
        command: its words.
        variables: of its environment, beside those of this process.

    Returns:
        The process.

    Raises:
        RarebeatError: when there is no such program.
    """
    printed = tempfile.TemporaryFile()  # noqa: SIM115 (read when it has ended)
    try:
        process = subprocess.Popen(
            command, stdout=printed, stderr=printed, env=os.environ | dict(variables), start_new_session=True
        )
    except FileNotFoundError as error:
        printed.close()
        raise RarebeatError(f"there is no program {command[0]} on this machine") from error
    return Process(process, printed)


def dvc(*arguments: str) -> str:
    """Run a DVC command.

    Args:
        arguments: its words after ``dvc``.

    Returns:
        What it prints.

    Raises:
        RarebeatError: with its message, when it fails.
    """
    result = subprocess.run(["dvc", *arguments], capture_output=True, text=True)
    if result.returncode:
        raise RarebeatError(f"dvc {' '.join(arguments)}:\n{result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


@dataclass(frozen=True)
class Here:
    """This working tree.

    Attributes:
        forced: stages that run even where DVC finds nothing changed, or knows the result.
        pull: whether results that the DVC remote knows are taken from there.
    """

    forced: Collection[str] = ()
    pull: bool = False

    def start(self, stage: str) -> Process:
        """Begin a stage: DVC takes its result from the cache, or runs it."""
        return begin([*self._repro(), *(["--force"] if stage in self.forced else []), stage])

    def take(self, stage: str) -> Process:
        """Take the result of a stage from the cache, and fail where it is not there: no program is found then."""
        return begin([sys.executable, "-m", *self._repro(), stage], {"PATH": os.devnull})

    def _repro(self) -> list[str]:
        words = ["dvc", "--wait-for-lock", "repro", "--single-item"]
        return [*words, "--pull"] if self.pull else words
