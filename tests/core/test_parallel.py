"""Processes side by side compute with one thread each, and leave nothing behind."""

import os

import pytest

from rarebeat.core.parallel import process_pool


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
