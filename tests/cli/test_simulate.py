"""The command ``rarebeat simulate``."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rarebeat.cli.console import new_app
from rarebeat.cli.simulate import simulate
from rarebeat.core.errors import ParamsError
from rarebeat.simulator.clinic import recording_at
from rarebeat.simulator.settings import SimulatorSettings
from rarebeat.simulator.truth import CLASSES


def run(*arguments: str) -> Result:
    app = new_app()
    app.command()(simulate)
    return CliRunner().invoke(app, arguments)


def test_an_archive_is_written_and_the_way_to_read_it_told(tmp_path: Path) -> None:
    out = tmp_path / "exports"
    result = run(str(out), "--format", "muse-xml", "--records", "2", "--workers", "1")
    assert result.exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["sim-000000.xml", "sim-000001.xml", "truth.csv"]
    assert f"rarebeat ingest muse-xml {out} data/records/exports" in result.stdout


def test_one_ecg_of_a_class_is_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    result = run("--class", "bigeminy", "--picture", str(picture), "--preset", "balanced")
    assert result.exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in result.stdout


def test_classes_are_counted_without_making_signals() -> None:
    result = run("--counts", "--records", "60", "--preset", "hughes")
    lines = [line.split() for line in result.stdout.splitlines()]
    found = {name: int(number) for name, number in lines}
    truths = [recording_at(index, SimulatorSettings(preset="hughes")).truth for index in range(60)]
    assert found == {name: sum(name in truth for truth in truths) for name in CLASSES}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "one thing"),
        (("out", "--gallery", "pictures"), "one thing"),
        (("out", "--counts"), "one thing"),
        (("--picture", "page.png"), "--class"),
        (("--counts", "--class", "avnrt"), "--class"),
        (
            ("--gallery", "pictures", "--class", "avnrt", "--rate", "250"),
            "--gallery does not take --class, --rate",
        ),
        (
            ("--picture", "page.png", "--class", "avnrt", "--records", "100"),
            "--picture does not take --records",
        ),
        (("--counts", "--label-noise", "0"), "--counts does not take --label-noise"),
        (("out", "--preset", "circus"), "preset"),
        (("out", "--records", "0"), "records"),
        (("out", "--format", "hdf5"), "hdf5"),
        (("--picture", "page.png", "--class", "hiccups"), "hiccups"),
    ],
)
def test_what_cannot_be_done_is_named(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert isinstance(result.exception, ParamsError)
    assert message in str(result.exception)
    assert list(tmp_path.iterdir()) == []
