"""Lobachevsky University database (LUDB): one record per subject, diagnoses as English statements in the header.

The statements come from a fixed list, so that they are given both as text and as codes (``ludb:sinus bradycardia``).
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from rarebeat.core.errors import MissingSourceError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import Record
from rarebeat.readers.discovery import physionet_help, readable, require_folder, walk
from rarebeat.readers.fields import clean_text
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import Entry
from rarebeat.readers.wfdb import read_wfdb
from rarebeat.readers.wfdb_header import DIAGNOSES, person_of

NAMESPACE = "ludb"


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
    """
    parse(Options, dict(options), "options")
    help_text = physionet_help(root, "LUDB", "ODC-BY, 25 MB", "ludb/1.0.1")
    require_folder(root, help_text)
    folder = root / "data" if (root / "data").is_dir() else root
    headers = sorted(walk(folder, ".hea"), key=lambda path: (len(path.stem), path.stem))
    if not headers:
        raise MissingSourceError(f"there are no headers (.hea) under {folder}. {help_text}")
    return [Entry(readable(path.stem), path, source=NAMESPACE) for path in headers]


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one record.

    Args:
        entry: from :func:`discover`.
        pseudonym: makes the ids of record and patient.
        options: see :class:`Options`.

    Returns:
        The record. Each subject has one, so that the record stands for the patient.

    Raises:
        BadRecordError: when it cannot be trusted.
    """
    assert entry.path is not None
    header, signal, calibrated = read_wfdb(entry.path)
    person, diagnoses = person_of(header.comments), _diagnoses(header.comments)
    return Record(
        record_id=pseudonym.record_id(entry.record_id),
        signal=signal,
        rate=header.rate,
        source=entry.source,
        age=person.age,
        sex=person.sex,
        calibrated=calibrated,
        text=clean_text(diagnoses),
        codes=statement_codes(diagnoses),
    )


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


def _diagnoses(comments: tuple[str, ...]) -> tuple[str, ...]:
    """The statements, one per line, which come last."""
    return comments[comments.index(DIAGNOSES) + 1 :] if DIAGNOSES in comments else ()
