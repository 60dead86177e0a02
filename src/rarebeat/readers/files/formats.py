"""What a file is, told by its first bytes: the formats that can be read, and others by name."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from rarebeat.core.errors import BadRecordError, RarebeatError
from rarebeat.readers.discovery import first_element, xml_root
from rarebeat.readers.files.ecg import FileEcg

HEAD = 1 << 16
"""Bytes that are looked at: the root of an XML file may stand behind a long comment."""


class _Row(NamedTuple):
    """A row of the table of formats: the module with ``looks_like`` and ``read_file``, and its name for people."""

    module: str
    about: str


_FORMATS = {
    "muse-xml": _Row("rarebeat.readers.muse.reader", "GE MUSE RestingECG XML"),
    "aecg": _Row("rarebeat.readers.formats.aecg", "HL7 annotated ECG"),
    "cardiosoft-xml": _Row("rarebeat.readers.formats.cardiosoft", "GE CardioSoft XML"),
    "dicom": _Row("rarebeat.readers.formats.dicom", "DICOM ECG waveform"),
    "edf": _Row("rarebeat.readers.formats.edf", "EDF or EDF+"),
    "eli-xml": _Row("rarebeat.readers.formats.eli", "Mortara ELI XML"),
    "ishne": _Row("rarebeat.readers.formats.ishne", "ISHNE Holter file"),
    "mfer": _Row("rarebeat.readers.formats.mfer", "MFER"),
    "philips-xml": _Row("rarebeat.readers.formats.philips", "Philips Sierra XML"),
    "scp": _Row("rarebeat.readers.formats.scp", "SCP-ECG"),
    "wfdb": _Row("rarebeat.readers.files.wfdb_file", "WFDB record"),
    "arrays": _Row("rarebeat.readers.files.array_file", "array of numbers (NPY, Parquet, CSV)"),
}
"""The formats that can be read, in the order in which they are tried. A module is imported when it is asked for."""

_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"II*\x00", "a picture (TIFF)"),
    (b"MM\x00*", "a picture (TIFF)"),
    (b"\x89HDF\r\n", "an HDF5 file: kinds code15 and sph read those of two databases"),
    (b"SQLite format 3", "an SQLite database"),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file without a WFDB header that names it"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
    (b"BZh", "a bzip2 file: unpack it"),
    (b"\xfd7zXZ", "an xz file: unpack it"),
    (b"PK\x03\x04", "a ZIP archive inside another"),
    (b"\x1f\x8b", "a gzip file inside another"),
    (b"{\\rtf", "a text document (RTF)"),
)
_TAR = slice(257, 262)


class Format(NamedTuple):
    """A format that can be read.

    Attributes:
        name: for tables.
        about: for people.
        looks_like: whether a file begins like one of this format.
        read_file: reads a file; raises BadRecordError for one that cannot be trusted.
    """

    name: str
    about: str
    looks_like: Callable[[bytes], bool]
    read_file: Callable[[Path], FileEcg]


@cache
def formats() -> tuple[Format, ...]:
    """List the formats that can be read.

    Returns:
        Each with its functions, in the order in which they are tried.

    Example:
        >>> [entry.name for entry in formats()][:2]
        ['muse-xml', 'aecg']
    """
    return tuple(map(_loaded, _FORMATS))


def _loaded(name: str) -> Format:
    row = _FORMATS[name]
    module = import_module(row.module)

    def read_file(path: Path) -> FileEcg:
        try:
            found: FileEcg = module.read_file(path)
        except (ValueError, ArithmeticError, LookupError) as error:  # a reader met what it did not foresee
            raise BadRecordError(
                "unreadable", f"{type(error).__name__} in the reader of the format {name}"
            ) from error
        return found

    return Format(name, row.about, module.looks_like, read_file)


def format_named(name: str) -> Format:
    """Look up a format.

    Args:
        name: of :func:`formats`.

    Returns:
        The format.
    """
    return next(entry for entry in formats() if entry.name == name)


def tell(head: bytes) -> Format | str:
    """Tell what a file is.

    Args:
        head: its first :data:`HEAD` bytes.

    Returns:
        The format; or what it is instead, for people.

    Example:
        >>> tell(b"r1 1 500 5000\\nr1.dat 16 1000/mV 16 0\\n").name, tell(b"%PDF-1.7"), tell(b"")
        ('wfdb', 'a PDF document', 'an empty file')
    """
    if not head:
        return "an empty file"
    for entry in formats():
        if entry.looks_like(head):
            return entry
    for magic, what in _OTHERS:
        if head.startswith(magic):
            return what
    if head[_TAR] == b"ustar":
        return "a tar archive: unpack it"
    return _text(head)


def _text(head: bytes) -> str:
    """What a file is that no signature tells: another XML, a table, a text, or bytes of an unknown kind."""
    if b"\0" in head[:1024].replace(b"\xff\xfe", b"") and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "of a format that is not known"
    try:
        text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")
    except UnicodeDecodeError:
        return "of a format that is not known"
    start = text.lstrip()
    if start.startswith("<"):
        root = first_element(start)
        return f"XML of another kind: {xml_root(root)}" if root else "XML that cannot be read"
    if text.count("\ufffd") > len(text) // 10:
        return "of a format that is not known"
    lines = [line for line in text.splitlines()[:3] if line]
    if lines and any(all(mark in line for line in lines) for mark in ",;\t"):
        return "a table (CSV): the options tables and labels_csv join it to the recordings"
    return "a text"


def require_file(head: bytes, name: str) -> Format:
    """Tell the format of a file that is to be read.

    Args:
        head: its first bytes.
        name: of the file, for the message.

    Returns:
        The format.

    Raises:
        RarebeatError: when it is none that can be read; the message says what it is.
    """
    found = tell(head)
    if isinstance(found, str):
        listed = ", ".join(entry.about for entry in formats())
        raise RarebeatError(f"{name} is {found}; what can be read: {listed}")
    return found
