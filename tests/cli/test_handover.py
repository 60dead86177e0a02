"""The command ``rarebeat restore``: which run is meant."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rarebeat.cli.console import new_app
from rarebeat.cli.handover import restore
from rarebeat.core.errors import ParamsError
from rarebeat.tracking import models, runs


def run(folder: Path, *options: str) -> Result:
    params = folder / "params.yaml"
    params.write_text("{}")
    app = new_app()
    app.command()(restore)
    return CliRunner().invoke(app, [str(folder / "best"), "--params", str(params), *options])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--metric", "macro.auprc"), "--run does not take --metric"),
        (("--metric", "validation/auroc"), "--run does not take --metric"),
        (("--lowest", "--metric", "validation/loss"), "--run does not take --metric, --lowest"),
    ],
)
def test_a_run_that_is_named_is_not_compared(options: tuple[str, ...], message: str, tmp_path: Path) -> None:
    result = run(tmp_path, "--run", "0f3c", *options)
    assert isinstance(result.exception, ParamsError)
    assert str(result.exception) == message


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (("--run", "0f3c"), ("0f3c", "validation/auroc", False)),
        (("--metric", "validation/loss", "--lowest"), (None, "validation/loss", True)),
    ],
)
def test_a_run_or_a_measure_is_told(
    options: tuple[str, ...],
    asked: tuple[object, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "connect", lambda content: None)
    monkeypatch.setattr(models, "restore_model", lambda tracker, out, *told: told)
    result = run(tmp_path, *options)
    assert result.stdout == f"{asked} -> {tmp_path / 'best'}\n"
