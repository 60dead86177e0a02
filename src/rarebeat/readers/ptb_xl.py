"""PTB-XL as published: ``ptbxl_database.csv`` with reports and SCP codes, records at 500 and 100 Hz."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from rarebeat.core.errors import BadRecordError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import Record
from rarebeat.readers.contract.stored import stored_in
from rarebeat.readers.discovery import physionet_help, read_table, require_folder, unlisted_entries
from rarebeat.readers.fields import (
    Person,
    clean_age,
    clean_sex,
    clean_text,
    mark_incomplete,
    not_understood,
    parse_codes,
    parse_patient,
    trusted_fold,
)
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import Entry
from rarebeat.readers.wfdb.header import person_of
from rarebeat.readers.wfdb.records import read_wfdb

NAMESPACE = "ptb-xl"
SEXES = {"0": "male", "1": "female"}

_FOLDS = 10
_TABLE = "ptbxl_database.csv"
_FILE_COLUMNS = {500: "filename_hr", 100: "filename_lr"}
_COLUMNS = ("patient_id", "age", "sex", "strat_fold", "report", "scp_codes")


@dataclass(frozen=True, config=STRICT)
class Options:
    """Options of this reader.

    Attributes:
        rate: which of the two published versions to read, in Hz.
        complete_column: a column of the table that tells whether the codes of a record are all that apply (true or
            false). Where they are not, a class that they do not name is unknown, not absent. None: they are.
    """

    rate: Literal[500, 100] = 500
    complete_column: str | None = None


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
    settings = parse(Options, dict(options), "options")
    files = _FILE_COLUMNS[settings.rate]
    columns = [*_COLUMNS, settings.complete_column] if settings.complete_column else [*_COLUMNS]
    help_text = physionet_help(root, "PTB-XL", "CC BY 4.0, 3 GB", "ptb-xl/1.0.3")
    require_folder(root, help_text)
    rows = read_table(root / _TABLE, ["ecg_id", files, *columns], help_text)
    entries = [
        Entry(
            row["ecg_id"],
            root / f"{row[files]}.hea",
            details={name: row[name] for name in columns}
            | {"complete": row[settings.complete_column] if settings.complete_column else None},
            source=NAMESPACE,
        )
        for row in rows
    ]
    return entries + unlisted_entries(root, entries)


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
    _check_row(entry)
    header, signal, calibrated = read_wfdb(entry.path)
    if header.rate != parse(Options, dict(options), "options").rate:
        raise BadRecordError(
            "header_mismatch", f"the header says {header.rate:g} Hz, and its folder another rate"
        )
    row = entry.details
    patient, fold = (
        parse_patient(row["patient_id"], NAMESPACE),
        trusted_fold(row["strat_fold"], _FOLDS, lowest=1),
    )
    if patient is None or fold is None:
        raise BadRecordError("header_mismatch", "patient_id or strat_fold is empty, as in no row of PTB-XL")
    age, sex = clean_age(row["age"]), clean_sex(row["sex"], SEXES)
    if wrong := not_understood(age=(row["age"], age), sex=(row["sex"], sex)):
        raise BadRecordError("header_mismatch", f"{' and '.join(wrong)} of the row are not where they belong")
    person = Person(age, sex).otherwise(person_of(header.comments))
    return Record(
        record_id=pseudonym.record_id(entry.record_id),
        signal=signal,
        rate=header.rate,
        source=entry.source,
        patient_id=pseudonym.of(NAMESPACE, patient),
        age=person.age,
        sex=person.sex,
        fold=fold,
        calibrated=calibrated,
        text=clean_text([row["report"]]),
        codes=mark_incomplete(parse_codes(row["scp_codes"], "scp"), row["complete"]),
        stored=stored_in(header),
    )


def _check_row(entry: Entry) -> None:
    """Refuse a row whose cells are not where they should be: it names the file of another record, or no patient."""
    assert entry.path is not None
    number, row = entry.record_id.strip(), entry.details
    if not number.isdecimal() or not entry.path.stem.startswith(f"{int(number):05d}_"):
        raise BadRecordError("header_mismatch", f"the row of ecg_id {number[:20]!r} names {entry.path.name}")
    if row["scp_codes"].strip()[:1] not in ("{", ""):
        raise BadRecordError("header_mismatch", "scp_codes is not a dictionary")
