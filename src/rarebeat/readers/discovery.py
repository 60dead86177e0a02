"""Finding the recordings of an archive: walking folders, reading a CSV, what to do where it is missing."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from rarebeat.core import files
from rarebeat.core.errors import MissingSourceError, RarebeatError
from rarebeat.readers.registry import Entry


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


def walk(
    root: Path, suffix: str | tuple[str, ...], refuse: Callable[[OSError], object] | None = None
) -> Iterator[Path]:
    """Find all files under a folder with a suffix, or with one of several.

    Args:
        root: the folder; links to other folders are not entered.
        suffix: in lower case, such as ".hea"; files may have it in any case.
        refuse: is told of each folder that cannot be read; None leaves them out, and :func:`passed_over` counts them.

    Yields:
        Paths, in a fixed order.
    """
    for folder, folders, names in os.walk(root, onerror=refuse):
        folders.sort()
        for name in sorted(names):
            if name.lower().endswith(suffix) and not name.startswith("."):
                yield Path(folder, name)


EVERY = ("*",)
"""Stands for the endings of the files that are taken where all are."""

_ENDINGS = frozenset(
    f".{ending}"
    for ending in re.findall(
        r"\w+",
        """atr bz2 csv dat dcm doc docx ecg edf gif gz hea hl7 html ini jpeg jpg json log mat md mwf pdf png scp sha256
        tar tif tiff tmp txt xls xlsx xml xsl zip""",
    )
)
"""Endings that tell a kind of file; any other could be a word of a person."""
_BLANKS = re.compile(r"[\s\ufeff]*")
_ELEMENT = re.compile(r"<([^\W\d][\w.:-]*)")
_PACKED = (".gz", ".bz2", ".zip")
_OTHER_ROOTS = {
    "annotatedecg": "the HL7 annotated ECG",
    "cardiologyxml": "an XML format of GE",
    "restingecgdata": "an XML format of Philips",
    "sapphire": "an XML format of GE",
    "ecg": "another kind of ECG",
    "ecgreport": "another kind of ECG",
    "restingecgs": "several ECGs in one file",
    "html": "a web page",
    "clinicaldocument": "an HL7 clinical document",
}
"""Roots of other files that end in .xml, in small letters, and what they are."""


def passed_over(root: Path, taken: Sequence[str]) -> dict[str, int]:
    """Count what a walk through a folder does not take.

    Args:
        root: the folder.
        taken: endings of the files that are, or belong to, recordings, in small letters; or :data:`EVERY`.

    Returns:
        Files by their ending (``.xml.gz``; "no ending", "hidden file" and "other ending" for the rest), and the
        folders that cannot be read or are links, most frequent first.
    """
    counts: Counter[str] = Counter()

    def refuse(_: OSError) -> None:
        counts["folder that cannot be read"] += 1

    for folder, folders, names in os.walk(root, onerror=refuse):
        counts["linked folder"] += sum(os.path.islink(os.path.join(folder, name)) for name in folders)  # noqa: PTH114, PTH118
        if taken != EVERY:
            counts.update(ending for name in names if (ending := _ending(name.lower())) not in taken)
    return {name: count for name, count in counts.most_common() if count}


def _ending(name: str) -> str:
    if name.startswith("."):
        return "hidden file"
    stem, dot, last = name.rpartition(".")
    if not dot:
        return "no ending"
    ending = f".{last}"
    if ending in _PACKED:
        _, inner_dot, inner = stem.rpartition(".")
        packed = f".{inner}" if inner_dot and f".{inner}" in _ENDINGS else ""
        return packed + ending
    return ending if ending in _ENDINGS else "other ending"


def xml_root(tag: str) -> str:
    """Tell the root of another kind of XML: in plain words where it is a known one, else quoted: it can be any word.

    Args:
        tag: with its namespace in braces, as ElementTree has it.

    Returns:
        What stands in a message: quotations are left out of the quarantine of a private archive.

    Example:
        >>> xml_root("restingecgdata"), xml_root("{urn:x}Smith")
        ('restingecgdata, an XML format of Philips', "'Smith' of 'urn:x'")
    """
    namespace, _, name = tag.rpartition("}")
    if kind := _OTHER_ROOTS.get(name.lower()):
        return f"{name}, {kind}"
    return f"{name[:40]!r} of {namespace.lstrip('{')[:80]!r}" if namespace else repr(name[:40])


def first_element(text: str) -> str | None:
    """Find the first element of XML without parsing it, in a time that grows with the length of the text alone.

    Args:
        text: beginning of a file: declarations, comments and a document type may stand before the root.

    Returns:
        Its name, without prefix; None where there is none, or what stands before it does not end.

    Example:
        >>> first_element("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b>'>]><!-- > --><h:x xmlns:h='urn'>")
        'x'
        >>> first_element("<!-- begun"), first_element("text")
        (None, None)
    """
    start = _after_blanks(text, 0)
    while text.startswith(("<?", "<!"), start):
        end = "-->" if text.startswith("<!--", start) else ">"
        subset = text.find("[", start) if text.startswith("<!DOCTYPE", start) else -1
        close = text.find(end, start)
        if 0 <= subset < close:
            close = text.find(end, text.find("]", subset))
        if close < 0:
            return None
        start = _after_blanks(text, close + len(end))
    match = _ELEMENT.match(text, start)
    return match[1].rpartition(":")[2] if match else None


def _after_blanks(text: str, start: int) -> int:
    match = _BLANKS.match(text, start)
    return match.end() if match else start


def readable(name: str) -> str:
    """Turn the name of a file into text that can be stored, whatever bytes it is made of: two names stay two.

    Args:
        name: as Python has it.

    Returns:
        Valid Unicode; each byte that is none is written as a number, for names of older systems differ by those alone.

    Example:
        >>> readable("JS00001"), readable("\\udcff.hea")
        ('JS00001', '\\\\xff.hea')
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


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
        return files.inside(root, os.fspath(path.absolute())) is not None
    return _folder_is_inside(root.absolute(), path.parent.absolute())


