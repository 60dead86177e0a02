"""Joining a Ray cluster, so that its machines run this very code."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rarebeat
from rarebeat.core.errors import RarebeatError, need

CLUSTER = "ray:"
"""How the address of a cluster begins."""

_STORE = (
    1 << 30
)  # bytes of results that a cluster which is started here may hold in memory; others go to its disk


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Join a cluster for the time of the block; a cluster that was joined before is used, and not left.

    Its machines need Python, Ray and the libraries of this package as they are here. The package itself travels to
    them, so that they run the code of this working tree, with one thread for each task.

    Args:
        address: of the cluster, see :func:`rarebeat.core.parallel.parse_workers`.

    Yields:
        The module ``ray``.

    Raises:
        RarebeatError: when Ray is not installed, or there is no such cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = need("ray", f"the cluster {address}", "scale")
    if ray.is_initialized():
        yield ray
        return
    where = address if address.startswith(f"{CLUSTER}//") else address.removeprefix(CLUSTER)
    started = {"include_dashboard": False, "object_store_memory": _STORE} if where == "local" else {}
    environment = {
        "py_modules": [str(Path(rarebeat.__file__).parent)],
        "env_vars": {"OMP_NUM_THREADS": "1"},  # which the other libraries of linear algebra look up, too
    }
    try:
        ray.init(
            address=where,
            runtime_env=environment,
            log_to_driver=False,
            logging_level=logging.ERROR,
            **started,
        )
    except (ConnectionError, ImportError, OSError, RuntimeError, ValueError) as error:
        ray.shutdown()
        raise RarebeatError(f"cannot join the Ray cluster {address}: {_said(error)}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _said(error: Exception) -> str:
    """What an error says; of one that was told from afar, with its traceback, the first line and the last."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0] if len(lines) == 1 else f"{lines[0]} {lines[-1]}"
