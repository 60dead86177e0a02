"""SPH, the 12-lead ECGs of Shandong Provincial Hospital as published: ``metadata.csv`` and an HDF5 file per record."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import BadRecordError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import LEADS, Record
from rarebeat.readers.arrays.trust import trusted_array
from rarebeat.readers.contract.stored import stored_as
from rarebeat.readers.databases.hdf5 import array_of, datasets
from rarebeat.readers.discovery import read_table, require_folder, walk
from rarebeat.readers.fields import clean_age, clean_sex, not_understood, parse_patient, whole_number
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.quality import RawLeads
from rarebeat.readers.registry import Entry

NAMESPACE = "sph"
RATE = 500.0

_TABLE, _FOLDER = "metadata.csv", "records"
_COLUMNS = ("ECG_ID", "AHA_Code", "Patient_ID", "Age", "Sex", "N")
_HELP = (
    "Get SPH (Liu et al. 2022, CC BY 4.0) from https://doi.org/10.6084/m9.figshare.c.5779802: metadata.csv and the "
    "unpacked folder records"
)


@dataclass(frozen=True, config=STRICT)
class Options:
    """Options of this reader: none."""


def discover(root: Path, options: Mapping[str, Any]) -> list[Entry]:
    """Read the table of the database.

    Args:
        root: folder of the archive.
        options: none.

    Returns:
        An entry for each row, and one that is not listed for each file that no row names.

    Raises:
        MissingSourceError: when the table is missing.
        ParamsError: for any option.
        RarebeatError: when the table lacks a column.
    """
    parse(Options, dict(options), "options")
    require_folder(root, _HELP)
    entries = [
        Entry(name, root / _FOLDER / f"{name}.h5", {column: row[column] for column in _COLUMNS}, NAMESPACE)
        for row in read_table(root / _TABLE, list(_COLUMNS), _HELP)
        for name in [row["ECG_ID"].strip()]
    ]
    named = {entry.path for entry in entries}
    found = [path for path in walk(root / _FOLDER, ".h5") if path not in named]
    return entries + [Entry(path.stem, path, source=NAMESPACE, listed=False) for path in found]


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one record.

    Args:
        entry: from :func:`discover`.
        pseudonym: makes the ids of record and patient.
        options: none.

    Returns:
        The record, with its statements, each with its modifiers, as codes of the system ``aha``.

    Raises:
        BadRecordError: when it cannot be trusted.
    """
    assert entry.path is not None
    cells = entry.details
    with datasets(entry.path) as file:
        ecg = array_of(file, "ecg")
    if ecg.ndim != 2 or len(ecg) != len(LEADS):
        raise BadRecordError("header_mismatch", f"an ECG of shape {ecg.shape}, expected (12, samples)")
    if whole_number(cells["N"]) != str(ecg.shape[1]):
        raise BadRecordError(
            "truncated", f"{ecg.shape[1]} samples, and the table says {cells['N'].strip()[:12]!r}"
        )
    twelve = len(LEADS)
    raw = RawLeads(ecg.astype(np.float64), LEADS, (1.0,) * twelve, (0.0,) * twelve, ("mV",) * twelve)
    signal, calibrated = trusted_array(raw, RATE)
    age, sex = clean_age(cells["Age"]), clean_sex(cells["Sex"])
    patient = parse_patient(cells["Patient_ID"])
    return Record(
        record_id=pseudonym.record_id(entry.record_id),
        signal=signal,
        rate=RATE,
        source=entry.source,
        patient_id=pseudonym.of(NAMESPACE, patient) if patient else None,
        age=age,
        sex=sex,
        calibrated=calibrated,
        codes=codes_of(cells["AHA_Code"]),
        not_understood=not_understood(age=(cells["Age"], age), sex=(cells["Sex"], sex)),
        stored=stored_as(raw),
    )


def codes_of(cell: str) -> tuple[str, ...]:
    """Read the statements of a record.

    Args:
        cell: statements with ";" between them, each a number with "+" before its modifiers.

    Returns:
        Each statement with its modifiers as ``aha:number+number``, once: what modifies one says nothing of another.

    Raises:
        BadRecordError: when it holds anything else.

    Example:
        >>> codes_of("22;60+310;60"), codes_of("")
        (('aha:22', 'aha:60+310', 'aha:60'), ())
    """
    found = []
    for statement in filter(str.strip, cell.split(";")):
        numbers = [number.strip() for number in statement.split("+")]
        if strange := [number for number in numbers if not (number.isascii() and number.isdigit())]:
            raise BadRecordError("unreadable", f"AHA_Code holds {strange[0][:20]!r}, expected numbers")
        found.append("aha:" + "+".join(numbers))
    return tuple(dict.fromkeys(found))
