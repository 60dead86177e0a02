"""The commands that have a person check labels: from labels or predictions to who was wrong."""

import csv
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from tests.disputed_clinic import BRADYCARDIA, LAD, RECORDS, Clinic
from typer.testing import CliRunner

from rarebeat.audit.adjudication import read_disputed
from rarebeat.audit.precision import read_sample
from rarebeat.audit.verdicts import VERDICT_COLUMNS
from rarebeat.cli import audit as audit_commands
from rarebeat.cli.console import new_app
from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_json, write_csv
from rarebeat.core.parquet import write_table
from rarebeat.core.record_files import RECORD_SCHEMA
from rarebeat.labels.extract import label_cohort

app = new_app()
audit_commands.register(app)


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


# ------------------------------------------------------------------ model against label


def options(clinic: Clinic, **places: Path) -> list[object]:
    found = clinic.places | places
    return ["--records", found["records"], "--labels", found["labels"], "--workers", 1, "--bootstrap", 100]


@pytest.fixture(scope="module")
def out(disputed_clinic: Clinic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit of the simulated clinic, three ECGs per class and label."""
    folder = tmp_path_factory.mktemp("audited") / "out"
    told = run(
        "audit-model", folder, disputed_clinic.predictions, *options(disputed_clinic), "--per-class", 3
    )
    assert told.startswith("# Where model and labels disagree")
    assert told.endswith(f"6 ECGs on 1 pages -> {folder}\n")
    return folder


def test_the_folder_holds_ranks_numbers_and_a_page_for_each_disputed_class(
    out: Path, disputed_clinic: Clinic
) -> None:
    names = ["disagreements.csv", f"{LAD}.html", "summary.json", "summary.md", "to_judge.csv"]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    rows = list(csv.DictReader((out / "disagreements.csv").open()))
    planted = disputed_clinic.planted
    assert {row["record_id"] for row in rows[: len(planted)]} == planted
    first = rows[0]
    assert (first["class"], first["label"], first["signal"], first["rank"]) == (LAD, "present", "absent", "1")
    assert float(first["axis"]) > -30
    assert first["split"].startswith("fold-")
    summary = read_json(out / "summary.json")
    assert (summary["records"], summary["disagreements"]) == (RECORDS, len(rows))
    assert summary["kappa"][LAD]["model-signal"]["value"] > summary["kappa"][LAD]["label-signal"]["value"]
    assert summary["kappa"][BRADYCARDIA]["label-model"] == {
        "records": RECORDS,
        "value": 1,
        "low": 1,
        "high": 1,
    }
    assert [group["source"] for group in summary["groups"] if group["stands_out"]] == ["", "south"]
    assert "| left_axis_deviation | clinic |  south | present |" in (out / "summary.md").read_text()


def test_decisions_of_a_clinician_say_who_was_wrong(
    out: Path, disputed_clinic: Clinic, tmp_path: Path
) -> None:
    items = read_disputed(out / "to_judge.csv")
    assert len(items) == 6
    rows = []
    for item in items.values():  # Ann reads what is really there
        wrong = item.record.removeprefix("clinic ") in disputed_clinic.planted
        verdict = item.opinions["model" if wrong else "label"]
        rows.append((item.name, LAD, "disagreement", "present" if verdict else "absent", "", "Ann"))
    write_csv(tmp_path / "ann.csv", VERDICT_COLUMNS, rows)

    result = json.loads(run("model-verdicts", out / "to_judge.csv", tmp_path / "ann.csv", "--json"))
    (outcome,) = result["outcomes"]
    assert (outcome["decided"], outcome["label_wrong"], outcome["model_wrong"]) == (6, 5, 1)
    assert outcome["kappa"]["signal"]["value"] == 1
    assert outcome["kappa"]["model"]["value"] > 0 > outcome["kappa"]["label"]["value"]
    assert len(result["wrong_labels"]) == 5
    table = run("model-verdicts", out / "to_judge.csv", tmp_path / "ann.csv")
    assert "| Ann    | left_axis_deviation |       6 |" in table


def test_an_audit_replaces_only_its_like(out: Path, disputed_clinic: Clinic, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    arguments = [disputed_clinic.predictions, *options(disputed_clinic), "--per-class", 0]
    with pytest.raises(RarebeatError, match="is not empty"):
        run("audit-model", tmp_path, *arguments)
    assert (tmp_path / "thesis.txt").read_text() == "precious"
    before = (out / "disagreements.csv").read_bytes()
    shutil.copytree(out, tmp_path / "again")
    assert run("audit-model", tmp_path / "again", *arguments).endswith(
        f"0 ECGs on 0 pages -> {tmp_path / 'again'}\n"
    )
    assert not (tmp_path / "again" / f"{LAD}.html").exists()
    assert (tmp_path / "again" / "disagreements.csv").read_bytes() == before


def test_labels_of_another_vocabulary_are_told(disputed_clinic: Clinic, tmp_path: Path) -> None:
    label_cohort(
        disputed_clinic.places["records"] / "clinic",
        tmp_path / "labels" / "clinic",
        "hughes24",
        signal_checks=False,
    )
    with pytest.raises(RarebeatError, match="no class 'left_axis_deviation'"):
        run(
            "audit-model",
            tmp_path / "out",
            disputed_clinic.predictions,
            *options(disputed_clinic, labels=tmp_path / "labels"),
        )
    assert not (tmp_path / "out").exists()
