"""ECGs in HDF5 files, through h5py."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import BadRecordError, RarebeatError

MAX_VALUES = 1 << 24
"""Numbers of one ECG above which it is none."""


@contextmanager
def datasets(path: Path) -> Iterator[Any]:
    """Open an HDF5 file.

    Args:
        path: the file.

    Yields:
        Its datasets by name.

    Raises:
        RarebeatError: when h5py is not installed; the message says what to install.
        BadRecordError: when the file, or what is read of it meanwhile, is damaged or not there.
    """
    try:
        import h5py
    except ImportError as error:
        raise RarebeatError("HDF5 files are read with h5py: pip install 'rarebeat[formats]'") from error
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise BadRecordError("unreadable", f"not a whole HDF5 file: {type(error).__name__}") from error


def array_of(file: Any, name: str, index: int | None = None) -> npt.NDArray[Any]:
    """Read a dataset, or one row of it.

    Args:
        file: from :func:`datasets`.
        name: of the dataset.
        index: of the row; None reads all.

    Returns:
        Numbers.

    Raises:
        BadRecordError: when there is no such dataset or row, or it is too large.
    """
    if name not in file or not hasattr(file[name], "shape"):
        raise BadRecordError("unreadable", f"the HDF5 file has no dataset {name}")
    data = file[name]
    shape = data.shape if index is None else data.shape[1:]
    if np.prod(shape, dtype=np.int64) > MAX_VALUES:
        raise BadRecordError("unreadable", f"the dataset {name} has the shape {data.shape}")
    if index is not None and not 0 <= index < data.shape[0]:
        raise BadRecordError(
            "truncated", f"the dataset {name} has {data.shape[0]} rows, and row {index} is wanted"
        )
    numbers = np.asarray(data[()] if index is None else data[index])
    if not np.issubdtype(numbers.dtype, np.number):
        raise BadRecordError("unreadable", f"the dataset {name} holds {numbers.dtype}, expected numbers")
    return numbers
