"""Reading one file of any supported format, for prediction."""

from pathlib import Path

from rarebeat.core.errors import RarebeatError
from rarebeat.core.records import Record
from rarebeat.readers.muse_xml import read_muse
from rarebeat.readers.wfdb import read_wfdb

SUFFIXES = (".hea", ".mat", ".dat", ".xml")
"""What :func:`read_file` takes."""


def read_file(path: Path) -> Record:
    """Read a WFDB record (named by its header or its signal file) or a MUSE XML file.

    Returns:
        The record. Its id is the file's name; it carries no codes, and no patient.

    Raises:
        RarebeatError: when the file is missing or of another kind.
        BadRecordError: when it cannot be read or trusted.
    """
    if path.is_dir():
        raise RarebeatError(f"{path} is a folder: name the files in it")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise RarebeatError(
            f"{path} is no supported file: expected a WFDB record (.hea with .dat or .mat) "
            "or a GE MUSE XML (.xml)"
        )
    if not path.is_file():
        raise RarebeatError(f"there is no file {path}")
    if suffix == ".xml":
        ecg = read_muse(path)
        return Record(
            path.stem, ecg.signal, ecg.rate, "muse", None, ecg.age, ecg.sex, None, ecg.calibrated, ecg.text
        )
    header_path = path if suffix == ".hea" else path.with_suffix(".hea")
    if not header_path.is_file():
        raise RarebeatError(f"{path} cannot be read without its header {header_path.name} beside it")
    header, signal, calibrated = read_wfdb(header_path)
    return Record(path.stem, signal, header.rate, "wfdb", calibrated=calibrated)
