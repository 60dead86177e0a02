"""Lobachevsky University database (LUDB): one record per subject, diagnoses as English statements in the header.

The statements come from a fixed list, so that they are given both as text and as codes (``ludb:sinus bradycardia``).
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import BadRecordError, MissingSourceError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import LEADS, Record, Signal
from rarebeat.readers.contract.stored import stored_in
from rarebeat.readers.discovery import physionet_help, read_table, readable, require_folder, walk
from rarebeat.readers.fields import clean_age, clean_sex, clean_text, not_understood
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import Entry
from rarebeat.readers.wfdb.header import DIAGNOSES, person_in, told_once
from rarebeat.readers.wfdb.records import read_wfdb

NAMESPACE = "ludb"

_TABLE = "ludb.csv"
_RATE = 500
_SPAN_TOLERANCE = 2  # rounding of both ends
_KEYS = ("age", "sex")
_ONLY_IN_TABLE = "pacemaker presence, undefined"  # a statement that some headers lack


@dataclass(frozen=True, config=STRICT)
class Options:
    """This reader has no options."""


def discover(root: Path, options: Mapping[str, Any]) -> list[Entry]:
    """Find every header in ``data/``, or in the folder itself.

    Args:
        root: folder of the archive.
        options: see :class:`Options`.

    Returns:
        An entry for each, in the order of the record numbers.

    Raises:
        MissingSourceError: when there is no header.
        ParamsError: for an unknown option.
        RarebeatError: when ``ludb.csv`` is there and cannot be read.
    """
    parse(Options, dict(options), "options")
    help_text = physionet_help(root, "LUDB", "ODC-BY, 25 MB", "ludb/1.0.1")
    require_folder(root, help_text)
    folder = root / "data" if (root / "data").is_dir() else root
    headers = sorted(walk(folder, ".hea"), key=lambda path: (len(path.stem), path.stem))
    if not headers:
        raise MissingSourceError(f"there are no headers (.hea) under {folder}. {help_text}")
    rows = _rows_of(root / _TABLE)
    return [Entry(readable(path.stem), path, rows.get(path.stem, {}), NAMESPACE) for path in headers]


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one record.

    Args:
        entry: from :func:`discover`.
        pseudonym: makes the ids of record and patient.
        options: see :class:`Options`.

    Returns:
        The record. Each subject has one, so that its id is the patient's, too.

    Raises:
        BadRecordError: when it cannot be trusted.
    """
    assert entry.path is not None
    header, signal, _ = read_wfdb(entry.path)
    check_spans(signal)
    if header.rate != _RATE:
        raise BadRecordError(
            "header_mismatch", f"the header says {header.rate:g} Hz, LUDB was recorded at {_RATE}"
        )
    before, diagnoses = _split_comments(header.comments)
    told = told_once(before, _KEYS)
    person = person_in(told)
    if entry.details:
        _compare(entry.details, told, diagnoses)
    record_id = pseudonym.record_id(entry.record_id)
    return Record(
        record_id=record_id,
        signal=signal,
        rate=header.rate,
        source=entry.source,
        patient_id=record_id,  # what the split is made by, where no patient is told
        age=person.age,
        sex=person.sex,
        calibrated=False,
        text=clean_text(diagnoses),
        codes=statement_codes(diagnoses),
        stored=stored_in(header),
        not_understood=tuple(key for key in _KEYS if key not in told)
        + (() if DIAGNOSES in header.comments else ("diagnoses",))
        + not_understood(age=(told.get("age", ""), person.age), sex=(told.get("sex", ""), person.sex)),
    )


def _rows_of(path: Path) -> dict[str, dict[str, str]]:
    """The rows of the database's table by record; none where it is missing."""
    rows = read_table(path, ["ID", "Age", "Sex", "Rhythms"]) if path.is_file() else []
    return {row["ID"].strip(): row for row in rows}


def check_spans(signal: Signal) -> None:
    """Refuse a lead that spans another range than most: in LUDB the gain of each scales it to the same.

    Args:
        signal: int16, shape (12, samples).

    Raises:
        BadRecordError: ``header_mismatch``, with the leads whose gain is wrong.
    """
    spans = np.ptp(signal.astype(np.int32), axis=1)
    usual = int(np.median(spans))
    same = np.abs(spans - usual) <= _SPAN_TOLERANCE
    if len(spans) > np.count_nonzero(same) > len(spans) // 2:
        odd = ", ".join(LEADS[index] for index in np.flatnonzero(~same))
        raise BadRecordError(
            "header_mismatch", f"the gain of {odd} is wrong: all leads of LUDB span the same range"
        )


def _compare(row: Mapping[str, str], told: Mapping[str, str], diagnoses: Iterable[str]) -> None:
    """Refuse a header that tells what the table of the database does not: both hold all of it."""
    wrong = ["age"] if clean_age(told.get("age", "")) != clean_age(row["Age"]) else []
    wrong += ["sex"] if clean_sex(told.get("sex", "")) != clean_sex(row["Sex"]) else []
    cells = [cell for column, cell in row.items() if column not in ("ID", "Age", "Sex")]
    listed = {_plain(line) for cell in cells for line in cell.splitlines()}
    stated = {_plain(line) for line in diagnoses}
    wrong += ["diagnoses"] if stated - listed or listed - stated - {"", _ONLY_IN_TABLE} else []
    if wrong:
        raise BadRecordError(
            "header_mismatch", f"the header and {_TABLE} tell different {' and '.join(wrong)}"
        )


def _plain(statement: str) -> str:
    return " ".join(statement.split()).rstrip(" .").lower().removeprefix("rhythm: ")


def statement_codes(diagnoses: Iterable[str]) -> tuple[str, ...]:
    """Take statements as codes.

    Args:
        diagnoses: statements of the fixed list.

    Returns:
        For each what stands before its first comma or colon, and the whole; each once.

    Example:
        >>> statement_codes(["Rhythm: Atrial flutter, typical."])
        ('ludb:atrial flutter', 'ludb:atrial flutter, typical')
    """
    plain = (statement.rstrip(" .").lower().removeprefix("rhythm: ") for statement in diagnoses)
    codes = (f"ludb:{code}" for whole in plain if whole for code in (re.split("[,:]", whole)[0], whole))
    return tuple(dict.fromkeys(codes))


def _split_comments(comments: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What stands before the diagnoses, and the diagnoses (a statement per line)."""
    cut = comments.index(DIAGNOSES) if DIAGNOSES in comments else len(comments)
    return comments[:cut], comments[cut + 1 :]
