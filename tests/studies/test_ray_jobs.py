"""A study's cells as tasks of a Ray cluster of two machines, one of which is lost while its cell runs."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clusters import TwoMachines, two_machines
from tests.studies import sweep

from rarebeat.core.cluster.connection import connected
from rarebeat.studies.here import dvc
from rarebeat.studies.ray_jobs import ray_launcher


@pytest.fixture
def machines() -> Iterator[TwoMachines]:
    with two_machines() as found:
        yield found


def lose_one_when_both_work(machines: TwoMachines, project: Path, gate: Path) -> threading.Thread:
    def watch() -> None:
        while len(sweep.runs(project)) < 2:
            time.sleep(0.05)
        machines.lose_one()
        gate.touch()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


@pytest.mark.slow
def test_a_cell_whose_machine_is_lost_runs_on_another(
    project: Path, machines: TwoMachines, tmp_path: Path
) -> None:
    definition, gate = project / sweep.FOLDER / "dvc.yaml", tmp_path / "gate"
    wait = f"until [ -e {gate} ]; do sleep 0.2; done"  # so that both work until one is lost
    definition.write_text(definition.read_text().replace("sleep 0", wait))
    dvc("remote", "add", "--quiet", "--default", "store", str(tmp_path / "store"))
    watcher = lose_one_when_both_work(machines, project, gate)
    with connected(machines.workers) as ray:
        sweep.run_study(ray_launcher(ray, gpus=0))
    watcher.join(60)
    assert machines.lost
    assert (project / "table").read_text() == "3\n3\n"
    found = sweep.runs(project)
    assert {name for name, _ in found} == {"a", "b"}
    assert len(found) == 3  # the one that was lost, again
    assert project not in Path(found[0][1]).parents  # it saw nothing of the project but by the remote
