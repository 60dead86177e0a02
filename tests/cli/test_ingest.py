"""The command ``rarebeat ingest``: archives, cohorts of a params file, and what it depends on."""

import ast
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rarebeat.cli import ingest as module
from rarebeat.cli.console import new_app
from rarebeat.core.errors import ParamsError
from rarebeat.core.files import read_json

PARAMS = """\
cohorts:
  clinic: {kind: simulated, options: {records: 3, seed: 1}}
  typo: {kind: simulated, optoins: {}}
"""


@pytest.fixture(autouse=True)
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)


def run(*arguments: str) -> Result:
    app = new_app()
    app.command()(module.ingest)
    return CliRunner().invoke(app, [*arguments, "--workers", "1"])


def test_an_archive_is_read_with_options() -> None:
    result = run("simulated", "-", "records/mine", "-o", "records=2")
    assert result.output == "mine: 2 records, 0 quarantined\nwritten to records/mine\n"
    assert read_json(Path("records/mine/summary.json"))["cohort"] == "mine"


def test_a_cohort_of_the_params_file_is_read_and_options_change_it() -> None:
    assert run("cohort", "clinic", "out/a").output.startswith("clinic: 3 records, ")
    assert run("cohort", "clinic", "out/b", "-o", "records=1").output.startswith("clinic: 1 records, ")
    assert read_json(Path("out/a/summary.json"))["cohort"] == "clinic"


def test_records_that_cannot_be_labelled_are_told_with_the_kind_that_the_folder_looks_like(
    wfdb_record: Path,
) -> None:
    (wfdb_record.parent / "ptbxl_database.csv").touch()
    told = run("ludb", str(wfdb_record.parent), "out").output
    assert "no record has a report or codes" in told
    assert "The folder holds ptbxl_database.csv: is it of kind ptb-xl?" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cohort", "clinc", "out"), r"no cohort 'clinc'.*did you mean 'clinic'\?"),
        (("cohort", "hospital", "out"), "no cohort 'hospital'.*; there are: clinic, typo"),
        (("cohort", "typo", "out"), r"cohorts\.typo\.optoins: .*did you mean 'options'\?"),
        (("simulatd", "-", "out"), r"unknown kind of archive 'simulatd'; did you mean 'simulated'\?"),
        (("simulated", "-", "out", "-o", "recrods=2"), r"recrods: .*did you mean 'records'\?"),
        (("simulated", "-", "out", "-o", "records"), "--option takes key=value, found 'records'"),
        (("simulated", "-", "out", "-o", "records=1", "-o", "records=2"), "--option records is there twice"),
        (("simulated", "-", "out", "--params", "params.yaml"), "kind simulated.* does not take --params"),
    ],
)
def test_what_is_misspelt_is_answered_with_the_nearest(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ParamsError, match=f"(?s){message}"):
        raise run(*arguments).exception or AssertionError("no error")
    assert not Path("out").exists()


def test_the_stage_depends_on_readers_and_core_alone() -> None:
    """The pipeline runs this function; what it imports is what an edit makes stale."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = {name for name in imported if name.startswith("rarebeat.")}
    assert {name.split(".")[1] for name in ours - {"rarebeat.cli.console"}} == {"core", "readers"}
