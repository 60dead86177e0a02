"""PhysioNet/CinC Challenge 2020 and 2021: ``.hea`` and ``.mat`` files, diagnosis codes in the comments."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from rarebeat.core.errors import BadRecordError, MissingSourceError, RarebeatError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import Record
from rarebeat.readers.contract.stored import stored_in
from rarebeat.readers.discovery import physionet_help, read_table, readable, require_folder, walk
from rarebeat.readers.fields import not_understood, parse_patient, whole_number
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import Entry
from rarebeat.readers.wfdb.header import person_in, told_once
from rarebeat.readers.wfdb.records import read_wfdb

TAKES = (".hea", ".mat", ".dat")
_PLUMBING = re.compile(
    r"(all_?)?(training|data|wfdb|records|files)(_?(data|set))?|g\d+", re.IGNORECASE
)  # name no database
# What the challenge calls its databases: folders on PhysioNet, names of its archives, and folders in these.
_DATABASES = {
    "cpsc_2018": ("cpsc_2018", "cpsc", "Training_CPSC", "Training_WFDB", "WFDB_CPSC2018"),
    "cpsc_2018_extra": ("cpsc_2018_extra", "cpsc_extra", "Training_2", "WFDB_CPSC2018_2"),
    "st_petersburg_incart": (
        "st_petersburg_incart",
        "incart",
        "StPetersburg",
        "Training_StPetersburg",
        "Training_WFDB_StPetersburg",
        "WFDB_StPetersburg",
    ),
    "ptb": ("ptb", "Training_PTB", "Training_WFDB_PTB", "WFDB_PTB"),
    "ptb-xl": ("ptb-xl", "Training_PTB-XL", "WFDB_PTBXL"),
    "georgia": ("georgia", "g12ec", "Training_E", "WFDB_Ga", "WFDB_Georgia"),
    "chapman_shaoxing": ("chapman_shaoxing", "WFDB_ChapmanShaoxing", "WFDB_ShaoxingUniv"),
    "ningbo": ("ningbo", "WFDB_Ningbo"),
}
_ARCHIVE = re.compile(r"(\d*physionetchallenge20\d\d)?([a-z0-9]+?)(targz)?")
# How the records of each are named; Chapman-Shaoxing goes before Ningbo, which has the numbers behind it.
_RECORDS = {
    "A": "cpsc_2018",
    "Q": "cpsc_2018_extra",
    "I": "st_petersburg_incart",
    "S": "ptb",
    "HR": "ptb-xl",
    "E": "georgia",
    "JS": "chapman_ningbo",
}
_RECORD = re.compile(r"([A-Z]{1,2})\d{4,5}")
_RATE = 500.0
_AT_ONE_RATE = (
    "cpsc_2018",
    "cpsc_2018_extra",
    "chapman_ningbo",
    "chapman_shaoxing",
    "georgia",
    "ningbo",
    "ptb-xl",
)
_KEYS = ("age", "sex", "dx")  # what every header tells, also where it is unknown
_PTB_XL = re.compile(r"HR0*([1-9]\d*)")
_SHORT_NAMES = {"Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE"}  # of CPSC 2018
_LIST_SIGNS = re.compile(r"[,;|/\[\]\"']")
_NOT_TOLD = {"", "nan", "unknown"}


@dataclass(frozen=True, config=STRICT)
class Options:
    """Options of this reader. The archive itself does not tell which records belong to one patient.

    Attributes:
        patients_csv: a CSV that does, absolute or relative to the folder: PTB-XL's own ``ptbxl_database.csv`` for the
            records of PTB-XL (whose names hold its ``ecg_id``), or any other.
        record_column: its column with the name of the record, or PTB-XL's ``ecg_id``.
        patient_column: its column with the patient.
        patient_namespace: name of the public database that the patients belong to: a cohort that names the same has
            the same patients.
    """

    patients_csv: str | None = None
    record_column: str = "ecg_id"
    patient_column: str = "patient_id"
    patient_namespace: str = "ptb-xl"


def discover(root: Path, options: Mapping[str, Any]) -> list[Entry]:
    """Find every header under a folder.

    Args:
        root: folder of the archive.
        options: see :class:`Options`.

    Returns:
        An entry for each. Its source is its database, as PhysioNet calls it: by the innermost folder that the challenge
        uses for one, by the name of the record where no folder says anything, or the name of the folder.

    Raises:
        MissingSourceError: when there is no header.
        ParamsError: for an unknown option.
        RarebeatError: when the table of patients lacks a column, or names two patients of one record.
    """
    settings = parse(Options, dict(options), "options")
    help_text = physionet_help(
        root, "PhysioNet/CinC Challenge 2021", "CC BY 4.0, 6 GB", "challenge-2021/1.0.3"
    )
    require_folder(root, help_text)
    headers = list(walk(root, ".hea"))
    if not headers:
        raise MissingSourceError(f"there are no headers (.hea) under {root}. {help_text}")
    patients = _patients(root, settings)
    entries = []
    for path in headers:
        name = readable(path.stem)
        patient = patients.get(name) or patients.get(_ecg_id(name), "")
        details = {"patient": (settings.patient_namespace, patient)} if patient else {}
        entries.append(Entry(name, path, details, _database(path.relative_to(root))))
    return entries


def _patients(root: Path, settings: Options) -> dict[str, str]:
    """The patient of each record that the table of patients tells."""
    if settings.patients_csv is None:
        return {}
    columns = (settings.record_column, settings.patient_column)
    table = root / Path(settings.patients_csv).expanduser()
    rows = read_table(table, list(columns), "The option patients_csv names it.")
    patients: dict[str, str] = {}
    for row in rows:
        record, patient = whole_number(row[columns[0]]), parse_patient(row[columns[1]])
        if record and patient and patients.setdefault(record, patient) != patient:
            raise RarebeatError(
                f"{table}: the record {record!r} has two patients: nobody knows which is right"
            )
    return patients


def _ecg_id(name: str) -> str:
    """PTB-XL's number of a record that the challenge has taken from it, such as ``HR00017``."""
    match = _PTB_XL.fullmatch(name)
    return match[1] if match else ""


