"""Members of ZIP and gzip files, read with limits: a small file must not become a large one.

What is unpacked goes to a temporary folder, under the last part of its name alone.
"""

import gzip
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.files.formats import HEAD

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"

MAX_MEMBERS = 200_000
MAX_BYTES = 1 << 26
MAX_TOTAL = 1 << 36
MAX_RATIO = 200
SMALL = 1 << 20
"""Limits of an archive: members, bytes of one, bytes of all, and how many times a member of more than SMALL bytes may
be larger than it is packed (XML with base64 shrinks to a tenth)."""

_SIDE_FILE = "arrays.yaml"
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
"""What the standard library raises for packed files that it cannot read: NotImplementedError for a compression that it
does not know, RuntimeError for a member under a password."""


def is_packed(head: bytes) -> bool:
    """Tell whether a file is a ZIP or gzip file.

    Args:
        head: its first bytes.

    Returns:
        True for one.

    Example:
        >>> is_packed(b"PK\\x03\\x04"), is_packed(b"<RestingECG>")
        (True, False)
    """
    return head.startswith((ZIP, GZIP))


def members(path: Path) -> list[str]:
    """List the files of an archive.

    Args:
        path: a ZIP or gzip file.

    Returns:
        Their names in it; of a gzip file, which holds one, the name without ``.gz``.

    Raises:
        BadRecordError: when it is damaged, or past one of the limits.
    """
    if not _is_zip(path):
        return [path.stem if path.suffix.lower() == ".gz" else path.name]
    with _opened(path) as archive:
        found = [info for info in archive.file.infolist() if not info.is_dir()]
        if len(found) > MAX_MEMBERS:
            raise BadRecordError(
                "unreadable", f"a ZIP archive of {len(found)} files, more than {MAX_MEMBERS}"
            )
        total = sum(info.file_size for info in found)
        if total > MAX_TOTAL:
            raise BadRecordError("unreadable", f"a ZIP archive that would unpack to {total >> 20} MB")
        return [info.filename for info in found if not PurePosixPath(info.filename).name.startswith(".")]


def head_of(path: Path, member: str) -> bytes:
    """Read the beginning of a member.

    Args:
        path: of the archive.
        member: from :func:`members`.

    Returns:
        At most :data:`rarebeat.readers.files.formats.HEAD` bytes.

    Raises:
        BadRecordError: when it cannot be unpacked, or is past one of the limits.
    """
    return _read(path, member, HEAD)


@contextmanager
def unpacked(path: Path, member: str) -> Iterator[Path]:
    """Unpack a member, with the files beside it that bear its name (the signal file of a header) or describe arrays.

    Args:
        path: of the archive.
        member: from :func:`members`.

    Yields:
        Its path in a temporary folder that is gone afterwards.

    Raises:
        BadRecordError: when it cannot be unpacked, or is past one of the limits.
    """
    wanted, beside = PurePosixPath(member), [member]
    if _is_zip(path):
        with _opened(path) as archive:
            beside += [name for name in archive.beside(wanted) if name != member]
    with TemporaryDirectory(prefix="rarebeat-") as folder:
        for name in beside:
            (Path(folder) / PurePosixPath(name).name).write_bytes(_read(path, name, None))
        yield Path(folder) / wanted.name


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == ZIP


class _Archive:
    """An open ZIP file: its directory is read once, for it may list a hundred thousand members."""

    def __init__(self, path: Path) -> None:
        self.file = zipfile.ZipFile(path)
        self._named: dict[tuple[PurePosixPath, str], list[str]] = {}
        for info in self.file.infolist():
            name = PurePosixPath(info.filename)
            if not info.is_dir() and not name.name.startswith("."):
                for key in {name.stem, name.name} if name.name == _SIDE_FILE else {name.stem}:
                    self._named.setdefault((name.parent, key), []).append(info.filename)

    def beside(self, member: PurePosixPath) -> list[str]:
        """Files in its folder that bear its name, and the one that describes arrays."""
        keys = ((member.parent, key) for key in (member.stem, _SIDE_FILE))
        return list(dict.fromkeys(name for key in keys for name in self._named.get(key, ())))


@lru_cache(maxsize=1)  # members of one archive come one after the other
def _archive(path: Path, size: int, changed: int, process: int) -> _Archive:
    """The archive, opened by each process for itself: two that share a file move each other's place in it."""
    return _Archive(path)


@contextmanager
def _opened(path: Path) -> Iterator[_Archive]:
    try:
        now = path.stat()
        yield _archive(path, now.st_size, now.st_mtime_ns, os.getpid())
    except _DAMAGED as error:
        raise BadRecordError("unreadable", f"a damaged ZIP archive: {type(error).__name__}") from error


def _read(path: Path, member: str, most: int | None) -> bytes:
    """A member, or its first bytes; what its directory says of its size is checked, and not trusted."""
    if not _is_zip(path):
        try:
            with gzip.open(path) as file:
                return _limited(file, path.stat().st_size, most)
        except _DAMAGED as error:
            raise BadRecordError("unreadable", f"a damaged gzip file: {type(error).__name__}") from error
    with _opened(path) as archive:
        info = archive.file.getinfo(member)
        if info.flag_bits & 1:
            raise BadRecordError("unreadable", "it is encrypted in its ZIP archive")
        _check(info.file_size, info.compress_size)
        with archive.file.open(info) as file:
            return _limited(file, info.compress_size, most)


def _limited(file: IO[bytes] | gzip.GzipFile, packed: int, most: int | None) -> bytes:
    content = file.read(MAX_BYTES + 1 if most is None else most)
    _check(len(content), packed)
    return content


def _check(size: int, packed: int) -> None:
    if size > MAX_BYTES:
        raise BadRecordError("unreadable", f"it would unpack to more than {MAX_BYTES >> 20} MB")
    if size > SMALL and size > MAX_RATIO * max(packed, 1):
        raise BadRecordError(
            "unreadable", f"it would unpack to more than {MAX_RATIO} times its size, as no ECG does"
        )
