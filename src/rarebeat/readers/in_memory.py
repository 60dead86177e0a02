"""Reading ECGs that are in memory, such as an upload or standard input: nothing is written anywhere."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import Record
from rarebeat.readers.muse.reader import parse_muse
from rarebeat.readers.wfdb import parse_wfdb
from rarebeat.readers.wfdb_header import person_of


def read_contents(contents: Mapping[str, bytes]) -> Record:
    """Read one ECG from the contents of its files.

    Args:
        contents: file name to content: one GE MUSE XML file, or the header and the signal file of a WFDB record.

    Returns:
        The record, with age and sex where the files tell them. It carries no codes, and no patient.

    Raises:
        BadRecordError: for other files, or an ECG that cannot be read or trusted.
    """
    names = {PurePosixPath(name).name: content for name, content in contents.items()}
    by_suffix = {PurePosixPath(name).suffix.lower(): name for name in names}
    if set(by_suffix) == {".xml"} and len(names) == 1:
        (name,) = names
        ecg = parse_muse(names[name])
        return Record(
            PurePosixPath(name).stem,
            ecg.signal,
            ecg.rate,
            "muse",
            age=ecg.age,
            sex=ecg.sex,
            calibrated=ecg.calibrated,
        )
    signals = [name for suffix, name in by_suffix.items() if suffix in (".dat", ".mat")]
    if len(names) == 2 and ".hea" in by_suffix and signals:
        header, signal, calibrated = parse_wfdb(names[by_suffix[".hea"]], signals[0], names[signals[0]])
        age, sex = person_of(header.comments)
        stem = PurePosixPath(by_suffix[".hea"]).stem
        return Record(stem, signal, header.rate, "wfdb", age=age, sex=sex, calibrated=calibrated)
    raise BadRecordError(
        "unreadable",
        "expected one GE MUSE XML file (.xml), or the two files of a WFDB record (.hea with .dat or .mat)",
    )