def _database(path: Path) -> str:
    names = [name for name in reversed(path.parts[:-1]) if not _PLUMBING.fullmatch(name)]
    for name in names:
        match = _ARCHIVE.fullmatch(_plain(name))
        if match and match[2] in _BY_FOLDER:
            return _BY_FOLDER[match[2]]
    if names:
        return readable(names[0])
    record = _RECORD.fullmatch(path.stem)
    return _RECORDS.get(record[1], "challenge") if record else "challenge"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_BY_FOLDER = {_plain(name): database for database, names in _DATABASES.items() for name in names}


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one record.

    Args:
        entry: from :func:`discover`.
        pseudonym: makes the ids of record and patient.
        options: see :class:`Options`.

    Returns:
        The record. Its patient is known where the option ``patients_csv`` tells it.

    Raises:
        BadRecordError: when it cannot be trusted.
    """
    assert entry.path is not None
    header, signal, calibrated = read_wfdb(entry.path)
    if entry.source in _AT_ONE_RATE and header.rate != _RATE:
        raise BadRecordError(
            "header_mismatch", f"the header says {header.rate:g} Hz, {entry.source} was recorded at {_RATE:g}"
        )
    told = told_once(header.comments, _KEYS)
    person = person_in(told)
    # A header of a line or two was written by somebody else, who told what was known.
    expected = _KEYS if len(header.comments) >= len(_KEYS) else ()
    return Record(
        record_id=pseudonym.record_id(entry.record_id),
        signal=signal,
        rate=header.rate,
        source=entry.source,
        patient_id=pseudonym.of(*entry.details["patient"]) if "patient" in entry.details else None,
        age=person.age,
        sex=person.sex,
        calibrated=calibrated,
        codes=codes_of(told.get("dx", "")),
        stored=stored_in(header),
        not_understood=tuple(key for key in expected if key not in told)
        + not_understood(age=(told.get("age", ""), person.age), sex=(told.get("sex", ""), person.sex)),
    )


def codes_of(cell: str) -> tuple[str, ...]:
    """Read the diagnoses of a header.

    Args:
        cell: what stands behind ``Dx:``, a list in any form.

    Returns:
        ``snomed:`` with numbers, ``cpsc:`` with the short names of CPSC 2018; what is neither has a system of its own,
        ``dx``.

    Example:
        >>> codes_of("426783006,59118001"), codes_of("RBBB"), codes_of("unknown")
        (('snomed:426783006', 'snomed:59118001'), ('cpsc:RBBB',), ())
    """
    codes = []
    for entry in map(str.strip, _LIST_SIGNS.split(cell)):
        parts = [part for part in entry.split() if part.lower() not in _NOT_TOLD]
        if all(part.isdigit() or part in _SHORT_NAMES for part in parts):
            codes += [f"{'snomed' if part.isdigit() else 'cpsc'}:{part}" for part in parts]
        else:
            codes.append(f"dx:{entry}")
    return tuple(dict.fromkeys(codes))
