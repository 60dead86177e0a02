"""A GE MUSE RestingECG export."""

import re
from pathlib import Path

from rarebeat.readers.files.ecg import FileEcg, FilePerson
from rarebeat.readers.muse.reader import read_muse

_ROOT = re.compile(rb"<RestingECG[\s/>]")


def looks_like(head: bytes) -> bool:
    """Tell whether a file begins like a MUSE export.

    Args:
        head: its first bytes.

    Returns:
        True for XML whose root is RestingECG.

    Example:
        >>> looks_like(b'<?xml version="1.0"?><RestingECG>'), looks_like(b"<RestingECGs>")
        (True, False)
    """
    return _ROOT.search(head.replace(b"\0", b"")) is not None  # of UTF-16, what stands in ASCII


def read_file(path: Path) -> FileEcg:
    """Read an export.

    Args:
        path: the file.

    Returns:
        The ECG, with its statements and whether a person has confirmed them.

    Raises:
        BadRecordError: when it cannot be read or trusted.
    """
    ecg = read_muse(path)
    person = FilePerson(ecg.patient, ecg.age, ecg.sex, ecg.not_understood)
    return FileEcg(ecg.signal, ecg.rate, ecg.calibrated, person, ecg.text, ecg.status, stored=ecg.stored)
