"""ecg-arrhythmia (Chapman, Shaoxing and Ningbo) as published on PhysioNet: the tree ``WFDBRecords`` as one source."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from rarebeat.core.errors import MissingSourceError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import Record
from rarebeat.readers import challenge
from rarebeat.readers.discovery import physionet_help, require_folder
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import Entry

SOURCE = "chapman_ningbo"
"""As the Challenge calls the records of these hospitals: vocabularies know what their codes tell."""

_TREE = "WFDBRecords"


@dataclass(frozen=True, config=STRICT)
class Options:
    """Options of this reader: none."""


def discover(root: Path, options: Mapping[str, Any]) -> list[Entry]:
    """Find every header of the tree.

    Args:
        root: folder of the archive, or its ``WFDBRecords``.
        options: none.

    Returns:
        An entry for each, all of one source: the folders (``01/010``) are no databases.

    Raises:
        MissingSourceError: when there is no header.
        ParamsError: for any option.
    """
    parse(Options, dict(options), "options")
    help_text = physionet_help(root, "ecg-arrhythmia", "CC BY 4.0, 5 GB", "ecg-arrhythmia/1.0.0")
    require_folder(root, help_text)
    tree = root / _TREE if (root / _TREE).is_dir() else root
    try:
        entries = challenge.discover(tree, {})
    except MissingSourceError as error:
        raise MissingSourceError(f"there are no headers (.hea) under {tree}. {help_text}") from error
    return [replace(entry, source=SOURCE) for entry in entries]


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one record.

    Args:
        entry: from :func:`discover`.
        pseudonym: makes the id of the record.
        options: none.

    Returns:
        The record, with SNOMED CT codes. The database does not tell which records belong to one patient.

    Raises:
        BadRecordError: when it cannot be trusted.
    """
    return challenge.read(entry, pseudonym, {})
