"""Work on a Ray cluster, task by task: results come in order, and what a lost machine was doing is done again."""

import os
import platform
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from rarebeat.core.cluster.connection import connected
from rarebeat.core.errors import RarebeatError

_AHEAD = 2  # tasks for each processor that are under way, or whose results wait

RETRIES = 5
"""How often a task is begun anew whose process or machine was lost. One that ends every process must end, too."""

Task = TypeVar("Task")
Result = TypeVar("Result")


def map_on_cluster(work: Callable[[Task], Result], tasks: Iterable[Task], address: str) -> Iterator[Result]:
    """Do tasks on the processors of a cluster, one each; the results come in the order of the tasks.

    Tasks run in the folder in which this process runs, which every machine of the cluster must see under the same path.
    No more than two tasks for each processor are under way, so that neither tasks nor results pile up.

    Args:
        work: a function of a module of this package, or a ``functools.partial`` of one. It may run more than once for
            a task, at the same time even, so that it must return what it makes and write nothing.
        tasks: its arguments, one call each.
        address: of the cluster, see :func:`rarebeat.core.parallel.parse_workers`.

    Yields:
        What each call returned. Arrays are read-only.

    Raises:
        RarebeatError: when there is no such cluster, a machine of it does not see the folder, or a task was lost too
            often. What ``work`` raises is raised here.
    """
    with connected(address) as ray:
        call = ray.remote(num_cpus=1, max_retries=RETRIES)(_call)
        shared, place = ray.put(work), os.getcwd()  # noqa: PTH109 - as text, for other machines
        waiting: deque[Any] = deque()
        try:
            for task in tasks:
                waiting.append(call.remote(shared, task, place))
                if len(waiting) > _AHEAD * _processors(ray):
                    yield _result(ray, waiting.popleft())
            while waiting:
                yield _result(ray, waiting.popleft())
        finally:
            for reference in waiting:
                ray.cancel(reference, force=True)


def _processors(ray: Any) -> int:
    """How many there are now: a cluster may grow while it works."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _call(work: Callable[[Task], Result], task: Task, place: str) -> Result:
    """Do one task (in a process of the cluster)."""
    try:
        os.chdir(place)
    except OSError as error:
        raise RarebeatError(
            f"the machine {platform.node()} of the cluster does not see {place} ({error.strerror}): the project must "
            "be on a file system that all its machines see under the same path"
        ) from error
    return work(task)


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        said = " ".join(str(error).split())[:500]
        raise RarebeatError(
            f"a task was lost with the process or machine of the cluster that did it, {RETRIES + 1} times: {said}"
        ) from error
