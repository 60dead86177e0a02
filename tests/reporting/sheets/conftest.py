"""One small run for all tests of the sheets."""

from pathlib import Path

import pytest
from tests.reporting.sheets.run import Run, make_run

from rarebeat.reporting.sheets.facts import RunFacts


@pytest.fixture(scope="package")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="package")
def facts(run: Run) -> RunFacts:
    return run.facts()


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    path = tmp_path / "answers.yaml"
    path.write_text("18a: Funded by nobody.\n1: A title of our own.\n")
    return path
