"""How much memory a process may use: the least of what the machine has and of all limits on it."""

import resource
from pathlib import Path

import pytest
from tests.dataset.test_stored import SAMPLES, write

from rarebeat.dataset import memory
from rarebeat.dataset.memory import Memory, allowed_memory, streams

GIB = 2**30
UNLIMITED = resource.RLIM_INFINITY


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A machine of 64 GiB with a process in the group /jobs/one, without limits: its /proc and its /sys/fs/cgroup."""
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text(f"MemTotal:       {64 * GIB // 1024} kB\nMemFree:  1000 kB\n")
    (proc / "self" / "cgroup").write_text("4:cpu,memory:/jobs/one\n1:cpu:/\n0::/jobs/one\n")
    (proc / "self" / "status").write_text("Name: python\nVmSize: 3145728 kB\nVmData: 1048576 kB\n")
    for top in (groups, groups / "memory"):
        (top / "jobs" / "one").mkdir(parents=True)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (UNLIMITED, UNLIMITED))
    return proc, groups


def test_without_limits_it_is_what_the_machine_has(system: tuple[Path, Path]) -> None:
    assert allowed_memory(*system) == 64 * GIB


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("jobs/one/memory.max", f"{8 * GIB}\n", 8),
        ("jobs/one/memory.max", "max\n", 64),
        ("jobs/memory.max", f"{4 * GIB}\n", 4),  # of the group around it
        ("jobs/other/memory.max", f"{4 * GIB}\n", 64),
        ("memory/jobs/one/memory.limit_in_bytes", f"{2 * GIB}\n", 2),
        ("memory/memory.limit_in_bytes", "9223372036854771712\n", 64),  # version 1 for: none
    ],
)
def test_control_groups_of_both_versions_count(
    system: tuple[Path, Path], file: str, content: str, expected: int
) -> None:
    place = system[1] / file
    place.parent.mkdir(exist_ok=True)
    place.write_text(content)
    assert allowed_memory(*system) == expected * GIB


@pytest.mark.parametrize(
    ("kind", "limit", "expected"),
    [
        (resource.RLIMIT_AS, 10 * GIB, 7),  # 3 GiB are mapped already
        (resource.RLIMIT_DATA, 10 * GIB, 9),
        (resource.RLIMIT_AS, 2 * GIB, 0),
        (resource.RLIMIT_NOFILE, 1, 64),
    ],
)
def test_what_the_limits_of_the_process_leave_counts(
    system: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, kind: int, limit: int, expected: int
) -> None:
    monkeypatch.setattr(
        resource, "getrlimit", lambda asked: (limit if asked == kind else UNLIMITED, UNLIMITED)
    )
    assert allowed_memory(*system) == expected * GIB


def test_a_system_without_control_groups_has_no_limit_of_theirs(system: tuple[Path, Path]) -> None:
    (system[0] / "self" / "cgroup").unlink()
    assert allowed_memory(*system) == 64 * GIB


def test_this_machine_has_some() -> None:
    assert allowed_memory() > 2**20


@pytest.mark.parametrize(
    ("wanted", "allowed", "expected"),
    [("auto", 3.0, False), ("auto", 2.9, True), ("whole", 0, False), ("stream", 1000, True)],
)
def test_signals_are_streamed_where_they_take_more_than_a_third(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: Memory, allowed: float, expected: bool
) -> None:
    write(tmp_path, 20)
    write(tmp_path, 10, "validation")
    needed = 30 * 12 * SAMPLES * 2
    monkeypatch.setattr(memory, "allowed_memory", lambda: allowed * needed)
    assert streams(wanted, tmp_path) == expected


def test_processes_of_one_machine_share_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 20)
    write(tmp_path, 10, "validation")
    monkeypatch.setattr(memory, "allowed_memory", lambda: 6 * 30 * 12 * SAMPLES * 2)
    assert [streams("auto", tmp_path, processes) for processes in (1, 2, 3)] == [False, False, True]
