"""Shards that are not on a disk of this machine: read through fsspec from a URL such as ``s3://bucket/shards``."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any

from rarebeat.core.errors import RarebeatError


@dataclass(frozen=True)
class RemotePath:
    """As much of a ``pathlib.Path`` as is needed to read shards, for a URL.

    Attributes:
        url: of a file or a folder, with its protocol.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "RemotePath":
        return RemotePath(f"{self.url.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        """The last part."""
        return self.url.rstrip("/").rpartition("/")[2]

    def is_file(self) -> bool:
        """Whether there is such a file.

        Raises:
            RarebeatError: when the storage cannot be asked.
        """
        system, path = self._place()
        try:
            return bool(system.isfile(path))
        except Exception as error:  # every kind of storage has errors of its own
            raise RarebeatError(f"cannot read {self.url}: {type(error).__name__}: {error}") from error

    def glob(self, pattern: str) -> Iterator["RemotePath"]:
        """The entries of this folder whose names fit a pattern such as ``*.parquet``."""
        system, path = self._place()
        names = (
            entry.rstrip("/").rpartition("/")[2] for entry in system.ls(path, detail=False, refresh=True)
        )
        return (self / name for name in names if fnmatchcase(name, pattern))

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Open the file for reading."""
        system, path = self._place()
        file: IO[bytes] = system.open(path, mode)
        return file

    def read_text(self, encoding: str = "utf-8") -> str:
        """The whole text of the file."""
        with self.open() as file:
            return file.read().decode(encoding)

    def _place(self) -> tuple[Any, str]:
        # Takes a tenth of a second, and a folder needs none of it.
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]

        try:
            system, path = url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise RarebeatError(
                f"cannot read {self.url}: {error}. Which packages read which URLs: https://filesystem-spec.readthedocs.io"
            ) from error
        return system, path


Folder = Path | RemotePath
"""Where shards are read from."""


def folder_at(place: str) -> Folder:
    """The folder that a command line names.

    Args:
        place: a path, or a URL with its protocol.

    Returns:
        The folder; nothing is read.

    Example:
        >>> str(folder_at("s3://bucket/shards") / "train"), folder_at("data/shards").name
        ('s3://bucket/shards/train', 'shards')
    """
    return RemotePath(place) if "://" in place else Path(place)
