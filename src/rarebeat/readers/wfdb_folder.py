"""Any folder of WFDB records with a CSV that describes them: its options say which column holds what."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from rarebeat.core.errors import MissingSourceError, ParamsError, RarebeatError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import Record
from rarebeat.readers.discovery import read_csv, require_folder
from rarebeat.readers.fields import (
    Person,
    clean_age,
    clean_sex,
    clean_text,
    parse_codes,
    parse_fold,
    whole_number,
)
from rarebeat.readers.privacy import Pseudonym, redact
from rarebeat.readers.registry import Entry
from rarebeat.readers.wfdb import read_wfdb
from rarebeat.readers.wfdb_header import person_of

RECORD_COLUMNS = ("filename_hr", "filename", "file_name", "record", "record_name", "path", "file")
"""Where the name of a record's file is looked for when the options do not tell."""

_HELP = (
    "Kind wfdb reads a folder of WFDB records (.hea with .dat or .mat) and a CSV with a row for each. "
    "Name the CSV with the option csv, and its columns with record_column, patient_column, text_column, ..."
)


@dataclass(frozen=True, config=STRICT)
class Options:
    """Options of this reader.

    Attributes:
        csv: the CSV, relative to the folder; None takes the only one there.
        record_column: the column with the path of a record, relative to the folder, with or without ``.hea``;
            None takes the first column of :data:`RECORD_COLUMNS` that is there. Its cells are the record ids.
        patient_column: the column with the patient.
        age_column: the column with the age in years.
        sex_column: the column with the sex (F, M, female, male, or see ``sex_values``).
        text_column: the column with the report.
        fold_column: the column with the database's own fold.
        codes_column: the column with statement codes: a dictionary, a list, or words.
        code_system: what the codes belong to: scp, snomed, cpsc, chapman, ...
        sex_values: the meaning of other values of sex, such as ``{0: male, 1: female}``.
        patient_namespace: name of the public database that the patients belong to. Its ids are pseudonyms
            already, and stay the same wherever it is named. Without it the archive is private: record and
            patient ids become hashes under the user's secret key, and the text is stripped of names and
            dates.
        source: name of the database in the records.
        key_file: the user's secret key, for a private archive.
    """

    csv: str | None = None
    record_column: str | None = None
    patient_column: str | None = None
    age_column: str | None = None
    sex_column: str | None = None
    text_column: str | None = None
    fold_column: str | None = None
    codes_column: str | None = None
    code_system: str = "scp"
    sex_values: dict[str | int, Literal["female", "male"]] | None = None
    patient_namespace: str | None = None
    source: str | None = None
    key_file: str | None = None


def is_private(options: Mapping[str, Any]) -> bool:
    """Find out whether ids may identify a person: they do unless a public database is named.

    Args:
        options: see :class:`Options`.

    Returns:
        True where the user's secret key is needed.

    Example:
        >>> is_private({}), is_private({"patient_namespace": "ptb-xl"})
        (True, False)
    """
    return not parse(Options, dict(options), "options").patient_namespace


def discover(root: Path, options: Mapping[str, Any]) -> list[Entry]:
    """Read the CSV that describes the records.

    Args:
        root: folder of the archive.
        options: see :class:`Options`.

    Returns:
        An entry for each row. One whose files are not there is refused when it is read: it is counted.

    Raises:
        MissingSourceError: when the folder or the CSV is missing.
        ParamsError: for an unknown option, or one that is needed.
        RarebeatError: when the CSV lacks a column.
    """
    settings = parse(Options, dict(options), "options")
    require_folder(root, _HELP)
    table = root / settings.csv if settings.csv else _only_csv(root)
    columns = {
        "patient": settings.patient_column,
        "age": settings.age_column,
        "sex": settings.sex_column,
        "text": settings.text_column,
        "fold": settings.fold_column,
        "codes": settings.codes_column,
    }
    named = [name for name in [settings.record_column, *columns.values()] if name]
    rows = read_csv(table, named, _HELP)
    if not rows:
        raise RarebeatError(f"{table} has no rows")
    record_column = settings.record_column or _guess_record_column(list(rows[0]), table)
    source = settings.source or settings.patient_namespace or "wfdb"
    entries = []
    for row in rows:
        name = row[record_column].strip()
        cells = {key: row[column] if column else "" for key, column in columns.items()}
        path = root / (name if name.endswith(".hea") else f"{name}.hea")
        entries.append(Entry(name, path, {"settings": settings, **cells}, source))
    return entries


def _only_csv(root: Path) -> Path:
    tables = sorted(root.glob("*.csv"))
    if not tables:
        raise MissingSourceError(f"there is no CSV in {root}. {_HELP}")
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables)
        raise ParamsError(f"{root} holds several CSV files ({names}): name one with the option csv")
    return tables[0]


def _guess_record_column(columns: Sequence[str], table: Path) -> str:
    for column in RECORD_COLUMNS:
        if column in columns:
            return column
    raise ParamsError(
        f"which column of {table} holds the path of each record? Name it with the option record_column; "
        f"the columns are: {', '.join(columns)}"
    )


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one record.

    Args:
        entry: from :func:`discover`.
        pseudonym: makes the ids of record and patient.
        options: see :class:`Options`.

    Returns:
        The record, at its native rate. Age and sex are those of the CSV; of the header where that tells none.

    Raises:
        BadRecordError: when it cannot be trusted.
    """
    assert entry.path is not None
    cells = entry.details
    settings: Options = cells["settings"]
    header, signal, calibrated = read_wfdb(entry.path)
    patient = whole_number(cells["patient"])
    sexes = {str(value): sex for value, sex in (settings.sex_values or {}).items()}
    person = Person(clean_age(cells["age"]), clean_sex(cells["sex"], sexes)).otherwise(
        person_of(header.comments)
    )
    text = clean_text(cells["text"].splitlines())
    return Record(
        record_id=pseudonym.record_id(entry.record_id),
        signal=signal,
        rate=header.rate,
        source=entry.source,
        patient_id=pseudonym.of(settings.patient_namespace or "patient", patient) if patient else None,
        age=person.age,
        sex=person.sex,
        fold=parse_fold(cells["fold"]),
        calibrated=calibrated,
        text=redact(text) or None if text and pseudonym.private else text,
        codes=parse_codes(cells["codes"], settings.code_system),
    )
