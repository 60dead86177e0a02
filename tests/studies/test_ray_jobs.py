"""A study's cells as tasks of a Ray cluster of two machines, one of which is lost while its cell runs."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clusters import TwoMachines, two_machines
from tests.studies import sweep

from rarebeat.core.cluster.connection import connected
from rarebeat.studies.here import dvc
from rarebeat.studies.ray_jobs import make_copy, ray_launcher


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


STAGE = """
from itertools import count
from pathlib import Path

for number in count():
    Path("models", str(number)).mkdir(parents=True)
    Path("models", str(number), "last.pt").touch()
"""

ORDER = """
import sys
from pathlib import Path
from rarebeat.studies.away import Order
from rarebeat.studies.ray_jobs import run_order
from rarebeat.studies.snapshot import pack

code = pack([Path("pipeline/cell.py")])
run_order(Order("stage", (), None, None, Path.cwd(), code, pack([]), {}), code)
"""


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of this machine, in which copies of the project lie."""
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_what_a_killed_process_has_left_is_removed_and_what_a_living_one_uses_is_not(copies: Path) -> None:
    program = "import sys; from pathlib import Path; from rarebeat.studies.ray_jobs import make_copy; "
    program += "print(make_copy(Path(sys.argv[1])))"
    words = [sys.executable, "-c", program, str(copies)]
    left = Path(subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip())
    (left / "weights").mkdir()
    (left / "weights" / "last.pt").write_text("large")
    others = copies / "study-of-mine"
    others.mkdir()
    first = make_copy(copies)
    second = make_copy(copies)
    assert sorted(copies.iterdir()) == sorted([others, first, second])
