"""Stages on other machines, each in a copy of the project, and their results here, as if they had run here."""

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rarebeat.core.errors import RarebeatError
from rarebeat.studies.here import Here, Process, dvc
from rarebeat.studies.schedule import Graph, Job
from rarebeat.studies.snapshot import pack, project_files

PASSED_ON = ("MLFLOW_", "AWS_")
"""How the variables begin that stages on other machines get from here: the tracking server, and keys to storage."""

_LOST = (
    "it went well on another machine, but DVC does not know its result here: was a file of the project changed since "
    "the study began? Start it again."
)

_TAKEN_AT_ONCE = 2  # results that DVC checks out here side by side


@dataclass(frozen=True)
class Order:
    """A stage to run elsewhere.

    Attributes:
        stage: its name.
        inputs: the stages whose outputs it reads.
        cache: the project's cache of DVC; None where results go through the DVC remote.
        folder: where that remote is a folder, its name, "=" and its path; else None.
        project: this project's folder.
        code: the project, packed.
        locks: what the stages before it have made, by DVC's checksums, packed; unpacked over the code.
        variables: of the environment, by name.
    """

    stage: str
    inputs: tuple[str, ...]
    cache: Path | None
    folder: str | None
    project: Path
    code: bytes
    locks: bytes
    variables: dict[str, str]

    @property
    def words(self) -> list[str]:
        """What ``pipeline/cell.py`` is to do, as it is told on its command line."""
        words = [self.stage, *self.inputs]
        words += ["--cache", str(self.cache)] if self.cache else []
        return [*words, "--folder", self.folder] if self.folder else words


@dataclass(frozen=True)
class Remote:
    """A DVC remote.

    Attributes:
        name: in DVC's settings.
        url: where it is; a folder by its whole path, as DVC tells it.
    """

    name: str
    url: str

    @property
    def folder(self) -> str | None:
        """Name and path of one that is a folder; None for others.

        Settings may name a folder by the way to it, which leads elsewhere in a copy.
        """
        return None if "://" in self.url else f"{self.name}={self.url}"


Launcher = Callable[[Order], Job]
"""Sends an order to other machines."""


@dataclass
class Away:
    """Other machines for some stages, and this working tree for the others.

    Attributes:
        cells: the stages that run elsewhere.
        graph: all stages of the study.
        studies: folders of the studies that DVC sees.
        launch: sends a stage to other machines.
        here: runs the others, and takes the results.
        remote: the DVC remote through which results go; None where all machines see the project.
    """

    cells: Collection[str]
    graph: Graph
    studies: Sequence[Path]
    launch: Launcher
    here: Here
    remote: Remote | None
    _pushed: set[str] = field(default_factory=set)
    _taken: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._code = pack(project_files(self.studies))
        self._cache = None if self.remote else Path(dvc("cache", "dir").strip()).resolve()

    def start(self, stage: str) -> Job:
        """Begin a stage; where it goes to other machines, what it reads is made known there first."""
        if stage not in self.cells:
            return self.here.start(stage)
        inputs = tuple(sorted(self.graph[stage]))
        new = [one for one in inputs if one not in self._pushed]
        if self.remote and new:
            dvc("push", "--quiet", *new)  # not the run cache: it knows results whose files were never pushed
            self._pushed.update(new)
        folders = (Path(), *self.studies)
        locks = pack(lock for folder in folders if (lock := folder / "dvc.lock").is_file())
        variables = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        folder = self.remote.folder if self.remote else None
        order = Order(stage, inputs, self._cache, folder, Path.cwd(), self._code, locks, variables)
        return _Taken(self.launch(order), lambda: self._take(stage))

    def _take(self, stage: str) -> Process | None:
        """Let DVC find the result of a stage in its cache; None when others are being taken."""
        self._taken = [one for one in self._taken if one.poll() is None]
        if len(self._taken) >= _TAKEN_AT_ONCE:
            return None
        self._pushed.add(stage)
        process = self.here.take(stage)
        self._taken.append(process)
        return process


@dataclass
class _Taken:
    """A stage on another machine, whose result is taken here once it has ended there."""

    job: Job
    take: Callable[[], Process | None]
    taking: Process | None = None

    def poll(self) -> int | None:
        if self.taking is None:
            if code := self.job.poll():
                return code
            self.taking = self.take() if code == 0 else None
        return self.taking.poll() if self.taking else None

    def said(self) -> str:
        return f"{_LOST}\n{self.taking.said()}" if self.taking else self.job.said()

    def ask_to_end(self) -> None:
        (self.taking or self.job).ask_to_end()

    def end(self) -> None:
        (self.taking or self.job).end()


def default_remote() -> Remote | None:
    """Find the DVC remote by which results travel.

    Returns:
        The project's default remote; None where it has none.
    """
    name = _setting("core.remote")
    url = _setting(f"remote.{name}.url") if name else ""
    return Remote(name, url) if url else None


def _setting(key: str) -> str:
    """A setting of DVC, "" where it has none: DVC says nothing then, or fails where the group is not there."""
    try:
        return dvc("config", key).strip()
    except RarebeatError:
        return ""


def can_leave(stage: str, definition: Path) -> bool:
    """Whether a stage of a study can run on another machine.

    Args:
        stage: its name.
        definition: the study's ``dvc.yaml``.

    Returns:
        Yes for a stage of this study, all of whose outputs DVC keeps: a result that it does not keep is found by no one
        else. No for the trials of a search, which share a journal.
    """
    file, _, name = stage.rpartition(":")
    if Path(file) != definition:
        return False
    stages: dict[str, Any] = yaml.safe_load(definition.read_text(encoding="utf-8"))["stages"]
    body = stages[name.partition("@")[0]]
    body = body.get("do", body)
    outs = [out for key in ("outs", "metrics", "plots") for out in body.get(key, [])]
    kept = all(entry.get("cache", True) for out in outs if isinstance(out, dict) for entry in out.values())
    return kept and bool(outs) and "pipeline/trial.py" not in str(body["cmd"])
