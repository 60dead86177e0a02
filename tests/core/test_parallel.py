"""Processes side by side compute with one thread each, and leave nothing behind."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parallel import map_in_order, process_pool


def test_a_process_has_one_thread_and_the_one_that_started_it_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with process_pool(1) as pool:
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
        assert pool.submit(os.getenv, "OPENBLAS_NUM_THREADS").result() == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_the_environment_comes_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with pytest.raises(ZeroDivisionError), process_pool(1) as pool:
        pool.submit(divmod, 1, 0).result()
    assert "OMP_NUM_THREADS" not in os.environ


def test_results_come_in_the_order_of_the_tasks_and_few_tasks_are_taken_ahead() -> None:
    taken = []

    def tasks() -> Iterator[range]:
        for number in range(12):
            taken.append(number)
            yield range(8_000_000 if number == 0 else number)  # the first takes longest

    results = map_in_order(sum, tasks(), workers=2)
    assert next(results) == sum(range(8_000_000))
    assert len(taken) == 5  # two for each process, and the first
    assert list(results) == [sum(range(number)) for number in range(1, 12)]


def test_one_worker_works_in_this_process() -> None:
    assert list(map_in_order(lambda _: os.getpid(), [1, 2], workers=1)) == [os.getpid()] * 2


def test_a_process_that_is_killed_is_told() -> None:
    with pytest.raises(RarebeatError, match=r"a worker process was killed.*--workers 1"):
        list(map_in_order(os._exit, [3, 3], workers=2))


PARENT = """
import os, sys, time
from rarebeat.core.parallel import process_pool

if __name__ == "__main__":
    with process_pool(2) as pool:
        print(*pool.map(slow_number, [0.5, 0.5]), flush=True)
        list(pool.map(time.sleep, [60, 60]))
""".replace("slow_number", "__import__('tests_number').number")


def test_processes_end_with_the_one_that_started_them_even_where_it_is_killed(tmp_path: Path) -> None:
    (tmp_path / "tests_number.py").write_text(
        "import os, time\ndef number(seconds):\n    time.sleep(seconds)\n    return os.getpid()\n"
    )
    (tmp_path / "parent.py").write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": f"{Path(__file__).parents[2] / 'src'}:{tmp_path}"}
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py")], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout
    with parent, parent.stdout:
        workers = [int(number) for number in parent.stdout.readline().split()]
        assert len(set(workers)) == 2
        assert all(map(is_running, workers))
        parent.kill()
    end = time.monotonic() + 60
    while any(map(is_running, workers)):
        assert time.monotonic() < end, "the workers outlive the process that started them"
        time.sleep(0.05)


def is_running(process: int) -> bool:
    """Whether there is a process that has not ended (one that nobody has waited for has)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_nothing_else_starts_processes() -> None:
    source = Path(__file__).parents[2] / "src" / "rarebeat"
    found = [path.relative_to(source).as_posix() for path in source.rglob("*.py")
             if "ProcessPoolExecutor" in (text := path.read_text()) or "import multiprocessing" in text]  # fmt: skip
    assert found == ["core/parallel.py"]
