"""Benchmarks are scripts, not a package: tests import one by its name."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    names: list[str] = []

    def module(name: str) -> ModuleType:
        names.append(name)
        return importlib.import_module(name)

    yield module
    for name in names:
        del sys.modules[name]
