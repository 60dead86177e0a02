"""Reading WFDB records: an own fast path for plain 16-bit files, the wfdb package for every other layout."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import Signal
from rarebeat.readers.discovery import is_inside
from rarebeat.readers.quality import RawLeads, check_checksums, lead_index, trusted_signal
from rarebeat.readers.wfdb_header import Format, Header, Lead, read_header

MAX_BYTES = 1 << 28
MAX_SAMPLES = 10_000_000
"""Sizes of a signal file and of a lead that no 12-lead ECG has (a record is held in memory)."""

WRONG_GAIN = 4880.0
"""Steps per mV in some Georgia headers of 2020. The samples are microvolts: the headers of 2021 say 1000."""

_NO_FILE = "~"
_FLAC = (508, 516, 524)
_BYTES_PER_SAMPLE = {
    8: 1.0,
    16: 2.0,
    24: 3.0,
    32: 4.0,
    61: 2.0,
    80: 1.0,
    160: 2.0,
    212: 1.5,
    310: 4 / 3,
    311: 4 / 3,
}
_PADDING_BYTES = 4  # packed formats round up to whole groups


def read_wfdb(path: Path) -> tuple[Header, Signal, bool]:
    """Read one record.

    Args:
        path: its header file.

    Returns:
        The header, the signal (int16 of shape (12, samples), microvolts) and whether its amplitude is
        calibrated.

    Raises:
        BadRecordError: when it cannot be read or trusted.
    """
    header = read_header(path)
    if (header.samples or 0) > MAX_SAMPLES:
        raise BadRecordError(
            "implausible_header", f"{header.samples} samples per lead, more than any 12-lead ECG has"
        )
    _check_gains(header)
    try:
        raw = _read_leads(path, header)
    except FileNotFoundError as error:
        raise BadRecordError("unreadable", _missing_file(path.parent, error)) from error
    except OSError as error:
        raise BadRecordError("unreadable", f"the signal file cannot be read: {error.strerror}") from error
    signal, calibrated = trusted_signal(raw, header.rate)
    return header, signal, calibrated


def _missing_file(folder: Path, error: FileNotFoundError) -> str:
    """Name the file that the header names, and one beside it that may be meant."""
    missing = Path(str(error.filename))
    name = missing.relative_to(folder) if missing.is_relative_to(folder) else Path(missing.name)
    near = [folder / f"{name.name}{suffix}" for suffix in ("", ".mat", ".dat")]
    hint = next((f"; {path.name!r} lies beside the header" for path in near if path.is_file()), "")
    return f"the header names {name.as_posix()!r}, and there is no such file{hint}"


def _check_gains(header: Header) -> None:
    if any(lead.gain == WRONG_GAIN and lead.file.endswith(".mat") for lead in header.leads):
        raise BadRecordError(
            "implausible_header",
            f"a gain of {WRONG_GAIN:g}/mV is a known error of Georgia headers of 2020 (amplitudes would be "
            "4.88 times too small): use the headers of Challenge 2021, which say 1000/mV",
        )


def _read_leads(path: Path, header: Header) -> RawLeads:
    if not _is_plain(header.leads):
        return _read_with_wfdb(path, header)
    samples = _read_plain(path.parent, header)
    check_checksums(samples, [lead.checksum for lead in header.leads], [lead.name for lead in header.leads])
    return _raw_leads(samples, header.leads)


def _raw_leads(samples: npt.NDArray[np.int16], leads: Sequence[Lead]) -> RawLeads:
    return RawLeads(
        samples,
        names=[lead.name for lead in leads],
        gains=[lead.gain for lead in leads],
        baselines=[lead.baseline for lead in leads],
        units=[lead.units for lead in leads],
    )


def _is_plain(leads: Sequence[Lead]) -> bool:
    """Whether all leads are interleaved 16-bit samples in one file."""
    if not leads:
        return False
    first = leads[0]
    plain = Format(16, 1, 0, first.format.offset)
    return first.file != _NO_FILE and all(lead.file == first.file and lead.format == plain for lead in leads)


def _read_plain(folder: Path, header: Header) -> npt.NDArray[np.int16]:
    """Samples of shape (leads, samples)."""
    path = _signal_file(folder, header.leads[0].file)
    offset, count = header.leads[0].format.offset, len(header.leads)
    found, remainder = divmod(_size(path) - offset, 2 * count)
    expected = max(found, 0) if header.samples is None else header.samples
    _compare_lengths(found, remainder, expected)
    with path.open("rb", buffering=0) as file:  # faster than np.fromfile
        file.seek(offset)
        content = file.read(2 * count * expected)
    if len(content) != 2 * count * expected:
        raise BadRecordError("truncated", "the signal file became shorter while it was read")
    interleaved = np.frombuffer(content, dtype="<i2").reshape(expected, count)
    return np.ascontiguousarray(interleaved.T, dtype=np.int16)


def _compare_lengths(found: int, remainder: int, expected: int) -> None:
    if found != expected or remainder:
        raise BadRecordError(
            "truncated" if found < expected else "header_mismatch",
            f"the signal file holds {max(found, 0)} samples per lead"
            f"{' and some bytes' if remainder else ''}, the header says {expected}",
        )


def _signal_file(folder: Path, name: str) -> Path:
    path = folder / name
    if not is_inside(folder, path):
        raise BadRecordError(
            "outside_folder", "the header names a signal file outside the folder of the header"
        )
    return path


def _size(path: Path) -> int:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise BadRecordError("unreadable", "the signal file is not a regular file")
    if status.st_size > MAX_BYTES:
        raise BadRecordError(
            "unreadable", f"the signal file holds {status.st_size} bytes: no 12-lead ECG does"
        )
    return status.st_size


def _read_with_wfdb(path: Path, header: Header) -> RawLeads:
    """Any format and layout. Files are checked first: wfdb must not leave the folder or read too much."""
    import wfdb

    _check_files(path.parent, header)
    name = os.fspath(path).removesuffix(path.suffix)
    try:
        if header.segments:
            record = wfdb.rdrecord(name)
            physical = record.p_signal
        else:
            record = wfdb.rdrecord(name, physical=False)
            physical = record.dac()
    except Exception as error:  # wfdb raises whatever its parsing stumbles over
        raise BadRecordError("unreadable", f"wfdb: {type(error).__name__}: {str(error)[:200]!r}") from error
    if not header.segments and all(lead.format.frame == 1 for lead in header.leads):
        digital = np.ascontiguousarray(record.d_signal.T)
        check_checksums(digital, [lead.checksum for lead in header.leads], record.sig_name)
    count = len(record.sig_name)
    samples = np.ascontiguousarray(physical.T, dtype=np.float64)
    return RawLeads(samples, record.sig_name, [1.0] * count, [0.0] * count, record.units)


def _check_files(folder: Path, header: Header) -> None:
    if header.segments and header.samples not in (None, sum(length for _, length in header.segments)):
        raise BadRecordError("header_mismatch", f"its segments do not add up to {header.samples} samples")
    for name, length in header.segments:
        if name == _NO_FILE:
            continue
        segment = read_header(_signal_file(folder, name + ".hea"))
        if segment.segments:
            raise BadRecordError("unreadable", "a segment of the record has segments itself")
        if segment.samples not in (None, length):
            raise BadRecordError("header_mismatch", f"a segment has {segment.samples} samples, not {length}")
        _check_files(folder, segment)
    if any(lead.gain is None for lead in header.leads if lead_index(lead.name) is not None):
        raise BadRecordError("unknown_units", "a lead has no gain")  # wfdb would put 200 in its place
    for name in {lead.file for lead in header.leads} - {_NO_FILE}:
        _check_size(
            _size(_signal_file(folder, name)),
            [lead for lead in header.leads if lead.file == name],
            header.samples,
        )


def _check_size(size: int, leads: Sequence[Lead], samples: int | None) -> None:
    number, offset = leads[0].format.number, leads[0].format.offset
    if number in _FLAC or samples is None:
        return
    if number not in _BYTES_PER_SAMPLE:
        raise BadRecordError("unreadable", f"signal format {number} is not a WFDB format")
    expected = offset + samples * sum(lead.format.frame for lead in leads) * _BYTES_PER_SAMPLE[number]
    detail = f"the signal file holds {size} bytes, the header promises {expected:.0f}"
    if size < int(expected):
        raise BadRecordError("truncated", detail)
    if size > expected + _PADDING_BYTES:
        raise BadRecordError("header_mismatch", detail)
