"""Several processes side by side, one thread each: the only place that starts workers."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from rarebeat.core.errors import RarebeatError

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_AHEAD = 2  # tasks per process that wait, or whose results wait

Task = TypeVar("Task")
Result = TypeVar("Result")


def core_count() -> int:
    """Count the processor cores that this process may use.

    Returns:
        At least one.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_order(work: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """Do tasks side by side; the results come in the order of the tasks.

    Few tasks are under way at a time, so that tasks may come from a generator and results may be large.

    Args:
        work: a function of a module (or a ``functools.partial`` of one), for it travels to the processes.
        tasks: its arguments, one call each.
        workers: processes. One works in this process.

    Yields:
        What each call returned.

    Raises:
        RarebeatError: when a process was killed.

    Example:
        >>> list(map_in_order(abs, [-1, 2, -3], workers=1))
        [1, 2, 3]
    """
    if workers <= 1:
        yield from map(work, tasks)
        return
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
            "a worker process was killed, probably for lack of memory: use fewer workers (--workers 1)"
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
