"""Processes side by side compute with one thread each, and leave nothing behind."""

import os
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


def test_nothing_else_starts_processes() -> None:
    source = Path(__file__).parents[2] / "src" / "rarebeat"
    found = [path.relative_to(source).as_posix() for path in source.rglob("*.py")
             if "ProcessPoolExecutor" in (text := path.read_text()) or "import multiprocessing" in text]  # fmt: skip
    assert found == ["core/parallel.py"]
