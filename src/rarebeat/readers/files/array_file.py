"""An array (NPY, NPZ, CSV, Parquet) with a side file beside it or in the folder above."""

from pathlib import Path

from rarebeat.core.errors import BadRecordError, ParamsError
from rarebeat.readers.arrays.load import load_leads, members_of
from rarebeat.readers.arrays.side_file import NAME, SideFile, own_side_file, read_side_file, settings_of
from rarebeat.readers.arrays.trust import trusted_array
from rarebeat.readers.contract.stored import stored_as
from rarebeat.readers.files.ecg import FileEcg
from rarebeat.readers.quality import lead_index

_MAGIC = (b"\x93NUMPY", b"PAR1")
_FEWEST_LEADS = 8


def looks_like(head: bytes) -> bool:
    """Tell whether a file begins like an array: NPY, Parquet, or a CSV whose header names leads.

    Args:
        head: its first bytes.

    Returns:
        True for one. (An NPZ begins as any ZIP file does.)

    Example:
        >>> looks_like(b"I,II,III,aVR,aVL,aVF,V1,V2\\n1,2,3"), looks_like(b"name,age\\nJane,63")
        (True, False)
    """
    if head.startswith(_MAGIC):
        return True
    first = head.split(b"\n", 1)[0].decode("latin-1").strip("\ufeffï»¿")
    names = [name.strip(' "\r') for mark in ",;\t" for name in first.split(mark)]
    return len({lead_index(name) for name in names} - {None}) >= _FEWEST_LEADS


def read_file(path: Path) -> FileEcg:
    """Read an array by its side file.

    Args:
        path: the file.

    Returns:
        The ECG.

    Raises:
        BadRecordError: when there is no side file or a wrong one, or the array cannot be read or trusted.
    """
    settings = _settings(path)
    members = members_of(path, settings)
    if len(members) != 1:
        raise BadRecordError("unreadable", f"it holds {len(members)} ECGs: kind arrays reads such files")
    raw = load_leads(path, members[0], settings)
    signal, calibrated = trusted_array(raw, settings.rate)
    return FileEcg(signal, settings.rate, calibrated, stored=stored_as(raw))


def _settings(path: Path) -> SideFile:
    folder = next((place for place in (path.parent, path.parent.parent) if (place / NAME).is_file()), None)
    try:
        said = (read_side_file(folder) if folder else {}) | own_side_file(path)
        if not said:
            raise BadRecordError(
                "unknown_units", f"it is an array without a side file ({NAME}) that says what its numbers are"
            )
        return settings_of(said, "side file")
    except ParamsError as error:
        raise BadRecordError("unreadable", f"its side file cannot be used: {str(error)!r}") from error
