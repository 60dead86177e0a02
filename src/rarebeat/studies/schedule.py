"""The stages of a study in order, those that do not wait for each other side by side, wherever they run."""

import re
import signal
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from rarebeat.core.errors import RarebeatError

SHOWN = 30  # lines of what a failed stage said

Graph = Mapping[str, set[str]]
"""Stage to the stages that it waits for."""


class Job(Protocol):
    """A stage that runs somewhere."""

    def poll(self) -> int | None:
        """Ask for the exit code.

        Returns:
            None while it runs; 0 when all went well.
        """
        ...

    def said(self) -> str:
        """Tell what a stage that has ended has printed."""
        ...

    def ask_to_end(self) -> None:
        """Begin to end it, with all that it started."""
        ...

    def end(self) -> None:
        """Wait until it has ended; end it by force where it does not."""
        ...


class Place(Protocol):
    """Where stages run."""

    def start(self, stage: str) -> Job:
        """Begin a stage.

        Args:
            stage: its name; all that it waits for is done.
        """
        ...


def parse_dag(dot: str) -> dict[str, set[str]]:
    """Read the graph that ``dvc dag --dot`` writes.

    Args:
        dot: its text.

    Returns:
        Every stage, and the stages that it waits for.

    Example:
        >>> parse_dag('strict digraph {"a"; "b"; "a" -> "b";}')
        {'a': set(), 'b': {'a'}}
    """
    graph: dict[str, set[str]] = {}
    for first, second in re.findall(r'"([^"]+)"(?:\s*->\s*"([^"]+)")?', dot):
        graph.setdefault(first, set())
        if second:
            graph.setdefault(second, set()).add(first)
    return graph


def stale(graph: Graph, changed: set[str]) -> set[str]:
    """Find what must run.

    Args:
        graph: the stages of a study.
        changed: those that are not up to date by themselves.

    Returns:
        These, and all that wait for one of them.

    Example:
        >>> sorted(stale({"a": set(), "b": {"a"}, "c": set()}, {"a"}))
        ['a', 'b']
    """
    found = changed & set(graph)
    while more := {stage for stage, waits in graph.items() if waits & found} - found:
        found |= more
    return found


def ready(waiting: Graph, running: Mapping[str, object]) -> list[str]:
    """Find what can begin.

    Args:
        waiting: the stages that are not done.
        running: those of them that have begun.

    Returns:
        The stages that wait for none of those that are not done, in the order of the graph.

    Example:
        >>> ready({"b": {"a"}, "c": set(), "d": {"b"}, "e": set()}, {"e": "runs"})
        ['b', 'c']
    """
    return [stage for stage, waits in waiting.items() if stage not in running and not waits & waiting.keys()]


def run_all(graph: Graph, total: int, jobs: int, place: Place, done: Callable[[str], None]) -> None:
    """Run the stages of a graph, each after those it waits for, so many side by side.

    Args:
        graph: the stages to run.
        total: of the study, with those that are up to date.
        jobs: how many at a time.
        place: where they run.
        done: told of each stage that went well.

    Raises:
        RarebeatError: with what a stage said that failed, once those beside it have ended.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):  # to end what was started, too
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup lets a study outlive its terminal
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    waiting, failed, began = dict(graph), list[str](), time.monotonic()
    running: dict[str, Job] = {}
    ready_made = total - len(graph)

    def told() -> None:
        tell(ready_made + len(graph) - len(waiting), total, time.monotonic() - began, list(running))

    try:
        while running or (waiting and not failed):
            for stage in ready(waiting, running)[: 0 if failed else jobs - len(running)]:
                running[stage] = place.start(stage)
            told()
            while not (
                ended := {stage: code for stage, job in running.items() if (code := job.poll()) is not None}
            ):
                time.sleep(0.1)
            for stage, code in ended.items():
                job = running.pop(stage)
                if code:
                    lines = job.said().strip().splitlines()
                    failed.append("\n".join([f"{stage} failed:", *lines[-SHOWN:]]))
                else:
                    del waiting[stage]
                    done(stage)
    finally:
        end(running.values())
    told()
    if failed:
        raise RarebeatError("\n\n".join(failed))


def end(running: Collection[Job]) -> None:
    """End stages with all that they started, and wait until they have ended.

    Args:
        running: the stages; those that have ended stay as they are.
    """
    for job in running:
        job.ask_to_end()
    for job in running:
        job.end()


def tell(done: int, total: int, seconds: float, names: Sequence[str]) -> None:
    """Print one line on standard error: how far the study is, and what runs.

    Args:
        done: stages.
        total: stages.
        seconds: since it began.
        names: of the stages that run.
    """
    short = ", ".join(name.removeprefix("studies/").replace("/dvc.yaml", "") for name in names)
    line = f"{done}/{total} stages done, {int(seconds) // 60}:{int(seconds) % 60:02d}"
    print(f"{line}, running {short}" if short else line, file=sys.stderr, flush=True)