@lru_cache(maxsize=4096)
def _folder_is_inside(root: Path, folder: Path) -> bool:
    # Following the links of a whole path costs more than reading a header; thousands of files share a folder.
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root))


def read_table(path: Path, required: list[str], help_text: str = "") -> list[dict[str, str]]:
    """Read the CSV of an archive, which :func:`rarebeat.core.files.read_csv` checks.

    Args:
        path: the file.
        required: columns that must be there.
        help_text: what to do when the file is missing.

    Returns:
        The rows: cells as text by their columns.

    Raises:
        MissingSourceError: when the file is missing.
        RarebeatError: when it is not a CSV, or lacks a column.
    """
    if not path.is_file():
        raise MissingSourceError(f"there is no file {path}. {help_text}".strip())
    return [row for _, row in files.read_csv(path, required, others=True)]


def matching_columns(names: Sequence[str], rows: Sequence[Mapping[str, str]], path: Path) -> list[str]:
    """Write out which columns of a table are meant.

    Args:
        names: of columns; ``report_*`` stands for all that begin so.
        rows: of the table.
        path: of the table, for messages.

    Returns:
        The columns, in the order of the names and of the table.

    Raises:
        RarebeatError: when no column begins so: all reports would be empty.
    """
    found: list[str] = []
    for name in names if rows else ():
        fitting = (
            [column for column in rows[0] if column.startswith(name[:-1])] if name.endswith("*") else [name]
        )
        if not fitting:
            raise RarebeatError(f"{path} has no column {name}; its columns are: {', '.join(rows[0])}")
        found += fitting
    return found


def unlisted_entries(root: Path, entries: Sequence[Entry]) -> list[Entry]:
    """Find the recordings beside those that a table names: what a table has lost is on disk still.

    Args:
        root: folder of the archive.
        entries: the recordings that the table names.

    Returns:
        An entry that is not listed for each header that the table does not name and that lies in a folder of ``root``
        that it names, or below; for a table of recordings in ``root`` itself, beside those.
    """
    root = Path(os.path.normpath(root))
    named = {os.path.normpath(entry.path) for entry in entries if entry.path is not None}
    places = {Path(path).relative_to(root).parts for path in named if Path(path).is_relative_to(root)}
    found: list[Path] = []
    for folder in sorted({parts[0] for parts in places if len(parts) > 1}):
        found += walk(root / folder, ".hea")
    if any(len(parts) == 1 for parts in places):
        found += (path for path in walk(root, ".hea") if path.parent == root)
    return [
        Entry(readable(path.relative_to(root).as_posix()), path, listed=False)
        for path in found
        if os.path.normpath(path) not in named
    ]
