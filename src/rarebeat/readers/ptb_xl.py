"""PTB-XL as published: ``ptbxl_database.csv`` with reports and SCP codes, records at 500 and 100 Hz."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import Record
from rarebeat.readers.discovery import physionet_help, read_csv, require_folder
from rarebeat.readers.fields import (
    Person,
    clean_age,
    clean_sex,
    clean_text,
    parse_codes,
    parse_fold,
    whole_number,
)
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import Entry
from rarebeat.readers.wfdb import read_wfdb
from rarebeat.readers.wfdb_header import person_of

NAMESPACE = "ptb-xl"
SEXES = {"0": "male", "1": "female"}

_TABLE = "ptbxl_database.csv"
_FILE_COLUMNS = {500: "filename_hr", 100: "filename_lr"}
_COLUMNS = ("patient_id", "age", "sex", "strat_fold", "report", "scp_codes")


@dataclass(frozen=True, config=STRICT)
class Options:
    """Options of this reader.

    Attributes:
        rate: which of the two published versions to read, in Hz.
    """

    rate: Literal[500, 100] = 500


def discover(root: Path, options: Mapping[str, Any]) -> list[Entry]:
    """Read the table of the database.

    Args:
        root: folder of the archive.
        options: see :class:`Options`.

    Returns:
        An entry for each row. One whose files are not there is refused when it is read: it is counted.

    Raises:
        MissingSourceError: when the table is missing.
        ParamsError: for an unknown option.
        RarebeatError: when the table lacks a column.
    """
    files = _FILE_COLUMNS[parse(Options, dict(options), "options").rate]
    help_text = physionet_help(root, "PTB-XL", "CC BY 4.0, 3 GB", "ptb-xl/1.0.3")
    require_folder(root, help_text)
    rows = read_csv(root / _TABLE, ["ecg_id", files, *_COLUMNS], help_text)
    return [
        Entry(
            row["ecg_id"],
            root / f"{row[files]}.hea",
            details={name: row[name] for name in _COLUMNS},
            source=NAMESPACE,
        )
        for row in rows
    ]


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one record.

    Args:
        entry: from :func:`discover`.
        pseudonym: makes the ids of record and patient.
        options: see :class:`Options`.

    Returns:
        The record, at its native rate. Age and sex are those of the table; of the header where that tells none.

    Raises:
        BadRecordError: when it cannot be trusted.
    """
    assert entry.path is not None
    header, signal, calibrated = read_wfdb(entry.path)
    row = entry.details
    patient = whole_number(row["patient_id"])
    person = Person(clean_age(row["age"]), clean_sex(row["sex"], SEXES)).otherwise(person_of(header.comments))
    return Record(
        record_id=pseudonym.record_id(entry.record_id),
        signal=signal,
        rate=header.rate,
        source=entry.source,
        patient_id=pseudonym.of(NAMESPACE, patient) if patient else None,
        age=person.age,
        sex=person.sex,
        fold=parse_fold(row["strat_fold"]),
        calibrated=calibrated,
        text=clean_text([row["report"]]),
        codes=parse_codes(row["scp_codes"], "scp"),
    )
