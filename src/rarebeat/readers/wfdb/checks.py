"""What a WFDB header promises, held against itself, its name, and the signal files that it names."""

import stat
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.discovery import is_inside
from rarebeat.readers.quality import lead_index, shown_name
from rarebeat.readers.wfdb.header import Header, Lead

MAX_BYTES = 1 << 28
MAX_SAMPLES = 10_000_000
"""Sizes of a signal file and of a lead that no 12-lead ECG has."""

WRONG_GAIN = 4880.0
"""Steps per mV in some Georgia headers of 2020. The samples are microvolts: the headers of 2021 say 1000."""

NO_FILE = "~"
"""Stands for the signal file of a lead that was not recorded."""

_MOST = 0.75  # of the leads: what fewer share is no rule


def check_header(header: Header) -> None:
    """Refuse a header that no 12-lead ECG has, or that contradicts itself.

    Args:
        header: of the record.

    Raises:
        BadRecordError: for more samples than there can be, a gain that is known to be wrong, or leads that are unlike
            each other.
    """
    if (header.samples or 0) > MAX_SAMPLES:
        raise BadRecordError(
            "implausible_header", f"{header.samples} samples per lead, more than any 12-lead ECG has"
        )
    _check_gains(header)
    _check_like_the_others(header.leads)


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


def check_names(path: Path, header: Header) -> None:
    """Refuse the header of one record under the name of another.

    Args:
        path: of the header.
        header: its content.

    Raises:
        BadRecordError: when it names another record, or the signal file of one.
    """
    stem = path.stem
    if header.name != stem and header.name.casefold() != stem.casefold():
        raise BadRecordError("header_mismatch", f"the header is that of record {header.name[:40]!r}")
    own = f"{stem}."
    others = {
        Path(file).stem for file in {lead.file for lead in header.leads} if not file.startswith(own)
    } - {stem, NO_FILE}
    for other in sorted(others):
        if is_inside(path.parent, path.parent / other) and (path.parent / f"{other}.hea").is_file():
            raise BadRecordError(
                "header_mismatch", f"the header names the signal file of record {other[:40]!r}"
            )


def missing_file(folder: Path, error: FileNotFoundError) -> str:
    """Name the file that the header names, and one beside it that may be meant.

    Args:
        folder: of the header.
        error: with which it was not found.

    Returns:
        A message.
    """
    missing = Path(str(error.filename))
    name = missing.relative_to(folder) if missing.is_relative_to(folder) else Path(missing.name)
    near = [folder / f"{name.name}{suffix}" for suffix in ("", ".mat", ".dat")]
    hint = next((f"; {path.name!r} lies beside the header" for path in near if path.is_file()), "")
    return f"the header names {name.as_posix()!r}, and there is no such file{hint}"


def signal_file(folder: Path, name: str) -> Path:
    """Find a signal file.

    Args:
        folder: of the header.
        name: as the header has it.

    Returns:
        Its path.

    Raises:
        BadRecordError: when it leads out of the folder.
    """
    path = folder / name
    if not is_inside(folder, path):
        raise BadRecordError(
            "outside_folder", "the header names a signal file outside the folder of the header"
        )
    return path


def size_of(path: Path) -> int:
    """Measure a signal file.

    Args:
        path: the file.

    Returns:
        Bytes.

    Raises:
        BadRecordError: when it is no regular file, or larger than any ECG.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise BadRecordError("unreadable", "the signal file is not a regular file")
    if status.st_size > MAX_BYTES:
        raise BadRecordError(
            "unreadable", f"the signal file holds {status.st_size} bytes: no 12-lead ECG does"
        )
    return status.st_size


def check_length(found: int, remainder: int, expected: int) -> None:
    """Compare the samples of a signal file with what the header promises.

    Args:
        found: samples per lead.
        remainder: bytes behind them.
        expected: samples per lead, as the header says.

    Raises:
        BadRecordError: when they differ.
    """
    if found != expected or remainder:
        raise BadRecordError(
            "truncated" if found < expected else "header_mismatch",
            f"the signal file holds {max(found, 0)} samples per lead"
            f"{' and some bytes' if remainder else ''}, the header says {expected}",
        )


def check_initial_values(samples: npt.NDArray[np.integer[Any]], leads: Sequence[Lead]) -> None:
    """Compare the first sample of each lead with the initial value in the header, where there is one.

    Args:
        samples: digital samples, shape (leads, samples).
        leads: of the header.

    Raises:
        BadRecordError: when they differ.
    """
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
