"""Work side by side, one thread each, in processes or on a cluster: the only place that starts workers."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from rarebeat.core.cluster.connection import CLUSTER
from rarebeat.core.errors import ParamsError, RarebeatError

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_AHEAD = 2  # tasks per process that wait, or whose results wait

Task = TypeVar("Task")
Result = TypeVar("Result")

Workers = int | str
"""So many processes here, or the address of a Ray cluster (``ray:auto``): see :func:`parse_workers`."""


def parse_workers(value: object) -> Workers | None:
    """Check who is to work: a number of processes, or a cluster.

    Args:
        value: of the params file or the command line. None leaves it to the stage. After ``ray:`` comes what
            ``ray.init`` takes: ``ray:auto`` (the cluster that this machine is in), ``ray:HOST:PORT`` (the same, by the
            address of its head), ``ray://HOST:10001`` (from a machine outside it) or ``ray:local`` (one that is
            started here, and ends with the work).

    Returns:
        The number or the address; None for None.

    Raises:
        ParamsError: for anything else.

    Example:
        >>> parse_workers("2"), parse_workers("ray:auto"), parse_workers(None)
        (2, 'ray:auto', None)
    """
    if value is None:
        return None
    text = str(value).strip()
    if text.startswith(CLUSTER) and len(text) > len(CLUSTER):
        return text
    if not text.removeprefix("-").isdecimal() or isinstance(value, bool):
        raise ParamsError(f"workers must be a number of processes or a cluster (ray:auto), found {text!r}")
    if int(text) < 1:
        raise ParamsError(f"workers must be at least 1, found {text}")
    return int(text)


def core_count() -> int:
    """Count the processor cores that this process may use.

    Returns:
        At least one.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_order(work: Callable[[Task], Result], tasks: Iterable[Task], workers: Workers) -> Iterator[Result]:
    """Do tasks side by side; the results come in the order of the tasks.

    Few tasks are under way at a time, so that tasks may come from a generator and results may be large.

    Args:
        work: a function of a module (or a ``functools.partial`` of one), for it travels to the processes.
        tasks: its arguments, one call each.
        workers: processes, or the address of a cluster. One works in this process.

    Yields:
        What each call returned.

    Raises:
        RarebeatError: when a process was killed; on a cluster, when no machine of it could do a task.

    Example:
        >>> list(map_in_order(abs, [-1, 2, -3], workers=1))
        [1, 2, 3]
    """
    if isinstance(workers, str):
        from rarebeat.core.cluster.tasks import map_on_cluster  # Ray is there for those alone who use it

        yield from map_on_cluster(work, tasks, workers)
    elif workers <= 1:
        yield from map(work, tasks)
    else:
        yield from _map_in_processes(work, tasks, workers)


def _map_in_processes(
    work: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    try:
        with process_pool(workers) as pool:
            for task in tasks:
                waiting.append(pool.submit(work, task))
                if len(waiting) > _AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise RarebeatError(
            "a worker process was killed, probably for lack of memory: use fewer workers (--workers 1, or `workers: 1` "
            "in the params)"
        ) from error


@contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes that are ended, whatever happens.

    Linear algebra in each of them keeps to one thread: with as many threads as cores in every process, they wait
    for each other, and two processes are slower than one. Libraries read how many they may have when they are
    loaded, so it stands in the environment for as long as processes may be started. Spawned processes are the same
    on every system, and inherit no threads from Arrow. A process whose parent was killed ends itself: it would go on
    writing.

    Args:
        workers: how many.

    Yields:
        The pool.
    """
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _end_with_parent() -> None:
    """Let this process end when its parent does, however that ends."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
