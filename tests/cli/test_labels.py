"""The commands about labels."""

import csv
from pathlib import Path

from typer.testing import CliRunner

from rarebeat.audit.label_noise import COLUMNS
from rarebeat.cli.console import new_app
from rarebeat.cli.labels import label_noise, label_text
from rarebeat.core.errors import ParamsError

app = new_app()
app.command()(label_noise)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_table_of_label_noise_is_printed_and_written(tmp_path: Path) -> None:
    path = tmp_path / "noise.csv"
    output = run("--records", "40", "--preset", "balanced", "--out", str(path))
    assert "Simulated reports, report to label:" in output
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 75


def test_an_explanation_is_full_anyway() -> None:
    one = new_app()
    one.command()(label_text)
    result = CliRunner().invoke(one, ["--explain", "Sinus rhythm", "--full"])
    assert isinstance(result.exception, ParamsError)
    assert "--explain, which tells all, does not take --full" in str(result.exception)


def test_examples_of_disagreements_are_shown_on_request() -> None:
    plain = run("--records", "150", "--preset", "balanced")
    shown = run("--records", "150", "--preset", "balanced", "--examples", "1")
    assert shown.startswith(plain.rstrip())
    assert ", label " in shown
    assert ", label " not in plain


def test_wordings_kept_back_can_be_asked_for() -> None:
    assert run("--records", "60", "--held-out", "1") != run("--records", "60")
