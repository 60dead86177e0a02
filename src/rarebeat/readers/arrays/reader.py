"""Kind ``arrays``: NPY, NPZ, CSV and Parquet files by a YAML side file that says what their numbers are."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from rarebeat.core.errors import BadRecordError, MissingSourceError
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import Record
from rarebeat.readers.arrays.load import ENDINGS, load_leads, members_of
from rarebeat.readers.arrays.side_file import HELP, SideFile, own_side_file, read_side_file, settings_of
from rarebeat.readers.arrays.trust import trusted_array
from rarebeat.readers.contract.stored import stored_as
from rarebeat.readers.discovery import readable, require_folder
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.private import PrivateOptions, is_private
from rarebeat.readers.registry import Entry

__all__ = ["Options", "discover", "is_private", "read"]


@dataclass(frozen=True, config=STRICT)
class Options(PrivateOptions):
    """Options of this reader. Patients, ages, reports and labels come from tables (``readers/tables/settings.py``).

    Attributes:
        side_file: the side file, relative to the folder; None takes ``arrays.yaml``.
    """

    side_file: str | None = None


def discover(root: Path, options: Mapping[str, Any]) -> list[Entry]:
    """Find the arrays that the side file names.

    Args:
        root: folder of the archive.
        options: see :class:`Options`.

    Returns:
        An entry for each ECG. Its id is the path of its file; of several in one file, with ``#`` and the number
        (from 0) or the name behind it.

    Raises:
        MissingSourceError: when the folder or the side file is missing, or no file is named.
        ParamsError: for an unknown option, or a side file that is wrong.
    """
    options_ = parse(Options, dict(options), "options")
    require_folder(root, HELP)
    said = read_side_file(root, options_.side_file)
    general = settings_of(said, "side file")
    source = options_.source or options_.patient_namespace or "arrays"
    entries = []
    for path in sorted(root.glob(general.files)):
        if path.suffix.lower() in ENDINGS and path.is_file() and not path.name.startswith("."):
            own = own_side_file(path)
            settings = settings_of(said | own, f"{path.with_suffix('.yaml')}") if own else general
            entries += _entries(root, path, settings, source)
    if not entries:
        raise MissingSourceError(f"{root} holds no {', '.join(ENDINGS)} file {general.files!r}. {HELP}")
    return entries


def _entries(root: Path, path: Path, settings: SideFile, source: str) -> list[Entry]:
    name = readable(path.relative_to(root).as_posix())
    try:
        members = members_of(path, settings)
    except BadRecordError:  # found again, and told, when it is read
        members = [None]
    details = asdict(settings)
    return [
        Entry(
            name if member is None else f"{name}#{member}",
            path,
            {"array": details, "member": member},
            source,
            member=None if member is None else str(member),
        )
        for member in members
    ]


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one ECG.

    Args:
        entry: from :func:`discover`.
        pseudonym: makes the id of the record.
        options: see :class:`Options`.

    Returns:
        The record, at its native rate.

    Raises:
        BadRecordError: when it cannot be trusted.
    """
    assert entry.path is not None
    settings = SideFile(**entry.details["array"])
    raw = load_leads(entry.path, entry.details["member"], settings)
    signal, calibrated = trusted_array(raw, settings.rate)
    return Record(
        pseudonym.record_id(entry.record_id),
        signal,
        settings.rate,
        entry.source,
        calibrated=calibrated,
        stored=stored_as(raw),
    )
