"""Reading WFDB records: an own fast path for plain 16-bit files, the wfdb package for every other layout."""

import os
import stat
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import Signal
from rarebeat.readers.discovery import is_inside
from rarebeat.readers.quality import RawLeads, lead_index, shown_name, trusted_signal
from rarebeat.readers.wfdb_header import Format, Header, Lead, parse_header, read_header

MAX_BYTES = 1 << 28
MAX_SAMPLES = 10_000_000
MAX_VALUES = 1 << 27
"""Sizes of a signal file, of a lead and of all signals that no 12-lead ECG has (a record is held in memory)."""

WRONG_GAIN = 4880.0
"""Steps per mV in some Georgia headers of 2020. The samples are microvolts: the headers of 2021 say 1000."""

_MOST = 0.75  # of the leads: what fewer share is no rule
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
    _check_header(header)
    try:
        _check_names(path, header)
        raw = _read_leads(path, header)
    except FileNotFoundError as error:
        raise BadRecordError("unreadable", _missing_file(path.parent, error)) from error
    except OSError as error:
        raise BadRecordError("unreadable", f"the signal file cannot be read: {error.strerror}") from error
    signal, calibrated = trusted_signal(raw, header.rate)
    return header, signal, calibrated


def parse_wfdb(header: bytes, name: str, signals: bytes) -> tuple[Header, Signal, bool]:
    """Parse the two files of a record that are in memory.

    Args:
        header: content of the header file.
        name: of the signal file, which the header must name.
        signals: its content, interleaved 16-bit samples, as nearly all 12-lead records have them.

    Returns:
        As :func:`read_wfdb`.

    Raises:
        BadRecordError: when they cannot be read or trusted, or are in another format.
    """
    found = parse_header(header)
    _check_header(found)
    if not _is_plain(found.leads):
        raise BadRecordError(
            "unreadable", "a record in memory must hold its leads in one file of 16-bit samples (format 16)"
        )
    if found.leads[0].file != name:
        raise BadRecordError("header_mismatch", f"the header is not that of the signal file {name[:40]!r}")
    samples = _plain_samples(found, len(signals), lambda start, count: signals[start : start + count])
    signal, calibrated = trusted_signal(_checked_leads(samples, found), found.rate)
    return found, signal, calibrated


def _check_header(header: Header) -> None:
    if (header.samples or 0) > MAX_SAMPLES:
        raise BadRecordError(
            "implausible_header", f"{header.samples} samples per lead, more than any 12-lead ECG has"
        )
    _check_gains(header)
    _check_like_the_others(header.leads)


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


def _check_like_the_others(leads: Sequence[Lead]) -> None:
    """Refuse leads whose step or zero is unlike that of most: one recorder has one. Where all differ, each was scaled
    by itself (as in LUDB, and by wfdb where no gain is given), and nothing can be told."""
    scale = (leads[0].gain, leads[0].baseline, leads[0].units) if leads else None
    if all((lead.gain, lead.baseline, lead.units) == scale for lead in leads):
        return
    found = {
        lead.name: (lead.gain, lead.baseline, lead.units.lower())
        for lead in leads
        if lead_index(lead.name) is not None
    }
    usual, count = Counter(found.values()).most_common(1)[0] if found else (None, 0)
    if len(found) > count >= _MOST * len(found):
        odd = ", ".join(name for name, scale in found.items() if scale != usual)
        raise BadRecordError(
            "header_mismatch", f"gain, baseline or unit of {odd} are unlike those of the other leads"
        )


def _check_names(path: Path, header: Header) -> None:
    """Refuse the header of one record under the name of another."""
    stem = path.stem
    if header.name != stem and header.name.casefold() != stem.casefold():
        raise BadRecordError("header_mismatch", f"the header is that of record {header.name[:40]!r}")
    own = f"{stem}."
    others = {
        Path(file).stem for file in {lead.file for lead in header.leads} if not file.startswith(own)
    } - {stem, _NO_FILE}
    for other in sorted(others):
        if is_inside(path.parent, path.parent / other) and (path.parent / f"{other}.hea").is_file():
            raise BadRecordError(
                "header_mismatch", f"the header names the signal file of record {other[:40]!r}"
            )


def _read_leads(path: Path, header: Header) -> RawLeads:
    if not _is_plain(header.leads):
        return _read_with_wfdb(path, header)
    return _checked_leads(_read_plain(path.parent, header), header)


def _checked_leads(samples: npt.NDArray[np.int16], header: Header) -> RawLeads:
    check_checksums(samples, [lead.checksum for lead in header.leads], [lead.name for lead in header.leads])
    _check_initial_values(samples, header.leads)
    return _raw_leads(samples, header.leads)


def _check_initial_values(samples: npt.NDArray[np.integer[Any]], leads: Sequence[Lead]) -> None:
    if not any(lead.initial for lead in leads):  # writers that do not know them write zeros
        return
    found = samples[:, 0].tolist() if samples.shape[1] else []
    wrong = [
        shown_name(lead.name)
        for lead, value in zip(leads, found, strict=False)
        if lead.initial is not None and lead.initial != value
    ]
    if wrong:
        raise BadRecordError(
            "header_mismatch",
            f"the first samples of {', '.join(wrong[:12])} are not the initial values that the header gives",
        )


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

    def read(start: int, count: int) -> bytes:
        with path.open("rb", buffering=0) as file:  # faster than np.fromfile
            file.seek(start)
            return file.read(count)

    return _plain_samples(header, _size(path), read)


