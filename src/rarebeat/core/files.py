"""Writing files whole or not at all, and reading what was written."""

import csv
import hashlib
import json
import math
import os
import platform
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol

from rarebeat.core.errors import RarebeatError

_LEFT_BY_SYSTEMS = {".DS_Store", "Thumbs.db", "desktop.ini"}


@contextmanager
def atomic(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target`` and rename it to ``target`` when the block succeeds.

    Works for files and for folders (an existing folder is replaced by a folder, see :func:`check_replaceable`, and
    never by a file). A link to a folder stays, and what it leads to is replaced: outputs may lie on another disk. If
    the block fails, the temporary path is removed and ``target`` stays as it was. What a process that was killed has
    left of the same target is removed first.

    Raises:
        RarebeatError: when the disk is full or the place cannot be written, or a folder lies where a file is to be.
    """
    if target.is_dir() and target.is_symlink():
        target = target.resolve()
    temporary = target.parent / f".{target.name}.{owner()}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        yield temporary
        _replace(target, temporary)
    except OSError as error:
        raise RarebeatError(f"could not write {target}: {error.strerror or error}") from error
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    """Remove a file or a folder; another process may have done so meanwhile."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    elif path.exists():
        path.unlink(missing_ok=True)


def owner() -> str:
    """Name this process as temporary names do: its machine, for several may share a disk, and its number.

    Returns:
        Letters and digits, a hyphen, and digits.
    """
    machine = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
    return f"{machine}-{os.getpid()}"


def _sweep(target: Path) -> None:
    """Remove what killed processes of this machine have left beside a target that they were writing."""
    machine = owner().partition("-")[0]
    pattern = re.compile(rf"\.{re.escape(target.name)}\.{machine}-(\d+)\.[0-9a-f]{{8}}\.(tmp|old)")
    for path in list(target.parent.iterdir()):
        found = pattern.fullmatch(path.name)
        if not found or is_alive(int(found[1])):
            continue
        if found[2] == "old" and not target.exists():  # killed between the two renames
            with suppress(FileNotFoundError):  # another process has seen it first
                path.rename(target)
        else:
            _remove(path)


def is_alive(process: int) -> bool:
    """Say whether there is a process of a number on this machine.

    Args:
        process: its number.

    Returns:
        Whether there is, under whatever user.
    """
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


def _replace(target: Path, temporary: Path) -> None:
    """Rename ``temporary`` to ``target``; an old folder is set aside first, so that one of the two is always there."""
    if not target.is_dir():
        temporary.replace(target)
        return
    if not temporary.is_dir():
        raise RarebeatError(f"could not write {target}: it is a folder, which is not replaced by a file")
    aside = temporary.with_suffix(".old")
    target.rename(aside)
    temporary.replace(target)
    shutil.rmtree(aside)


def check_replaceable(folder: Path, marker: str | None, others: Iterable[str] = ()) -> None:
    """Make sure that writing ``folder`` replaces nothing but an earlier output of the same kind.

    Args:
        folder: about to be written.
        marker: name of a file that every such output holds; None where there is none.
        others: what else such outputs hold: names in the folder, or patterns of names such as ``part-*.parquet``.

    Raises:
        RarebeatError: when the folder holds something else: somebody may have put a file of their own into it.
    """
    if not folder.is_dir():
        return
    if marker and any(folder.iterdir()) and not (folder / marker).is_file():
        raise RarebeatError(
            f"{folder} is not empty and was not written by this command (it has no {marker}): "
            "name a new folder, for this one would be replaced"
        )
    patterns = (*filter(None, [marker]), *others)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and path.name not in _LEFT_BY_SYSTEMS and not _is_one_of(name, patterns):
            raise RarebeatError(
                f"{folder} holds {name}, which this command does not write: move it elsewhere, or name a new folder, "
                "for this one would be replaced"
            )


def _is_one_of(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, one) and name.count("/") == one.count("/") for one in patterns)


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as indented JSON with a final newline; not-a-number is refused (use None)."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def parse_json(text: str) -> Any:
    """Read JSON that somebody else may have written.

    Args:
        text: a JSON document.

    Returns:
        What it holds.

    Raises:
        ValueError: when it is not JSON (NaN is not), names a key of an object twice, holds a number that is too large,
            or is nested without end.

    Example:
        >>> parse_json('{"id": 1}')
        {'id': 1}
    """
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
        )
    except RecursionError as error:
        raise ValueError("lists and objects are nested too deeply") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {max(names, key=names.count)[:40]!r} is there twice")
    return content


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


