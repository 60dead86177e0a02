"""MIMIC-IV-ECG as published: ``record_list.csv``, ``machine_measurements.csv`` and WFDB records.

Leads are taken by name: they are stored with aVF before aVL. The reports are those of the machine, and no person has
confirmed them.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import Record
from rarebeat.readers.contract.stored import numbers_alone
from rarebeat.readers.discovery import physionet_help, read_table, require_folder
from rarebeat.readers.fields import clean_age, clean_sex, whole_number
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import Entry
from rarebeat.readers.wfdb import folder

NAMESPACE = "mimic-iv"

_RECORDS, _MEASUREMENTS = "record_list.csv", "machine_measurements.csv"
_COLUMNS = {
    "csv": _RECORDS,
    "record_column": "path",
    "patient_column": "subject_id",
    "patient_namespace": NAMESPACE,
    "text_csv": _MEASUREMENTS,
    "text_key": "study_id",
    "text_column": "report_*",
    "source": "mimic-iv-ecg",
}


@dataclass(frozen=True, config=STRICT)
class Options:
    """Options of this reader. The archive itself tells neither age nor sex.

    Attributes:
        patients_csv: the table ``patients.csv`` of MIMIC-IV (unpacked), absolute or relative to the folder: it tells
            both. The age is that of the year of the recording.
    """

    patients_csv: str | None = None


def discover(root: Path, options: Mapping[str, Any]) -> list[Entry]:
    """Join record list, machine measurements and, where they are named, patients.

    Args:
        root: folder of the archive.
        options: see :class:`Options`.

    Returns:
        An entry for each row of the record list.

    Raises:
        MissingSourceError: when a table is missing.
        ParamsError: for an unknown option.
        RarebeatError: when a table lacks a column.
    """
    settings = parse(Options, dict(options), "options")
    help_text = physionet_help(root, "MIMIC-IV-ECG", "ODbL 1.0, 34 GB", "mimic-iv-ecg/1.0")
    require_folder(root, help_text)
    rows = read_table(root / _RECORDS, ["study_id", "subject_id", "path", "ecg_time"], help_text)
    measured = read_table(root / _MEASUREMENTS, ["study_id"], help_text)
    filters = {row["study_id"]: _filters(row) for row in measured}
    people = _people(root, settings.patients_csv)
    by_path = {row["path"].strip(): row for row in rows}
    entries = []
    for entry in folder.discover(root, _COLUMNS):
        row = by_path.get(entry.record_id)
        if row is None:  # lies in the archive's folders, and is in no row
            entries.append(entry)
            continue
        age, sex = _person(people.get(whole_number(row["subject_id"])), row["ecg_time"])
        details = {**entry.details, "age": age, "sex": sex, "filters": filters.get(row["study_id"], "")}
        entries.append(replace(entry, details=details))
    return entries


def _filters(row: Mapping[str, str]) -> str:
    return ", ".join(filter(None, (numbers_alone(row.get(name, "")) for name in ("bandwidth", "filtering"))))


def _people(root: Path, table: str | None) -> dict[str, dict[str, str]]:
    if table is None:
        return {}
    columns = ["subject_id", "gender", "anchor_age", "anchor_year"]
    rows = read_table(root / Path(table).expanduser(), columns, "The option patients_csv names it.")
    return {whole_number(row["subject_id"]): row for row in rows}


def _person(row: Mapping[str, str] | None, time: str) -> tuple[str, str]:
    """Age in the year of the recording, and sex, as cells."""
    if row is None:
        return "", ""
    age, anchor, year = clean_age(row["anchor_age"]), row["anchor_year"].strip(), time.strip()[:4]
    told = age is not None and anchor.isdigit() and year.isdigit()
    return (f"{age + int(year) - int(anchor):g}" if told and age is not None else ""), clean_sex(
        row["gender"]
    ) or ""


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one record.

    Args:
        entry: from :func:`discover`.
        pseudonym: makes the ids of record and patient.
        options: see :class:`Options`.

    Returns:
        The record, with the machine's report.

    Raises:
        BadRecordError: when it cannot be trusted: some records hold samples marked as invalid, or a lead of zeros.
    """
    record = folder.read(entry, pseudonym, _COLUMNS)
    return replace(
        record,
        report_status="unconfirmed" if record.text else None,
        stored=replace(record.stored, filters=entry.details["filters"]),
    )