def _plain_samples(header: Header, size: int, read: Callable[[int, int], bytes]) -> npt.NDArray[np.int16]:
    """Samples of shape (leads, samples) from a file of so many bytes; ``read`` takes where to start and how many."""
    offset, count = header.leads[0].format.offset, len(header.leads)
    found, remainder = divmod(size - offset, 2 * count)
    expected = max(found, 0) if header.samples is None else header.samples
    _compare_lengths(found, remainder, expected)
    content = read(offset, 2 * count * expected)
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
    names = [name or "" for name in record.sig_name]
    if not header.segments:
        if names != [lead.name for lead in header.leads]:
            raise BadRecordError("header_mismatch", "the fields of a signal line are not where they belong")
        if all(lead.format.frame == 1 for lead in header.leads):
            digital = np.ascontiguousarray(record.d_signal.T)
            check_checksums(digital, [lead.checksum for lead in header.leads], names)
            if all(lead.format.skew == 0 for lead in header.leads):
                _check_initial_values(digital, header.leads)
    count = len(names)
    samples = np.ascontiguousarray(physical.T, dtype=np.float64)
    return RawLeads(samples, names, [1.0] * count, [0.0] * count, record.units)


def check_checksums(
    samples: npt.NDArray[np.integer[Any]], checksums: Sequence[int | None], names: Sequence[str]
) -> None:
    """Compare the 16-bit sum of each lead with the one in the header, where there is one.

    Args:
        samples: digital samples, shape (leads, samples).
        checksums: one per lead, or None.
        names: one per lead, for the message.

    Raises:
        BadRecordError: ``wrong_checksum``.
    """
    sums = samples.sum(axis=1, dtype=np.int16).tolist()  # wraps like the checksum
    wrong = [
        shown_name(name)
        for name, total, checksum in zip(names, sums, checksums, strict=True)
        if checksum is not None and (total - checksum) & 0xFFFF
    ]
    if wrong:
        raise BadRecordError(
            "wrong_checksum", f"the samples of {', '.join(wrong)} do not add up to the header's checksum"
        )


def _check_files(folder: Path, header: Header) -> None:
    if header.segments and header.samples not in (None, sum(length for _, length in header.segments)):
        raise BadRecordError("header_mismatch", f"its segments do not add up to {header.samples} samples")
    _check_memory(header.samples, header.leads)
    for name, length in header.segments:
        if name == _NO_FILE:
            continue
        segment = read_header(_signal_file(folder, name + ".hea"))
        if segment.segments:
            raise BadRecordError("unreadable", "a segment of the record has segments itself")
        if segment.samples not in (None, length):
            raise BadRecordError("header_mismatch", f"a segment has {segment.samples} samples, not {length}")
        _check_memory(header.samples, segment.leads)  # all of the record, with the signals of this segment
        _check_files(folder, segment)
    if any(lead.gain is None for lead in header.leads if lead_index(lead.name) is not None):
        raise BadRecordError("unknown_units", "a lead has no gain")  # wfdb would put 200 in its place
    for name in {lead.file for lead in header.leads} - {_NO_FILE}:
        _check_size(
            _size(_signal_file(folder, name)),
            [lead for lead in header.leads if lead.file == name],
            header.samples,
        )


def _check_memory(samples: int | None, leads: Sequence[Lead]) -> None:
    """Bound what a header asks for, before an outside reader makes room for it."""
    frames = sum(lead.format.frame for lead in leads)
    longest = (samples or 0) + max((lead.format.skew for lead in leads), default=0)
    if frames * longest > MAX_VALUES:
        raise BadRecordError(
            "implausible_header",
            f"{frames} signals of {longest} samples are more than any 12-lead ECG has",
        )


def _check_size(size: int, leads: Sequence[Lead], samples: int | None) -> None:
    number, offset = leads[0].format.number, leads[0].format.offset
    if number in _FLAC and samples is None:
        raise BadRecordError("unreadable", "a compressed record whose header does not tell its length")
    if number in _FLAC:
        return
    if number not in _BYTES_PER_SAMPLE:
        raise BadRecordError("unreadable", f"signal format {number} is not a WFDB format")
    if size / _BYTES_PER_SAMPLE[number] > MAX_VALUES:
        raise BadRecordError("implausible_header", "the signal file holds more samples than any 12-lead ECG")
    if samples is None:
        return
    expected = offset + samples * sum(lead.format.frame for lead in leads) * _BYTES_PER_SAMPLE[number]
    detail = f"the signal file holds {size} bytes, the header promises {expected:.0f}"
    if size < int(expected):
        raise BadRecordError("truncated", detail)
    if size > expected + _PADDING_BYTES:
        raise BadRecordError("header_mismatch", detail)
