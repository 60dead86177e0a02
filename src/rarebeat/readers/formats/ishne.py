"""ISHNE Holter files that are short enough for a resting ECG, by ecgdatakit.

Leads that the recorder was not connected to hold -32768, which is no voltage.
"""

from pathlib import Path

import numpy as np

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.files.ecg import FileEcg, FileOptions
from rarebeat.readers.formats.ecg import Format
from rarebeat.readers.formats.kit import kit_ecg, leads_of, parse_with_kit
from rarebeat.readers.private import is_private
from rarebeat.readers.quality import RawLeads

Options = FileOptions
TAKES = (".ecg",)

_FAULT = -32768


def looks_like(head: bytes) -> bool:
    """Tell an ISHNE file by its first bytes.

    Args:
        head: at least 8 bytes.

    Returns:
        True for the magic number of ISHNE 1.0.
    """
    return head.startswith(b"ISHNE1.0")


def read_file(path: Path) -> FileEcg:
    """Read one file.

    Args:
        path: the file.

    Returns:
        What is kept of it. The format holds no report.

    Raises:
        BadRecordError: when it is no ISHNE file of 12 leads, or one that cannot be trusted.
        RarebeatError: when ecgdatakit is not installed.
    """
    record = parse_with_kit(path, "ishne", "ishne_holter", "ISHNEHolterParser").record
    raw, rate = leads_of(record)
    promised, count = record.raw_metadata["ecg_size"], raw.samples.shape[1]
    if promised not in (0, count, count * len(raw.names)):  # writers count samples of a lead, or of all
        reason = "truncated" if promised > count else "header_mismatch"
        raise BadRecordError(
            reason, f"the file holds {count} samples of each lead, its header promises {promised}"
        )
    samples = np.where(raw.samples == _FAULT, np.nan, raw.samples)
    return kit_ecg(record, RawLeads(samples, raw.names, raw.gains, raw.baselines, raw.units), rate)


_FORMAT = Format("ishne", TAKES, read_file, "ISHNE Holter files of 12 leads (.ecg)")
discover, read = _FORMAT.discover, _FORMAT.read
__all__ = ["TAKES", "Options", "discover", "is_private", "looks_like", "read", "read_file"]
