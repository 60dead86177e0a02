"""A Ray cluster of two machines on this one, for tests: each is a raylet with a processor and a store of its own."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

STORE = 100 << 20  # bytes; Ray takes no less than 75 MB


class TwoMachines:
    """The head, on which the test runs, and another machine that can be lost and replaced."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self.workers = f"ray:{cluster.address}"
        self.lost = False
        self._other = self._start()

    def _start(self) -> Any:
        return self._cluster.add_node(num_cpus=1, object_store_memory=STORE, resources={"other": 1})

    def lose_one(self) -> None:
        """Kill all processes of the other machine."""
        self._cluster.remove_node(self._other, allow_graceful=False)
        self.lost = True

    def replace_it(self) -> None:
        """Let another machine join."""
        self._other = self._start()


@contextmanager
def two_machines() -> Iterator[TwoMachines]:
    """Start a cluster on free ports, with its files in a temporary folder, and stop it."""
    pytest.importorskip("ray", reason="Ray is not installed (pip install rarebeat[scale])")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    Path(tempfile.gettempdir(), "ray").mkdir(
        exist_ok=True
    )  # where Ray notes the address, whatever `temp_dir` is
    with tempfile.TemporaryDirectory(
        prefix="ray", ignore_cleanup_errors=True
    ) as place:  # sockets want short paths
        head = {"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False, "temp_dir": place}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            yield TwoMachines(cluster)
        finally:
            cluster.shutdown()
