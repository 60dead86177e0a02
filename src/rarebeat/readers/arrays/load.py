"""The numbers of one ECG out of an NPY, NPZ, CSV or Parquet file, as leads by name."""

import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError
from rarebeat.core.records import LEADS
from rarebeat.readers.arrays.side_file import SideFile
from rarebeat.readers.quality import RawLeads, lead_index

ENDINGS = (".npy", ".npz", ".csv", ".parquet")
"""Endings of the files that hold arrays."""

MAX_BYTES = 1 << 31
MAX_VALUES = 1 << 27
"""Sizes of a file, and of the array of one ECG (both are held in memory), above which it is no 12-lead ECG."""

Array = npt.NDArray[Any]

_MAGIC = ((b"\x93NUMPY", ".npy"), (b"PK\x03\x04", ".npz"), (b"PAR1", ".parquet"))
_DAMAGED = (ValueError, OSError, EOFError, SyntaxError, MemoryError, LookupError, BadZipFile, zlib.error)
"""What NumPy and the modules under it raise of a damaged file."""


def members_of(path: Path, settings: SideFile) -> list[str | int | None]:
    """Find out which ECGs a file holds.

    Args:
        path: the file.
        settings: what its numbers are.

    Returns:
        The name of each array of an NPZ, the number of each ECG of an array with an axis "record" and of a Parquet
        file with a row per ECG; [None] for a file of one ECG.

    Raises:
        BadRecordError: when it cannot be read.
    """
    _check_size(path)
    ending = _ending(path)
    if ending == ".npz":
        with _opened(path) as arrays:
            return list(arrays.files)
    if ending == ".npy" and "record" in (settings.axes or ()):
        return list(range(_opened(path).shape[_place(settings, "record")]))
    if ending == ".parquet" and (rows := _rows_of_lists(path, settings)) is not None:
        return list(range(rows))
    return [None]


def load_leads(path: Path, member: str | int | None, settings: SideFile) -> RawLeads:
    """Load one ECG.

    Args:
        path: the file.
        member: from :func:`members_of`.
        settings: what its numbers are.

    Returns:
        Its leads, float64 with NaN for what is missing, or int16 as stored.

    Raises:
        BadRecordError: when it cannot be read, or is of another shape than the settings say.
    """
    _check_size(path)
    if _ending(path) in (".csv", ".parquet"):
        names, samples = _from_columns(_columns(path, settings), member, settings)
    else:
        names, samples = _from_array(_array(path, member), member, settings)
    if not np.issubdtype(samples.dtype, np.number) or np.iscomplexobj(samples):
        raise BadRecordError("unreadable", f"the array holds {samples.dtype}, expected numbers")
    count = len(names)
    return RawLeads(
        _with_gaps(samples, settings.missing),
        names,
        (settings.gain,) * count,
        (settings.baseline,) * count,
        (settings.unit,) * count,
    )


def _check_size(path: Path) -> None:
    if path.stat().st_size > MAX_BYTES:
        raise BadRecordError("unreadable", f"the file is larger than {MAX_BYTES >> 20} MB")


def _ending(path: Path) -> str:
    """The ending that a file should have by its content."""
    with path.open("rb") as file:
        head = file.read(6)
    found = next((ending for magic, ending in _MAGIC if head.startswith(magic)), ".csv")
    told = path.suffix.lower()
    if found != told and found == ".csv" and told in ENDINGS:
        raise BadRecordError("unreadable", f"its content is not that of a {told} file")
    return found


