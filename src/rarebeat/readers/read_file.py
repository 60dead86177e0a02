"""Reading single files of any supported format, and finding those of a folder, for prediction."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rarebeat.core.errors import BadRecordError, ParamsError, RarebeatError
from rarebeat.core.records import Record
from rarebeat.readers.discovery import is_inside, readable, walk
from rarebeat.readers.files.ecg import record_of
from rarebeat.readers.files.formats import HEAD, format_named, tell
from rarebeat.readers.privacy import Pseudonym
from rarebeat.readers.registry import Entry, Options, get_source
from rarebeat.readers.tables import joined
from rarebeat.readers.wfdb.header import person_of
from rarebeat.readers.wfdb.records import read_wfdb

_FORMATS = {
    ".dcm": "dicom",
    ".ecg": "ishne",
    ".edf": "edf",
    ".mfer": "mfer",
    ".mwf": "mfer",
    ".scp": "scp",
}
"""The format of files that end so; XML files are told by their content."""

SUFFIXES = (".hea", ".mat", ".dat", ".xml", *_FORMATS)
"""What :func:`read_file` takes."""

LISTED = (".hea", ".xml", *_FORMATS)
"""What is looked for in a folder: every record has one of these, and one only."""

_ADVICE = {
    ".csv": "a table does not say what its numbers are; write the ECG as a WFDB record, or put arrays.yaml beside it "
    "and name the folder with --kind arrays (docs/own-archive.md)",
    ".parquet": "a cohort is not a file of an ECG; name the file that it was read from",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A recording that a file or a folder offers; picklable, so that a worker process can read it.

    Attributes:
        entry: of the recording.
        folder: in which it was found, and which it must not leave; None for a file that was named itself.
    """

    entry: Entry
    folder: Path | None = None

    @property
    def name(self) -> str:
        """What people call it: the path of its file, and which of several in it; or its id where there is no file."""
        if self.entry.path is None:
            return self.entry.record_id
        name, member = _name(self.entry.path), self.entry.member
        if member is None:
            return name
        return f"{name}/{member}" if self.entry.record_id.endswith(f"/{member}") else f"{name}#{member}"


def find_recordings(paths: Sequence[Path], kind: str | None, options: Options) -> Iterator[Found]:
    """Find the recordings of files and folders.

    Args:
        paths: files, which are taken whatever they are, and folders, of which the files are taken that end in one of
            :data:`LISTED`, those of sub-folders too. With a kind, folders of archives.
        kind: of archive, see :func:`rarebeat.readers.registry.kinds`: its reader finds the recordings, and tells of
            each what the tables of the archive know; what they do not list is read for itself. None reads every file
            for itself.
        options: of that reader.

    Yields:
        The recordings, in the order of the paths and in a fixed order within each.

    Raises:
        ParamsError: for an unknown kind or a wrong option, and for options without a kind.
        MissingSourceError: when a folder is no archive of that kind.
        RarebeatError: when a folder holds no recording, or, without a kind, it or one in it cannot be read.
    """
    if options and kind is None:
        raise ParamsError("options are those of a reader: name the kind of archive, too")
    for path in paths:
        if kind is None and not path.is_dir():
            yield Found(Entry(_name(path), path))
            continue
        entries = iter(
            _in_folder(path) if kind is None else joined.discover(get_source(kind), path, options)[0]
        )
        first = next(entries, None)
        if first is None:
            raise RarebeatError(
                f"there is no ECG in the folder {path}: expected WFDB headers (.hea), XML files or "
                f"{', '.join(_FORMATS)}"
            )
        yield Found(first, path)
        yield from (Found(entry, path) for entry in entries)


def _in_folder(folder: Path) -> Iterator[Entry]:
    def refuse(error: OSError) -> None:
        raise RarebeatError(f"cannot read the folder {error.filename}: {error.strerror}") from error

    return (Entry(_name(path), path) for path in walk(folder, LISTED, refuse))


def _name(path: Path) -> str:
    return readable(os.fspath(path))


def read_recording(found: Found, kind: str | None, options: Options) -> Record:
    """Read what :func:`find_recordings` has found. Ids are not made pseudonyms: a prediction goes by its file.

    Args:
        found: the recording.
        kind: of archive, or None, as it was found.
        options: of the reader.

    Returns:
        The record, with age and sex where the file or the archive tells them.

    Raises:
        RarebeatError: when the file is missing or of another kind.
        BadRecordError: when it cannot be read or trusted.
    """
    path = found.entry.path
    if path is not None and found.folder is not None and not is_inside(found.folder, path):
        raise BadRecordError(
            "outside_folder", "the file is, or links to, a place outside the folder that was named"
        )
    if kind is None or not found.entry.listed:
        assert path is not None
        return read_file(path)
    if path is not None and not path.is_file():
        raise RarebeatError(f"there is no file {path}")
    return joined.read(get_source(kind), found.entry, Pseudonym(), options)


def read_file(path: Path) -> Record:
    """Read a WFDB record (named by its header or its signal file), or a file of one of the formats.

    Args:
        path: the file.

    Returns:
        The record, with age and sex where the file tells them. Its id is the file's name; it carries no codes, and
        no patient.

    Raises:
        RarebeatError: when the file is missing or of another kind.
        BadRecordError: when it cannot be read or trusted.
    """
    if path.is_dir():
        raise RarebeatError(f"{path} is a folder: name the files in it")
    if not path.is_file():
        raise RarebeatError(f"there is no file {path}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        advice = f": {_ADVICE[suffix]}" if suffix in _ADVICE else ""
        raise RarebeatError(
            f"{path} is no supported file: expected a WFDB record (.hea with .dat or .mat), a GE MUSE XML or "
            f"another XML of a recorder (.xml), or {', '.join(_FORMATS)}{advice}"
        )
    if suffix == ".xml" or suffix in _FORMATS:
        return _read_format(path, _FORMATS.get(suffix) or _xml_format(path))
    return _read_wfdb_file(path)


def _xml_format(path: Path) -> str:
    """The format of an XML file; MUSE, whose reader says what is wrong, where it is none that is known."""
    with path.open("rb") as file:
        found = tell(file.read(HEAD))
    return "muse-xml" if isinstance(found, str) else found.name


def _read_format(path: Path, name: str) -> Record:
    return record_of(format_named(name).read_file(path), path.stem, name)


def _read_wfdb_file(path: Path) -> Record:
    header_path = path if path.suffix.lower() == ".hea" else path.with_suffix(".hea")
    if not header_path.is_file():
        raise RarebeatError(f"{path} cannot be read without its header {header_path.name} beside it")
    header, signal, calibrated = read_wfdb(header_path)
    age, sex = person_of(header.comments)
    return Record(path.stem, signal, header.rate, "wfdb", age=age, sex=sex, calibrated=calibrated)
