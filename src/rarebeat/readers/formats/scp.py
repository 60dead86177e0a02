"""SCP-ECG files (EN 1064, ISO 11073-91064), by ecgdatakit, which brings the Huffman tables.

A file is refused for a checksum that is wrong, and for leads that begin at different samples or were not recorded
together. The rate comes from the interval in microseconds; the library rounds it to a whole number, and that is undone
here.
"""

from pathlib import Path

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.files.ecg import FileEcg, FileOptions
from rarebeat.readers.formats.ecg import Format
from rarebeat.readers.formats.kit import kit_ecg, leads_of, parse_with_kit
from rarebeat.readers.private import is_private

Options = FileOptions
TAKES = (".scp",)

_MICROSECONDS = 1e6


def looks_like(head: bytes) -> bool:
    """Tell an SCP-ECG file by its first bytes.

    Args:
        head: at least 22 bytes.

    Returns:
        True where section 0 begins behind the checksum and the size, with its id, and names itself SCPECG or is the
        pointer section.
    """
    return head[8:10] == b"\0\0" and head[16:22] == b"SCPECG"


def read_file(path: Path) -> FileEcg:
    """Read one file.

    Args:
        path: the file.

    Returns:
        What is kept of it.

    Raises:
        BadRecordError: when it is no SCP-ECG file, or one that cannot be trusted.
        RarebeatError: when ecgdatakit is not installed.
    """
    record = parse_with_kit(path, "scp", "scp_ecg", "SCPECGParser").record
    raw, rounded = leads_of(record)
    if any("start_sample" in lead.annotations for lead in record.leads):
        raise BadRecordError(
            "header_mismatch", "the leads were not recorded at the same time: they start apart"
        )
    together, stored = (
        record.raw_metadata.get("simultaneous_leads", 0),
        record.recording.acquisition.signal.number_channels_allocated,
    )
    if 0 < together < (stored or 0):
        raise BadRecordError(
            "header_mismatch", f"{together} of {stored} leads were recorded at the same time"
        )
    interval = record.raw_metadata.get("rhythm_sample_interval_us")
    return kit_ecg(record, raw, _MICROSECONDS / interval if interval else rounded)


_FORMAT = Format("scp", TAKES, read_file, "SCP-ECG files (.scp)")
discover, read = _FORMAT.discover, _FORMAT.read
__all__ = ["TAKES", "Options", "discover", "is_private", "looks_like", "read", "read_file"]