def _opened(path: Path) -> Any:
    """An NPY file (not read before it is used) or an NPZ; nothing that a pickle could do happens."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except _DAMAGED as error:
        raise BadRecordError("unreadable", f"not a whole NumPy file: {type(error).__name__}") from error
    return found


def _array(path: Path, member: str | int | None) -> Array:
    found = _opened(path)
    if isinstance(found, np.ndarray):
        return found
    with found as arrays:
        try:
            if arrays.zip.getinfo(f"{member}.npy").file_size > MAX_VALUES * 8:
                raise BadRecordError("unreadable", "the array is larger than any ECG")
            return np.asarray(arrays[member])
        except _DAMAGED as error:
            raise BadRecordError(
                "unreadable", f"the array cannot be unpacked: {type(error).__name__}"
            ) from error


def _from_array(array: Array, member: str | int | None, settings: SideFile) -> tuple[Sequence[str], Array]:
    names = settings.leads
    if names is None:
        raise BadRecordError("missing_leads", "the side file names no leads, and an array names none")
    axes = settings.axes or _guess_axes(array.shape, len(names))
    if array.ndim != len(axes):
        raise BadRecordError(
            "header_mismatch", f"an array of shape {array.shape}, where the side file names {len(axes)} axes"
        )
    if "record" in axes:
        place = axes.index("record")
        array, axes = array.take(int(member or 0), axis=place), axes[:place] + axes[place + 1 :]
    if array.size > MAX_VALUES:
        raise BadRecordError("unreadable", f"an array of {array.size} numbers, more than any 12-lead ECG has")
    samples = np.asarray(array if axes == ("lead", "sample") else array.T)
    if len(samples) != len(names):
        raise BadRecordError(
            "header_mismatch", f"an array of {len(samples)} leads, where the side file names {len(names)}"
        )
    return names, samples


def _guess_axes(shape: tuple[int, ...], leads: int) -> tuple[str, ...]:
    if len(shape) == 2 and (shape[0] == leads) != (shape[1] == leads):
        return ("lead", "sample") if shape[0] == leads else ("sample", "lead")
    raise BadRecordError(
        "header_mismatch",
        f"an array of shape {shape}: name its axes in the side file, such as [sample, lead]",
    )


def _place(settings: SideFile, axis: str) -> int:
    assert settings.axes is not None
    return [str(name) for name in settings.axes].index(axis)


def _with_gaps(samples: Array, missing: float | None) -> Any:
    if samples.dtype == np.int16 and missing is None:
        return np.ascontiguousarray(samples)
    if missing is None and np.issubdtype(samples.dtype, np.integer):
        return np.ascontiguousarray(samples, dtype=np.int64)
    numbers = samples.astype(np.float64)
    if missing is not None:
        numbers[numbers == missing] = np.nan
    return numbers


# ---------------------------------------------------------------------- tables


@lru_cache(maxsize=1)  # the ECGs of one file come one after the other
def _table(
    path: Path, changed: int, delimiter: str, decimal: str, header: bool
) -> Mapping[str, Array | list[Any]]:
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        if _ending(path) == ".parquet":
            table = parquet.read_table(path, page_checksum_verification=True)
        else:
            table = csv.read_csv(
                path,
                csv.ReadOptions(autogenerate_column_names=not header),
                csv.ParseOptions(delimiter=delimiter),
                csv.ConvertOptions(decimal_point=decimal, null_values=["", "NaN", "nan", "NA"]),
            )
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadRecordError("unreadable", f"not a table: {type(error).__name__}") from error
    names = [name.strip() for name in table.column_names]
    if len(set(names)) < len(names):
        raise BadRecordError("header_mismatch", "two columns have one name")
    return dict(zip(names, map(_cells, table.columns), strict=True))


def _cells(column: Any) -> Array | list[Any]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return list(column.to_pylist())
    if pa.types.is_integer(kind) and not column.null_count:
        return np.asarray(column.to_numpy())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind):
        return np.array([np.nan if cell is None else cell for cell in column.to_pylist()], dtype=np.float64)
    return np.array(column.to_pylist(), dtype=object)


def _columns(path: Path, settings: SideFile) -> Mapping[str, Array | list[Any]]:
    return _table(path, path.stat().st_mtime_ns, settings.delimiter, settings.decimal, settings.header)


def _lead_columns(columns: Sequence[str], settings: SideFile) -> dict[str, str]:
    """The column of each lead: as the side file says, by name, or by order where there is no header."""
    if settings.columns:
        if strangers := [name for name in settings.columns.values() if name not in columns]:
            raise BadRecordError("missing_leads", f"there is no column {strangers[0]!r}")
        return dict(settings.columns)
    if settings.header:
        return {name: name for name in columns if lead_index(name) is not None}
    names = settings.leads or ()
    if len(names) != len(columns):
        raise BadRecordError(
            "header_mismatch", f"{len(columns)} columns, where the side file names {len(names)} leads"
        )
    return dict(zip(names, columns, strict=True))


def _rows_of_lists(path: Path, settings: SideFile) -> int | None:
    """How many ECGs a Parquet file holds that has a row per ECG; None for one with a row per sample."""
    columns = _columns(path, settings)
    leads = _lead_columns(list(columns), settings)
    lists = [columns[name] for name in leads.values() if isinstance(columns[name], list)]
    return len(lists[0]) if lists else None


def _from_columns(
    columns: Mapping[str, Array | list[Any]], member: str | int | None, settings: SideFile
) -> tuple[Sequence[str], Array]:
    leads = _lead_columns(list(columns), settings)
    if not leads:
        known = ", ".join(LEADS[:3])
        raise BadRecordError(
            "missing_leads", f"no column is named like a lead ({known}, ...): name them in `columns`"
        )
    found = [columns[name] if member is None else columns[name][int(member)] for name in leads.values()]
    if any(isinstance(lead, list) for lead in found):
        if len({len(lead) for lead in found if lead is not None}) != 1 or None in found:
            raise BadRecordError("header_mismatch", "the leads are of different lengths")
        found = [np.array([np.nan if x is None else x for x in lead], dtype=np.float64) for lead in found]
    if words := [name for name, lead in zip(leads, found, strict=True) if np.asarray(lead).dtype == object]:
        raise BadRecordError("unreadable", f"the column of lead {words[0]} holds something that is no number")
    return list(leads), np.stack([np.asarray(lead) for lead in found])
