"""Several processes side by side, one thread each."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that are ended, whatever happens.

    Linear algebra in each of them keeps to one thread: with as many threads as cores in every process, they wait
    for each other, and two processes are slower than one. Libraries read how many they may have when they are
    loaded, so it stands in the environment for as long as processes may be started. Spawned processes are the same
    on every system, and inherit no threads from Arrow.

    Args:
        workers: how many.
    """
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
