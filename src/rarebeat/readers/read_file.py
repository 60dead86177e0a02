"""Reading one file of any supported format, for prediction."""

from pathlib import Path

from rarebeat.core.errors import RarebeatError
from rarebeat.core.records import Record
from rarebeat.readers.muse_xml import read_muse
from rarebeat.readers.wfdb import read_wfdb
from rarebeat.readers.wfdb_header import person_of

SUFFIXES = (".hea", ".mat", ".dat", ".xml")
"""What :func:`read_file` takes."""

_ADVICE = {
    ".csv": "a table does not say what its numbers are; write the ECG as a WFDB record",
    ".dcm": "DICOM is not read; export the ECG as GE MUSE XML, or write it as a WFDB record",
    ".edf": "EDF is not read; edf2mit of the WFDB software writes it as a WFDB record",
    ".parquet": "a cohort is not a file of an ECG; name the file that it was read from",
    ".scp": "SCP-ECG is not read; export the ECG as GE MUSE XML, or write it as a WFDB record",
}


def read_file(path: Path) -> Record:
    """Read a WFDB record (named by its header or its signal file) or a MUSE XML file.

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
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        advice = f": {_ADVICE[suffix]}" if suffix in _ADVICE else ""
        raise RarebeatError(
            f"{path} is no supported file: expected a WFDB record (.hea with .dat or .mat) "
            f"or a GE MUSE XML (.xml){advice}"
        )
    if not path.is_file():
        raise RarebeatError(f"there is no file {path}")
    return _read_muse_file(path) if suffix == ".xml" else _read_wfdb_file(path)


def _read_muse_file(path: Path) -> Record:
    ecg = read_muse(path)
    return Record(
        path.stem,
        ecg.signal,
        ecg.rate,
        "muse",
        age=ecg.age,
        sex=ecg.sex,
        calibrated=ecg.calibrated,
        text=ecg.text,
    )


def _read_wfdb_file(path: Path) -> Record:
    header_path = path if path.suffix.lower() == ".hea" else path.with_suffix(".hea")
    if not header_path.is_file():
        raise RarebeatError(f"{path} cannot be read without its header {header_path.name} beside it")
    header, signal, calibrated = read_wfdb(header_path)
    age, sex = person_of(header.comments)
    return Record(path.stem, signal, header.rate, "wfdb", age=age, sex=sex, calibrated=calibrated)
