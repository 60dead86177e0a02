"""Ingest, label and prepare on a cluster of two machines, one of which is lost, write the same bytes as here."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clusters import TwoMachines, two_machines

from rarebeat.core.cluster.connection import connected
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import digest
from rarebeat.core.parallel import Workers
from rarebeat.core.record_files import read_quarantine
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.labels.extract import label_cohort
from rarebeat.readers import ingest as module
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.registry import Entry
from rarebeat.readers.summary import Tally
from rarebeat.simulator.archives.archive import write_archive
from rarebeat.simulator.settings import SimulatorSettings

RECORDS, PART = 48, 4


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder of WFDB records, one of which cannot be read."""
    root = tmp_path / "archive"
    write_archive(root, "challenge", SimulatorSettings(records=RECORDS, seed=3), workers=1)
    damaged = sorted(root.rglob("*.mat"))[5]
    damaged.write_bytes(damaged.read_bytes()[:100])
    return root


def run_stages(archive: Path, out: Path, workers: Workers) -> None:
    ingest_cohort("challenge", archive, out / "records" / "ward", workers=workers, part_size=PART)
    label_cohort(out / "records" / "ward", out / "labels" / "ward", "hughes24", workers=workers)
    prepare(out / "records", out / "labels", out / "shards", ["ward"], PrepareSettings(), workers=workers)


def written(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): digest(path) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def machines() -> Iterator[TwoMachines]:
    with two_machines() as found:
        yield found


def lose_one_in_the_middle(monkeypatch: pytest.MonkeyPatch, machines: TwoMachines) -> None:
    """Kill a machine when half of the parts are here."""
    add, parts = Tally.add, 0

    def add_and_count(total: Tally, tally: Tally) -> None:
        nonlocal parts
        parts += 1
        if parts == RECORDS // PART // 2:
            machines.lose_one()
        add(total, tally)

    monkeypatch.setattr(Tally, "add", add_and_count)


@pytest.mark.slow
def test_a_cluster_writes_the_same_bytes_also_when_it_loses_a_machine(
    machines: TwoMachines, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_stages(archive, tmp_path / "here", 1)
    assert len(read_quarantine(tmp_path / "here" / "records" / "ward")) == 1
    lose_one_in_the_middle(monkeypatch, machines)
    with connected(machines.workers):  # once for all stages
        run_stages(archive, tmp_path / "there", machines.workers)
    assert machines.lost
    assert written(tmp_path / "there") == written(tmp_path / "here")


def test_processes_write_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        run_stages(archive, tmp_path / str(workers), workers)
    assert written(tmp_path / "1") == written(tmp_path / "2")


def test_a_machine_that_does_not_see_the_archive_refuses_no_record(archive: Path, tmp_path: Path) -> None:
    path = next(archive.rglob("*.hea"))
    shutil.rmtree(archive)  # as it looks on a machine where it is not mounted
    job = module.Job("challenge", archive, tmp_path, "ward", {}, module.Pseudonym())
    with pytest.raises(RarebeatError, match=r"of the cluster cannot read .*\.hea.*must be on a file system"):
        module._read_chunk_away(job, (0, [Entry("r1", path)], path))
