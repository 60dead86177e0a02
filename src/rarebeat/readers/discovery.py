"""Finding the recordings of an archive: walking folders, reading a CSV, what to do where it is missing."""

import csv
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from rarebeat.core.errors import MissingSourceError, RarebeatError
from rarebeat.core.files import inside


def physionet_help(root: Path, database: str, licence: str, name: str) -> str:
    """Say how to get a database from PhysioNet.

    Args:
        root: folder to put it into.
        database: its name, for people.
        licence: its licence and size.
        name: its folder on PhysioNet, with the version.

    Returns:
        A sentence with a command line.
    """
    depth = 1 + len(name.split("/"))
    return (
        f"Get {database} ({licence}) with\n"
        f"  wget -r -N -c -np -nH --cut-dirs={depth} -P {root} https://physionet.org/files/{name}/"
    )


def require_folder(root: Path, help_text: str) -> None:
    """Check that an archive is there.

    Args:
        root: its folder.
        help_text: how to get it.

    Raises:
        MissingSourceError: when ``root`` is not a folder, with ``help_text``.
    """
    if not root.is_dir():
        raise MissingSourceError(f"there is no folder {root}. {help_text}")


def walk(root: Path, suffix: str | tuple[str, ...]) -> Iterator[Path]:
    """Find all files under a folder with a suffix, or with one of several.

    Args:
        root: the folder; links to other folders are not entered.
        suffix: in lower case, such as ".hea"; files may have it in any case.

    Yields:
        Paths, in a fixed order.
    """
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(suffix) and not name.startswith("."):
                yield Path(folder, name)


def readable(name: str) -> str:
    """Turn the name of a file into text that can be stored, whatever bytes it is made of.

    Args:
        name: as Python has it.

    Returns:
        Valid Unicode.

    Example:
        >>> readable("JS00001"), readable("\\udcff.hea")
        ('JS00001', '\ufffd.hea')
    """
    return os.fsencode(name).decode("utf-8", "replace")


def is_inside(root: Path, path: Path) -> bool:
    """Find out whether a path, with all links followed, stays in a folder.

    Args:
        root: the folder.
        path: a file in it, as an archive names it.

    Returns:
        False for a path that leads out of the folder.

    Example:
        >>> is_inside(Path("/data"), Path("/data/a/b.dat")), is_inside(Path("/data"), Path("/data/../b.dat"))
        (True, False)
    """
    if path.is_symlink():
        return inside(root, os.fspath(path.absolute())) is not None
    return _folder_is_inside(root.absolute(), path.parent.absolute())


@lru_cache(maxsize=4096)
def _folder_is_inside(root: Path, folder: Path) -> bool:
    # Following the links of a whole path costs more than reading a header; thousands of files share a folder.
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root))


def read_csv(path: Path, required: list[str], help_text: str = "") -> list[dict[str, str]]:
    """Read a CSV with a header line.

    Args:
        path: the file.
        required: columns that must be there.
        help_text: what to do when the file is missing.

    Returns:
        The rows: cells as text by their columns.

    Raises:
        MissingSourceError: when the file is missing.
        RarebeatError: when it is not a CSV in UTF-8, or a column is missing; the message lists the columns.
    """
    if not path.is_file():
        raise MissingSourceError(f"there is no file {path}. {help_text}".strip())
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or [])
            if absent := [name for name in required if name not in columns]:
                found = ", ".join(columns) or "none"
                raise RarebeatError(f"{path} has no column {', '.join(absent)}; its columns are: {found}")
            return [{name: row.get(name) or "" for name in columns} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RarebeatError(f"cannot read {path} as a CSV in UTF-8: {error}") from error
