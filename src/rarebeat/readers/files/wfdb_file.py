"""A WFDB record, also one of the PhysioNet/CinC Challenge, named by its header."""

import re
from collections.abc import Sequence
from pathlib import Path

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.challenge import codes_of
from rarebeat.readers.contract.stored import stored_in
from rarebeat.readers.files.ecg import FileEcg, FilePerson
from rarebeat.readers.wfdb.header import Header, person_of, read_header, told_once
from rarebeat.readers.wfdb.records import read_wfdb

_RECORD = re.compile(rb"\s*[^\s#]\S* +\d{1,4} +\d+(?:\.\d+)?(?:[/(]\S*)?(?: +\d+)?[^\n]*\n", re.ASCII)
_SIGNAL = re.compile(rb"\S+ +\d+(?:x\d+)?(?::\d+)?(?:\+\d+)?(?: |\r?\n)|\S+ +\d+\s*\n", re.ASCII)


def looks_like(head: bytes) -> bool:
    """Tell whether a file begins like a WFDB header.

    Args:
        head: its first bytes.

    Returns:
        True for a line with name, number of signals and rate, followed by one with a file and its format.

    Example:
        >>> looks_like(b"# made by x\\nr1 1 500 5000\\nr1.dat 16 1000/mV 16 0\\n"), looks_like(b"a 1 b\\n")
        (True, False)
    """
    while head.lstrip().startswith(b"#"):
        head = head.lstrip().partition(b"\n")[2]
    first = _RECORD.match(head)
    return first is not None and _SIGNAL.match(head, first.end()) is not None


def parts_of(path: Path) -> list[Path]:
    """List the signal files of a record, so that nobody takes them for files of their own.

    Args:
        path: of its header.

    Returns:
        Files beside the header; none where it cannot be read.
    """
    try:
        header = read_header(path)
    except BadRecordError:
        return []
    return [path.parent / Path(name).name for name in _files_of(header)]


def _files_of(header: Header) -> Sequence[str]:
    return list(dict.fromkeys(lead.file for lead in header.leads if lead.file != "~"))


def read_file(path: Path) -> FileEcg:
    """Read the record of a header.

    Args:
        path: of the header.

    Returns:
        The ECG, with the codes of a challenge header.

    Raises:
        BadRecordError: when it cannot be read or trusted.
    """
    header, signal, calibrated = read_wfdb(path)
    person = person_of(header.comments)
    codes = codes_of(told_once(header.comments, ["dx"]).get("dx", ""))
    known = FilePerson(None, person.age, person.sex)
    return FileEcg(signal, header.rate, calibrated, known, codes=codes, stored=stored_in(header))
