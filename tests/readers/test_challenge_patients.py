"""Which records of a challenge archive belong to one patient: what a table tells, and what nobody does."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.record_files import iterate_rows
from rarebeat.dataset.prepare import PrepareSettings, prepare
from rarebeat.labels.extract import label_cohort
from rarebeat.readers import challenge
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.summary import summary_lines
from rarebeat.simulator.archives.archive import write_archive
from rarebeat.simulator.settings import SimulatorSettings

SETTINGS = SimulatorSettings(records=60, seconds=10, seed=3)
OPTIONS = {"record_column": "record", "patient_column": "patient_id", "patient_namespace": "clinic"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated archive in the challenge's form, and the table of who its patients are."""
    root = tmp_path_factory.mktemp("archives") / "challenge"
    write_archive(root, "challenge", SETTINGS, workers=1)
    write_archive(root.parent / "wfdb", "wfdb", SETTINGS, workers=1)
    (root.parent / "wfdb" / "records.csv").rename(root.parent / "patients.csv")
    return root


def _splits(
    out: Path, rows: list[dict[str, object]], folder: Path
) -> tuple[dict[str, set[str]], dict[str, object]]:
    """The splits of each true patient, and prepare's summary."""
    label_cohort(out, folder / "labels" / out.name, "cinc2020", signal_checks=False)
    summary = prepare(out.parent, folder / "labels", folder / "shards", [out.name], PrepareSettings())
    import pyarrow.parquet as pq

    truth = {str(row["record"]): str(row["patient_id"]) for row in rows}
    found: dict[str, set[str]] = defaultdict(set)
    for row in pq.read_table(folder / "shards" / "splits.parquet").to_pylist():
        found[truth[row["record_id"]]].add(row["split"])
    return found, summary


def test_without_a_table_the_split_is_by_record_and_says_so(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "records" / "sim"
    summary = ingest_cohort("challenge", archive, out, workers=1)
    assert (summary["records"], summary["patients"], summary["without_patient"]) == (60, 0, 60)
    lines = summary_lines("sim", "challenge", archive, summary)
    assert any("the patient of 60 records is not known" in line for line in lines)
    with (archive.parent / "patients.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    splits, prepared = _splits(out, rows, tmp_path)
    assert max(map(len, splits.values())) > 1  # patients on both sides: what the warning is about
    warning = "cohort sim does not tell the patient of 60 of 60 records"
    assert any(warning in line for line in prepared["warnings"])
    assert prepared["splits"]["test"]["without_patient"] == prepared["splits"]["test"]["records"]


def test_with_a_table_no_patient_is_in_two_splits(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "records" / "sim"
    options = OPTIONS | {"patients_csv": str(archive.parent / "patients.csv")}
    summary = ingest_cohort("challenge", archive, out, options=options, workers=1)
    with (archive.parent / "patients.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert summary["patients"] == len({row["patient_id"] for row in rows})
    assert "without_patient" not in summary
    splits, prepared = _splits(out, rows, tmp_path)
    assert set(map(len, splits.values())) == {1}
    assert not any("patient" in line for line in prepared["warnings"])
    assert "without_patient" not in prepared["splits"]["test"]


def test_records_of_ptb_xl_are_linked_by_its_own_table(archive: Path, tmp_path: Path) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    for place, name in (("sim-000000", "HR00017"), ("sim-000001", "A0017")):
        for ending in (".hea", ".mat"):
            content = (archive / f"{place}{ending}").read_bytes()
            (root / f"{name}{ending}").write_bytes(content.replace(place.encode(), name.encode()))
    (root / "ptbxl_database.csv").write_text(
        "ecg_id,patient_id,age\n17,15709.0,5\n18,8,5\n", encoding="utf-8"
    )
    summary = ingest_cohort(
        "challenge", root, tmp_path / "out", options={"patients_csv": "ptbxl_database.csv"}, workers=1
    )
    found = {
        row["record_id"]: row["patient_id"]
        for row in iterate_rows(tmp_path / "out", ["record_id", "patient_id"])
    }
    assert found == {"HR00017": Pseudonym().of("ptb-xl", "15709"), "A0017": None}
    assert (summary["patients"], summary["without_patient"]) == (1, 1)


def test_a_patient_that_the_table_does_not_tell_is_not_known(archive: Path, tmp_path: Path) -> None:
    """As pandas writes what is missing: "nan" is no patient who has had all those recordings."""
    table = tmp_path / "patients.csv"
    table.write_text("record,patient_id\nsim-000000,nan\nsim-000001,NaN\nsim-000002,\nsim-000003,7.0\n")
    entries = challenge.discover(archive, OPTIONS | {"patients_csv": str(table)})
    told = {entry.record_id: entry.details["patient"] for entry in entries if entry.details}
    assert told == {"sim-000003": ("clinic", "7")}


def test_a_record_of_two_patients_is_told(archive: Path, tmp_path: Path) -> None:
    table = tmp_path / "patients.csv"
    table.write_text("record,patient_id\nsim-000000,7\nsim-000000,7.0\n")
    assert challenge.discover(archive, OPTIONS | {"patients_csv": str(table)})
    table.write_text("record,patient_id\nsim-000000,7\nsim-000000,8\n")
    with pytest.raises(RarebeatError, match=r"patients\.csv: the record 'sim-000000' has two patients"):
        challenge.discover(archive, OPTIONS | {"patients_csv": str(table)})


def test_a_table_without_the_columns_is_told(archive: Path) -> None:
    with pytest.raises(RarebeatError, match="ecg_id"):
        challenge.discover(archive, {"patients_csv": str(archive.parent / "patients.csv")})
