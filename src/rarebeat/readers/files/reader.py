"""Kind ``files``: a folder with files of many formats. Each is told by its content, whatever its name."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from rarebeat.core.errors import BadRecordError, MissingSourceError
from rarebeat.core.params import parse
from rarebeat.core.records import Record
from rarebeat.readers.arrays.load import ENDINGS
from rarebeat.readers.arrays.side_file import NAME as SIDE_FILE
from rarebeat.readers.discovery import EVERY, readable, require_folder, walk
from rarebeat.readers.files import packed
from rarebeat.readers.files.ecg import FileOptions, stored_record
from rarebeat.readers.files.formats import HEAD, Format, format_named, tell
from rarebeat.readers.files.wfdb_file import parts_of
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.private import is_private
from rarebeat.readers.registry import Entry

_HELP = (
    "Kind files reads a folder with ECG files of any format that Rarebeat knows, in sub-folders, ZIP and gzip files or "
    "not; `rarebeat inspect FOLDER` says what each file is."
)

Options = FileOptions
TAKES = EVERY
__all__ = ["TAKES", "Options", "discover", "entries_of", "is_private", "read"]


def discover(root: Path, options: Mapping[str, Any]) -> list[Entry]:
    """Tell what every file of a folder is, and of every member of its ZIP and gzip files.

    Args:
        root: the folder.
        options: see :class:`rarebeat.readers.files.ecg.FileOptions`; ``source`` is the format of each file by default.

    Returns:
        An entry for each file but hidden ones, signal files that a header names, and side files. What cannot be read is
        refused when it is read: so the quarantine says what each file was.

    Raises:
        MissingSourceError: when there is no file.
        ParamsError: for an unknown option.
    """
    settings = parse(Options, dict(options), "options")
    require_folder(root, _HELP)
    entries = entries_of(root, walk(root, ""), settings.source)
    if not entries:
        raise MissingSourceError(f"there are no files under {root}. {_HELP}")
    return entries


def entries_of(root: Path, paths: Iterable[Path], source: str | None = None) -> list[Entry]:
    """Tell what files are, and the members of ZIP and gzip files.

    Args:
        root: folder that the files are named after.
        paths: the files.
        source: name of the database; None takes the format of each file.

    Returns:
        An entry for each, but for signal files that a header names, and side files.
    """
    found = [_File(path, member, what) for path in paths for member, what in _contents(path)]
    headers = {(file.path, file.member) for file in found if file.format_name == "wfdb"}
    parts = {part for path, member in headers if member is None for part in parts_of(path)}
    return [
        _entry(root, file, source)
        for file in found
        if file.path not in parts and not _is_side_file(file) and not _is_packed_part(file, headers)
    ]


class _File(NamedTuple):
    """A file, or a member of an archive, and what it is."""

    path: Path
    member: str | None
    what: Format | str

    @property
    def format_name(self) -> str | None:
        return None if isinstance(self.what, str) else self.what.name


def _entry(root: Path, file: _File, source: str | None) -> Entry:
    name = readable(file.path.relative_to(root).as_posix()) + (f"/{file.member}" if file.member else "")
    details = {"format": file.format_name, "what": file.format_name or file.what}
    database = (source or file.format_name) if file.format_name else "unknown"
    is_ecg = file.format_name is not None
    return Entry(name, file.path, details, database, member=file.member, is_ecg=is_ecg)


def _is_side_file(file: _File) -> bool:
    if file.member is not None:
        return PurePosixPath(file.member).name == SIDE_FILE
    beside = file.path.suffix == ".yaml" and any(file.path.with_suffix(end).is_file() for end in ENDINGS)
    return beside or file.path.name == SIDE_FILE


def _is_packed_part(file: _File, headers: Collection[tuple[Path, str | None]]) -> bool:
    """Whether a member is the signal file of a header beside it in its archive."""
    if file.member is None or not file.member.lower().endswith((".dat", ".mat")):
        return False
    return any((file.path, file.member[:-4] + ending) in headers for ending in (".hea", ".HEA"))


def _contents(path: Path) -> Iterator[tuple[str | None, Format | str]]:
    """Name and format of a file, or of each member of an archive; where it is none, what it is instead."""
    try:
        head = _head(path)
        if not packed.is_packed(head):
            yield None, tell(head)
            return
        names = packed.members(path)
        if names and all(name.endswith(".npy") for name in names):
            yield None, format_named("arrays")  # an NPZ is a ZIP of arrays
            return
        for name in names:
            yield name, _what_is_packed(path, name)
    except BadRecordError as error:
        yield None, error.detail


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise BadRecordError("unreadable", f"a file that cannot be opened: {error.strerror}") from error


def _what_is_packed(path: Path, member: str) -> Format | str:
    try:
        return tell(packed.head_of(path, member))
    except BadRecordError as error:
        return error.detail


def read(entry: Entry, pseudonym: Pseudonym, options: Mapping[str, Any]) -> Record:
    """Read one file.

    Args:
        entry: from :func:`discover`.
        pseudonym: makes the ids of record and patient.
        options: see :class:`rarebeat.readers.files.ecg.FileOptions`; ``source`` is the format of each file by default.

    Returns:
        The record, at its native rate.

    Raises:
        BadRecordError: when it is of no format that can be read, or cannot be trusted.
    """
    settings = parse(Options, dict(options), "options")
    if entry.details["format"] is None:
        raise BadRecordError("unreadable", f"it is {entry.details['what']}")
    with _on_disk(entry) as path:
        ecg = format_named(entry.details["format"]).read_file(path)
    return stored_record(ecg, entry, pseudonym, settings)


@contextmanager
def _on_disk(entry: Entry) -> Iterator[Path]:
    assert entry.path is not None
    if entry.member:
        with packed.unpacked(entry.path, entry.member) as path:
            yield path
    else:
        yield entry.path
