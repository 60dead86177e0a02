"""Parsing WFDB headers (``header(5)`` of the WFDB Applications Guide) much faster than wfdb does.

It forgives one thing that wfdb does not: a record line that starts with the name of the signal file, as in
some Georgia headers of the 2020 Challenge (``E00666.mat 12 500 5000``).
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.fields import Person, clean_age, clean_sex

MAX_HEADER_BYTES = 1 << 20
MAX_SIGNALS = 1000

DIAGNOSES = "<diagnoses>:"
"""The comment behind which LUDB has its statements."""

_TAG = re.compile(r"(?=<\w+>)")
_FORMAT = re.compile(r"(\d+)(?:x(\d+))?(?::(\d+))?(?:\+(\d+))?")
_GAIN = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\(([-+]?\d+)\))?(?:/(\S+))?")


class Format(NamedTuple):
    """How samples lie in a file: WFDB format number, samples per frame, skew, offset of the first byte."""

    number: int
    frame: int
    skew: int
    offset: int


class Lead(NamedTuple):
    """One signal line of a header.

    Attributes:
        file: name of the signal file, as written.
        format: how its samples are stored.
        gain: steps per unit; None where the header does not tell (0 means the same there).
        baseline: the step at zero.
        units: such as "mV".
        initial: value of the first sample, or None.
        checksum: 16-bit sum of the samples, or None.
        name: description of the signal, such as "V1".
    """

    file: str
    format: Format
    gain: float | None
    baseline: int
    units: str
    initial: int | None
    checksum: int | None
    name: str


class Header(NamedTuple):
    """What a WFDB header says.

    Attributes:
        name: record name, without a suffix.
        segments: name and frames of each segment of a multi-segment record, else empty.
        rate: frames per second.
        samples: frames per signal, or None where it is not told.
        leads: one for each signal.
        comments: lines after ``#``, stripped.
    """

    name: str
    segments: tuple[tuple[str, int], ...]
    rate: float
    samples: int | None
    leads: tuple[Lead, ...]
    comments: tuple[str, ...]


def _pairs(comments: Iterable[str]) -> list[tuple[str, str]]:
    parts = (part.partition(":") for comment in comments for part in _TAG.split(comment))
    return [(key.strip().strip("<>").lower(), value.strip()) for key, colon, value in parts if colon]


def told_once(comments: Iterable[str], keys: Sequence[str]) -> dict[str, str]:
    """Read the ``Key: value`` comments of a header, and its ``<key>: value`` tags, of which a line may hold several.

    Args:
        comments: of :class:`Header`.
        keys: what may not be told twice, for nobody knows which is right: in lower case, without brackets.

    Returns:
        The values by their keys, which are in lower case and without brackets.

    Raises:
        BadRecordError: ``header_mismatch`` when one of the keys is told twice.

    Example:
        >>> told_once(["Age: 74", "Dx: 426783006"], ["age", "dx"])
        {'age': '74', 'dx': '426783006'}
        >>> told_once(["<age>: 65 <sex>: F"], ["age"])
        {'age': '65', 'sex': 'F'}
    """
    pairs = _pairs(comments)
    told = dict(pairs)
    if len(told) < len(pairs):
        found = [key for key, _ in pairs]
        if twice := [key for key in keys if found.count(key) > 1]:
            raise BadRecordError("header_mismatch", f"the header tells {' and '.join(twice)} twice")
    return told


def person_of(comments: Iterable[str]) -> Person:
    """Find out age and sex of the person from the comments of a header.

    Args:
        comments: of :class:`Header`; the statements of LUDB, which follow a line of their own, tell no person.

    Returns:
        Both, each None where it is not told.

    Raises:
        BadRecordError: ``header_mismatch`` when either is told twice.

    Example:
        >>> person_of(["Age: 63", "Sex: Male"]), person_of(["<age>: >89", "<sex>: F"])
        (Person(age=63.0, sex='male'), Person(age=90.0, sex='female'))
    """
    before = takewhile(lambda comment: comment != DIAGNOSES, comments)
    return person_in(told_once(before, Person._fields))


def person_in(told: Mapping[str, str]) -> Person:
    """Find out age and sex of the person from what comments tell.

    Args:
        told: as :func:`told_once` returns it.

    Returns:
        Both, each None where it is not told.
    """
    return Person(clean_age(told.get("age", "")), clean_sex(told.get("sex", "")))


def read_header(path: Path) -> Header:
    """Read and parse a header file.

    Args:
        path: the file.

    Returns:
        What it says.

    Raises:
        BadRecordError: ``unreadable`` when it is missing or no header.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_HEADER_BYTES + 1)
    except OSError as error:
        raise BadRecordError("unreadable", f"the header cannot be opened: {error.strerror}") from error
    if len(content) > MAX_HEADER_BYTES:
        raise BadRecordError("unreadable", f"the header is larger than {MAX_HEADER_BYTES} bytes")
    return parse_header(content)


