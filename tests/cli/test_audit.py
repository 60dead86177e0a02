"""The commands to check labels by hand, from labels of a cohort to a table."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from rarebeat.audit.precision import read_sample
from rarebeat.audit.verdicts import VERDICT_COLUMNS
from rarebeat.cli import audit as audit_commands
from rarebeat.cli.console import new_app
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import write_csv, write_table
from rarebeat.core.records import RECORD_SCHEMA
from rarebeat.labels.extract import label_cohort

app = new_app()
app.command()(audit_commands.audit)
app.command()(audit_commands.verdicts)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 reports with their labels."""
    folder = tmp_path_factory.mktemp("data")
    row = {"cohort": "clinic", "source": "", "rate": 500.0, "samples": 2, "calibrated": True, "codes": []}
    rows = [
        {**row, "record_id": f"r{number}", "fingerprint": "", "signal": bytes(48), "text": "Sinus rhythm"}
        for number in range(40)
    ]
    records = folder / "records" / "clinic"
    write_table(records / "part-00000.parquet", pa.Table.from_pylist(rows, schema=RECORD_SCHEMA))
    label_cohort(records, folder / "labels" / "clinic", "hughes24")
    return folder


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_an_audit_is_drawn_judged_and_summarised(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit"
    options = ["--per-kind", 3, "--statements", 5, "--class", "sinus_rhythm"]
    told = run("audit", out, data / "labels" / "clinic", "--records", data / "records", *options)
    sample = read_sample(out / "sample.csv")
    assert told.startswith(f"{len(sample)} items of 40 records -> ")
    hits = [item for item in sample.values() if item.kind == "hit"]
    assert [item.classes for item in hits] == [("sinus_rhythm",)] * 3
    rows = [(item.name, "sinus_rhythm", "hit", "right", "", "Ann") for item in hits]
    write_csv(tmp_path / "ann.csv", VERDICT_COLUMNS, rows)

    assert "| sinus_rhythm | 1.00 (" in run("verdicts", out / "sample.csv", tmp_path / "ann.csv")
    result = json.loads(run("verdicts", out / "sample.csv", tmp_path / "ann.csv", "--json"))
    assert result["classes"]["sinus_rhythm"]["hit"]["right"] == 1
    assert result["readers"] == {"Ann": 3}


def test_a_cohort_without_labels_is_told(data: Path, tmp_path: Path) -> None:
    (tmp_path / "clinic").mkdir()
    with pytest.raises(RarebeatError, match=r"cannot read .*text\.parquet"):
        run("audit", tmp_path / "audit", tmp_path / "clinic", "--records", data / "records")
    assert not (tmp_path / "audit").exists()
