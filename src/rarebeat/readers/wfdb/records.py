"""Reading WFDB records: an own fast path for plain 16-bit files, the wfdb package for every other layout."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import Signal
from rarebeat.readers.quality import RawLeads, lead_index, trusted_signal
from rarebeat.readers.wfdb.checks import (
    NO_FILE,
    check_checksums,
    check_header,
    check_initial_values,
    check_length,
    check_names,
    missing_file,
    signal_file,
    size_of,
)
from rarebeat.readers.wfdb.header import Format, Header, Lead, parse_header, read_header

MAX_VALUES = 1 << 27
"""Samples of all signals together that no 12-lead ECG has (a record is held in memory)."""

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
    check_header(header)
    try:
        check_names(path, header)
        raw = _read_leads(path, header)
    except FileNotFoundError as error:
        raise BadRecordError("unreadable", missing_file(path.parent, error)) from error
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
    check_header(found)
    if not _is_plain(found.leads):
        raise BadRecordError(
            "unreadable", "a record in memory must hold its leads in one file of 16-bit samples (format 16)"
        )
    if found.leads[0].file != name:
        raise BadRecordError("header_mismatch", f"the header is not that of the signal file {name[:40]!r}")
    samples = _plain_samples(found, len(signals), lambda start, count: signals[start : start + count])
    signal, calibrated = trusted_signal(_checked_leads(samples, found), found.rate)
    return found, signal, calibrated


def _read_leads(path: Path, header: Header) -> RawLeads:
    if not _is_plain(header.leads):
        return _read_with_wfdb(path, header)
    return _checked_leads(_read_plain(path.parent, header), header)


def _checked_leads(samples: npt.NDArray[np.int16], header: Header) -> RawLeads:
    check_checksums(samples, [lead.checksum for lead in header.leads], [lead.name for lead in header.leads])
    check_initial_values(samples, header.leads)
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
    return first.file != NO_FILE and all(lead.file == first.file and lead.format == plain for lead in leads)


def _read_plain(folder: Path, header: Header) -> npt.NDArray[np.int16]:
    """Samples of shape (leads, samples)."""
    path = signal_file(folder, header.leads[0].file)

    def read(start: int, count: int) -> bytes:
        with path.open("rb", buffering=0) as file:  # faster than np.fromfile
            file.seek(start)
            return file.read(count)

    return _plain_samples(header, size_of(path), read)


def _plain_samples(header: Header, size: int, read: Callable[[int, int], bytes]) -> npt.NDArray[np.int16]:
    """Samples of shape (leads, samples) from a file of so many bytes; ``read`` takes where to start and how many."""
    offset, count = header.leads[0].format.offset, len(header.leads)
    found, remainder = divmod(size - offset, 2 * count)
    expected = max(found, 0) if header.samples is None else header.samples
    check_length(found, remainder, expected)
    content = read(offset, 2 * count * expected)
    if len(content) != 2 * count * expected:
        raise BadRecordError("truncated", "the signal file became shorter while it was read")
    interleaved = np.frombuffer(content, dtype="<i2").reshape(expected, count)
    return np.ascontiguousarray(interleaved.T, dtype=np.int16)


def _read_with_wfdb(path: Path, header: Header) -> RawLeads:
    """Any format and layout. Files are checked first: wfdb must not leave the folder or read too much."""
    import wfdb

    _check_files(path.parent, header)
    name = os.fspath(path).removesuffix(path.suffix)
    try:
        whole, in_frames = bool(header.segments), _has_frames(path.parent, header)
        record = wfdb.rdrecord(name, physical=whole, smooth_frames=not in_frames)
        if in_frames:
            samples = _frame_means(
                record.e_p_signal if whole else record.dac(expanded=True), record.samps_per_frame
            )
        else:
            samples = np.ascontiguousarray((record.p_signal if whole else record.dac()).T, dtype=np.float64)
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
                check_initial_values(digital, header.leads)
    count = len(names)
    return RawLeads(samples, names, [1.0] * count, [0.0] * count, record.units)


def _has_frames(folder: Path, header: Header) -> bool:
    """Whether a signal has several samples to a frame."""
    parts = [
        read_header(signal_file(folder, f"{name}.hea")) for name, _ in header.segments if name != NO_FILE
    ]
    return any(lead.format.frame > 1 for part in parts or [header] for lead in part.leads)


def _frame_means(leads: Sequence[npt.NDArray[np.float64]], frames: Sequence[int]) -> npt.NDArray[np.float64]:
    """The mean of each frame, missing where one of its samples is, as the WFDB library has it: wfdb 4.3.1 averages the
    mark of a missing sample like a voltage."""
    return np.stack(
        [lead.reshape(-1, frame).mean(axis=1) for lead, frame in zip(leads, frames, strict=True)],
        dtype=np.float64,
    )


def _check_files(folder: Path, header: Header) -> None:
    if header.segments and header.samples not in (None, sum(length for _, length in header.segments)):
        raise BadRecordError("header_mismatch", f"its segments do not add up to {header.samples} samples")
    _check_memory(header.samples, header.leads)
    for name, length in header.segments:
        if name == NO_FILE:
            continue
        segment = read_header(signal_file(folder, name + ".hea"))
        if segment.segments:
            raise BadRecordError("unreadable", "a segment of the record has segments itself")
        if segment.samples not in (None, length):
            raise BadRecordError("header_mismatch", f"a segment has {segment.samples} samples, not {length}")
        _check_memory(header.samples, segment.leads)  # all of the record, with the signals of this segment
        _check_files(folder, segment)
    if any(lead.gain is None for lead in header.leads if lead_index(lead.name) is not None):
        raise BadRecordError("unknown_units", "a lead has no gain")  # wfdb would put 200 in its place
    for name in {lead.file for lead in header.leads} - {NO_FILE}:
        _check_size(
            size_of(signal_file(folder, name)),
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
