"""MFER files (ISO 22077), as Nihon Kohden and others write them, by ecgdatakit.

The standard has defaults for rate and resolution; a file that leaves them out is refused, for nobody has told them.
"""

from pathlib import Path

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.files.ecg import FileEcg, FileOptions
from rarebeat.readers.formats.ecg import Format
from rarebeat.readers.formats.kit import kit_ecg, leads_of, parse_with_kit
from rarebeat.readers.private import is_private

Options = FileOptions
TAKES = (".mwf", ".mfer")

_PREAMBLE, _MAGIC = 0x40, b"MFR "


def looks_like(head: bytes) -> bool:
    """Tell an MFER file by its first bytes.

    Args:
        head: at least 6 bytes.

    Returns:
        True for the preamble, which the standard recommends; a file without it is known by its ending alone.
    """
    return len(head) > 5 and head[0] == _PREAMBLE and head[2:6] == _MAGIC


def read_file(path: Path) -> FileEcg:
    """Read one file.

    Args:
        path: the file.

    Returns:
        What is kept of it. The format holds no report that is read.

    Raises:
        BadRecordError: when it is no MFER file of 12 leads, or one that cannot be trusted.
        RarebeatError: when ecgdatakit is not installed.
    """
    record = parse_with_kit(path, "mfer", "mfer", "MFERParser").record
    if record.raw_metadata.get("sampling_rate_stated") is False or "scale_warning" in record.raw_metadata:
        raise BadRecordError("unknown_units", "the file leaves out its rate or its resolution")
    if any(record.raw_metadata.get("sample_skew_ns", ())):
        raise BadRecordError(
            "header_mismatch", "the leads were not recorded at the same time: a channel is skewed"
        )
    rates = record.raw_metadata.get("sampling_rates") or [None]
    raw, rounded = leads_of(record)
    return kit_ecg(record, raw, rates[0] or rounded)


_FORMAT = Format("mfer", TAKES, read_file, "MFER files of 12 leads (.mwf, .mfer)")
discover, read = _FORMAT.discover, _FORMAT.read
__all__ = ["TAKES", "Options", "discover", "is_private", "looks_like", "read", "read_file"]