class HasText(Protocol):
    """A file of text, on a disk or elsewhere."""

    def read_text(self, encoding: str) -> str:
        """All of it."""


def read_json(path: HasText) -> Any:
    """Read a JSON file.

    Raises:
        RarebeatError: when it is missing or not JSON.
    """
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RarebeatError(f"cannot read {path}: {error}") from error


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table as CSV with a header."""
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def read_csv_lines(path: Path) -> list[tuple[int, list[str]]]:
    """Read a CSV file in UTF-8 (a byte order mark is fine); empty lines are passed over.

    Returns:
        For each row the line on which it starts, and its cells.

    Raises:
        RarebeatError: when it is missing or not such a file; the message names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            rows, line = [], 1
            for cells in reader:
                if cells:
                    rows.append((line, cells))
                line = reader.line_num + 1
            return rows
    except OSError as error:
        raise RarebeatError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RarebeatError(f"{path} is not UTF-8 text: save it as a CSV file in UTF-8") from error
    except csv.Error as error:
        raise RarebeatError(f"{path} is not a CSV file, line {reader.line_num}: {error}") from error


def read_csv(path: Path, columns: Sequence[str], others: bool = False) -> list[tuple[int, dict[str, str]]]:
    """Read a CSV file that people may have edited: cells by column, and the line of each row for messages.

    Args:
        path: the file, in UTF-8.
        columns: the columns that it must have, in any order.
        others: whether the other columns are read, too; else they are left out.

    Returns:
        For each row the line on which it starts, and its cells by column.

    Raises:
        RarebeatError: when it is missing or not such a file, when a column is missing or there twice, or when a row has
            more or fewer cells than there are columns: one quotation mark too many moves the cells of all that follows.
    """
    lines = read_csv_lines(path)
    header = [name.strip() for name in lines[0][1]] if lines else []
    if missing := [name for name in columns if name not in header]:
        found = ", ".join(header) or "none"
        raise RarebeatError(
            f"{path} has no column {', '.join(missing)}; its columns are: {found} (commas part them)"
        )
    names = dict.fromkeys(header if others else columns)
    if twice := [name for name in names if name and header.count(name) > 1]:
        raise RarebeatError(f"{path} has the column {twice[0]} twice")
    for line, cells in lines:
        if len(cells) != len(header):
            raise RarebeatError(
                f"{path}, line {line}: {len(cells)} cells in {len(header)} columns. A text that holds a comma or "
                "a quotation mark must stand between quotation marks"
            )
    places = {name: header.index(name) for name in names}
    return [(line, {name: cells[place] for name, place in places.items()}) for line, cells in lines[1:]]


def digest(*paths: Path) -> str:
    """SHA-256 over the names and bytes of files, in the order given (hexadecimal)."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode())
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def inside(folder: Path, name: str) -> Path | None:
    """The path ``folder/name``, or None when a name found in a data file would leave the folder.

    >>> inside(Path("/data"), "a/b.dat")
    PosixPath('/data/a/b.dat')
    >>> inside(Path("/data"), "../etc/passwd") is None
    True
    """
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, name))  # noqa: PTH118 - one call per record: pathlib is slower
    return Path(path) if path.startswith(root.rstrip(os.sep) + os.sep) else None