def parse_header(content: bytes) -> Header:
    """Parse the bytes of a header.

    Args:
        content: of the file, in UTF-8 or Latin-1.

    Returns:
        What it says.

    Raises:
        BadRecordError: ``unreadable`` when it is no header, ``header_mismatch`` when it does not hold as many
            signal lines as it announces.

    Example:
        >>> header = parse_header(b"r1 1 500 5000\\nr1.dat 16 1000(0)/mV 16 0 0 0 0 II\\n#Age: 63\\n")
        >>> header.rate, header.leads[0].name, header.comments
        (500.0, 'II', ('Age: 63',))
    """
    if b"\0" in content:
        raise BadRecordError("unreadable", "the header is binary, not text")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines, comments = [], []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            comments.append(stripped[1:].strip())
        elif stripped:
            lines.append(stripped)
    if not lines:
        raise BadRecordError("unreadable", "the header is empty")
    try:
        return _parse_lines(lines, tuple(comments))
    except ValueError as error:
        raise BadRecordError("unreadable", f"not a WFDB header: {error}") from error


def _parse_lines(lines: list[str], comments: tuple[str, ...]) -> Header:
    fields = lines[0].split()
    if len(fields) < 3:
        raise ValueError(
            f"its first line has {len(fields)} fields; expected name, number of signals, sampling rate"
        )
    name, _, segments = fields[0].partition("/")
    count = _whole(fields[1], "number of signals")
    rate = float(re.split(r"[/(]", fields[2], maxsplit=1)[0])
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"a sampling rate of {fields[2]} Hz")
    samples = _whole(fields[3], "number of samples") if len(fields) > 3 else 0
    if not 0 < count <= MAX_SIGNALS:
        raise ValueError(f"{count} signals")
    expected = _whole(segments, "number of segments") if segments else count
    if len(lines) - 1 != expected:
        raise BadRecordError(
            "header_mismatch", f"the header announces {expected} lines and holds {len(lines) - 1}"
        )
    following = lines[1:]
    return Header(
        name=name.removesuffix(".mat").removesuffix(".dat"),
        segments=tuple(_parse_segment(line) for line in following) if segments else (),
        rate=rate,
        samples=samples or None,
        leads=() if segments else tuple(_parse_lead(line) for line in following),
        comments=comments,
    )


def _parse_segment(line: str) -> tuple[str, int]:
    fields = line.split()
    if len(fields) != 2:
        raise ValueError("a segment line without a length")
    return fields[0], _whole(fields[1], "length of a segment")


def _parse_lead(line: str) -> Lead:
    fields = line.split(None, 8)
    if len(fields) < 2:
        raise ValueError("a signal line without a format")
    count = len(fields)
    gain, baseline, units = _parse_gain(fields[2]) if count > 2 else (None, None, "mV")
    if baseline is None:
        baseline = int(fields[4]) if count > 4 else 0
    return Lead(
        file=fields[0],
        format=_parse_format(fields[1]),
        gain=gain,
        baseline=baseline,
        units=units,
        initial=int(fields[5]) if count > 5 else None,
        checksum=int(fields[6]) if count > 6 else None,
        name=fields[8] if count > 8 else "",
    )


@lru_cache(maxsize=1024)
def _parse_format(text: str) -> Format:
    match = _FORMAT.fullmatch(text)
    if match is None:
        raise ValueError(f"a signal format {text[:20]!r}")
    number, frame, skew, offset = match.groups()
    return Format(int(number), int(frame or 1), int(skew or 0), int(offset or 0))


@lru_cache(maxsize=1024)
def _parse_gain(text: str) -> tuple[float | None, int | None, str]:
    match = _GAIN.fullmatch(text)
    if match is None:
        raise ValueError(f"a gain {text[:20]!r}")
    gain, baseline, units = match.groups()
    return float(gain) or None, int(baseline) if baseline else None, units or "mV"


def _whole(text: str, what: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ValueError(f"its {what} is {text[:20]!r}")
    return int(text)
