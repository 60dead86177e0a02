"""Reading ECGs that are in memory, such as an upload or standard input: a file is told by its content alone."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from rarebeat.core.errors import BadRecordError, RarebeatError
from rarebeat.core.records import Record
from rarebeat.readers.files.ecg import record_of
from rarebeat.readers.files.formats import HEAD, Format, format_named, tell
from rarebeat.readers.files.packed import is_packed
from rarebeat.readers.formats.xml_head import is_xml
from rarebeat.readers.wfdb.header import person_of
from rarebeat.readers.wfdb.records import parse_wfdb

MAX_BYTES = 1 << 26
"""Size above which a file is no resting ECG."""

_WANTED = "expected one ECG file, or the two files of a WFDB record (.hea with .dat or .mat)"
_SIGNALS = (".dat", ".mat")


def tell_content(head: bytes) -> Format | str:
    """Tell what a file in memory is.

    Args:
        head: its first :data:`rarebeat.readers.files.formats.HEAD` bytes.

    Returns:
        A format of which one file is a whole ECG, which any XML is taken for (a reader says what is wrong with it); or
        what it is instead, for people.

    Example:
        >>> tell_content(b"<RestingECG>").name, tell_content(b"%PDF-1.7")
        ('muse-xml', 'a PDF document')
        >>> tell_content(b"r1 1 500 5000\\nr1.dat 16 1000/mV 16 0\\n")
        'the header of a WFDB record without its signal file'
    """
    if is_packed(head):
        return "a ZIP or gzip file: unpack it"
    found = tell(head)
    if isinstance(found, str):
        return format_named("muse-xml") if is_xml(head) else found
    if found.name == "wfdb":
        return "the header of a WFDB record without its signal file"
    if found.name == "arrays":
        return "an array, which does not say what its numbers are"
    return found


def read_contents(contents: Mapping[str, bytes]) -> Record:
    """Read one ECG from the contents of its files.

    Args:
        contents: file name to content: one file of any format of :func:`rarebeat.readers.files.formats.formats`,
            whatever its name, or the header and the signal file of a WFDB record.

    Returns:
        The record, with age and sex where the files tell them. It carries no codes, and no patient.

    Raises:
        BadRecordError: for other files, an ECG that cannot be read or trusted, or a format whose library is not
            installed.
    """
    names = {PurePosixPath(name).name: content for name, content in contents.items()}
    for name, content in names.items():
        if len(content) > MAX_BYTES:
            raise BadRecordError("unreadable", f"{name[:40]!r} is larger than {MAX_BYTES >> 20} MB")
    by_suffix = {PurePosixPath(name).suffix.lower(): name for name in names}
    signals = [name for suffix, name in by_suffix.items() if suffix in _SIGNALS]
    if len(names) == 2 and ".hea" in by_suffix and signals:
        return _wfdb_record(by_suffix[".hea"], names[by_suffix[".hea"]], signals[0], names[signals[0]])
    if len(names) == 1:
        ((name, content),) = names.items()
        return _one_file(PurePosixPath(name).stem, content)
    raise BadRecordError("unreadable", f"found {len(names)} files, {_WANTED}")


def _wfdb_record(header_name: str, header: bytes, name: str, signals: bytes) -> Record:
    found, signal, calibrated = parse_wfdb(header, name, signals)
    age, sex = person_of(found.comments)
    stem = PurePosixPath(header_name).stem
    return Record(stem, signal, found.rate, "wfdb", age=age, sex=sex, calibrated=calibrated)


def _one_file(name: str, content: bytes) -> Record:
    found = tell_content(content[:HEAD])
    if isinstance(found, str):
        raise BadRecordError("unreadable", f"it is {found}; {_WANTED}")
    try:
        with _as_file(content) as path:
            return record_of(found.read_file(path), name, found.name)
    except RarebeatError as error:  # a library is not installed
        raise BadRecordError("unreadable", str(error)) from error


@contextmanager
def _as_file(content: bytes) -> Iterator[Path]:
    """The content under a path, for libraries that open one: in memory where the system has such files (Linux)."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("ecg"), "wb") as file:
            file.write(content)
            file.flush()
            yield Path(f"/proc/self/fd/{file.fileno()}")
    else:
        with TemporaryDirectory(prefix="rarebeat-") as folder:
            path = Path(folder) / "ecg"
            path.write_bytes(content)
            yield path
