"""Any folder of WFDB records with a CSV that describes them: its options say which column holds what."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from rarebeat.core.errors import BadRecordError, MissingSourceError, ParamsError, RarebeatError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import Record
from rarebeat.readers.contract.stored import stored_in
from rarebeat.readers.discovery import matching_columns, read_table, require_folder, unlisted_entries
from rarebeat.readers.fields import (
    HIGHEST_FOLD,
    Person,
    clean_age,
    clean_sex,
    clean_text,
    mark_incomplete,
    not_understood,
    parse_codes,
    parse_patient,
    trusted_fold,
    whole_number,
)
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.private import PrivateOptions, is_private, patient_id, storable
from rarebeat.readers.registry import Entry
from rarebeat.readers.wfdb.header import person_of
from rarebeat.readers.wfdb.records import read_wfdb

__all__ = ["RECORD_COLUMNS", "Options", "discover", "is_private", "read"]

RECORD_COLUMNS = ("filename_hr", "filename", "path", "file_name", "record", "record_name", "file")
"""Where the name of a record's file is looked for when the options do not tell."""

_LISTS = ("{", "[")
_HELP = (
    "Kind wfdb reads a folder of WFDB records (.hea with .dat or .mat) and a CSV with a row for each. "
    "Name the CSV with the option csv, and its columns with record_column, patient_column, text_column, ..."
)


@dataclass(frozen=True, config=STRICT)
class Options(PrivateOptions):
    """Options of this reader.

    Attributes:
        csv: the CSV, relative to the folder; None takes the only one there.
        record_column: the column with the path of a record, relative to the folder, with or without ``.hea``;
            None takes the first column of :data:`RECORD_COLUMNS` that is there. Its cells are the record ids.
        text_csv: another CSV that holds the reports, relative to the folder (MIMIC-IV-ECG: machine_measurements.csv).
        text_key: the column that names a recording in both CSV files (MIMIC-IV-ECG: study_id).
        patient_column: the column with the patient.
        age_column: the column with the age in years.
        sex_column: the column with the sex (F, M, female, male, or see ``sex_values``).
        text_column: the column with the report, or the columns, one a line; ``report_*`` is all that begin so, in
            their order.
        fold_column: the column with the database's own fold.
        highest_fold: the largest number that a fold can have; a cell with a larger one is taken for a mistake.
        codes_column: the column with statement codes: a dictionary, a list, or words.
        complete_column: the column that tells whether the codes of a record are all that apply (true or false). Where
            they are not, a class that they do not name is unknown, not absent. None: they are.
        code_system: what the codes belong to: scp, snomed, cpsc, chapman, ...
        sex_values: the meaning of other values of sex, such as ``{0: male, 1: female}``.
    """

    csv: str | None = None
    record_column: str | None = None
    patient_column: str | None = None
    age_column: str | None = None
    sex_column: str | None = None
    text_column: str | tuple[str, ...] | None = None
    text_csv: str | None = None
    text_key: str | None = None
    fold_column: str | None = None
    highest_fold: int = HIGHEST_FOLD
    codes_column: str | None = None
    complete_column: str | None = None
    code_system: str = "scp"
    sex_values: dict[str | int, Literal["female", "male"]] | None = None


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
        "fold": settings.fold_column,
        "codes": settings.codes_column,
    }
    own_text: Sequence[str] = () if settings.text_csv else _text_columns(settings)
    wanted = (settings.record_column, settings.complete_column, settings.text_key, *columns.values())
    named = [*filter(None, wanted), *(name for name in own_text if not name.endswith("*"))]
    rows = read_table(table, named, _HELP)
    if not rows:
        raise RarebeatError(f"{table} has no rows")
    own_text = matching_columns(own_text, rows, table)
    texts = _texts_of_another(root, settings) if settings.text_csv else None
    record_column = settings.record_column or _guess_record_column(list(rows[0]), table)
    source = settings.source or settings.patient_namespace or "wfdb"
    lists = any(row[settings.codes_column].strip()[:1] in _LISTS for row in rows if settings.codes_column)
    entries = []
    for row in rows:
        name = row[record_column].strip()
        cells: dict[str, str | None] = {key: row[column] if column else "" for key, column in columns.items()}
        key = whole_number(row[settings.text_key or ""]) if texts else ""
        cells["text"] = _text(row, own_text) if texts is None else texts.get(key, "")
        complete = row[settings.complete_column] if settings.complete_column else None
        path = root / (name if name.endswith(".hea") else f"{name}.hea")
        entries.append(
            Entry(name, path, {"settings": settings, "complete": complete, "lists": lists, **cells}, source)
        )
    return entries + unlisted_entries(root, entries)


def _text_columns(settings: Options) -> tuple[str, ...]:
    columns = settings.text_column or ()
    return (columns,) if isinstance(columns, str) else columns


def _text(row: Mapping[str, str], columns: Sequence[str]) -> str:
    """The cells of the columns, one a line."""
    return "\n".join(row[name] for name in columns)


def _texts_of_another(root: Path, settings: Options) -> dict[str, str | None]:
    """The reports of another CSV, by the cell that names the recording in both; None where it has two of one."""
    columns: Sequence[str] = _text_columns(settings)
    if not settings.text_key or not columns:
        raise ParamsError(
            "the option text_csv needs text_key, the column that both CSV files have, and text_column, such as "
            "text_csv: machine_measurements.csv, text_key: study_id, text_column: report_*"
        )
    named = [settings.text_key, *(name for name in columns if not name.endswith("*"))]
    rows = read_table(root / str(settings.text_csv), named, _HELP)
    columns = matching_columns(columns, rows, root / str(settings.text_csv))
    texts: dict[str, str | None] = {}
    for row in rows:
        key, text = whole_number(row[settings.text_key]), _text(row, columns)
        texts[key] = text if texts.get(key, text) == text else None
    return texts


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
    if cells["lists"] and cells["codes"].strip()[:1] not in (*_LISTS, ""):
        raise BadRecordError("unreadable", "its codes are no dictionary or list, as those of other rows are")
    if cells["text"] is None:
        raise BadRecordError("header_mismatch", "it has two reports, and nobody knows which is right")
    settings: Options = cells["settings"]
    header, signal, calibrated = read_wfdb(entry.path)
    patient = parse_patient(cells["patient"], settings.patient_namespace)
    sexes = {str(value): sex for value, sex in (settings.sex_values or {}).items()}
    age, sex = clean_age(cells["age"]), clean_sex(cells["sex"], sexes)
    person = Person(age, sex).otherwise(person_of(header.comments))
    said = clean_text(cells["text"].splitlines()) or ""
    codes = parse_codes(cells["codes"], settings.code_system)
    text, codes = storable(said, codes, pseudonym, settings.free_text, settings.words)
    fold = trusted_fold(cells["fold"], settings.highest_fold)
    # A row without a fold leaves the database's split for that of the hash, which nobody may notice.
    unsplit = ("fold",) if settings.fold_column and fold is None else ()
    return Record(
        record_id=pseudonym.record_id(entry.record_id),
        signal=signal,
        rate=header.rate,
        source=entry.source,
        patient_id=patient_id(pseudonym, settings.patient_namespace, patient),
        age=person.age,
        sex=person.sex,
        fold=fold,
        calibrated=calibrated,
        text=text or None,
        codes=mark_incomplete(codes, cells["complete"]),
        stored=stored_in(header),
        not_understood=not_understood(age=(cells["age"], age), sex=(cells["sex"], sex)) + unsplit,
    )
