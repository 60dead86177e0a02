"""Splitting a report into statements."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

_END = re.compile(r"[\n\r;|]+|[.!](?=\s|$)|\bEdit:")
_LAST_WORD = re.compile(r"[^\s,;:/(]*$")
_GRADE = re.compile(r"\s*grad", re.IGNORECASE)
_GRADE_NUMBERS = {"1", "2", "3", "i", "ii", "iii"}
_LONGEST_WORD = 20


def statement_splitter(dotted: Sequence[str]) -> Callable[[str], list[str]]:
    """A function that splits a report into statements.

    A statement ends at a line break, a semicolon, a bar, or a full stop, except where the stop belongs to a
    word of ``dotted`` (abbreviations, in lower case) or to a number as in ``1. Grades``. German reports often
    have no punctuation at all: they are one statement. PTB-XL appends later remarks behind ``Edit:``.
    """
    words = frozenset(dotted)

    def split(report: str) -> list[str]:
        report = report if report.isascii() else unicodedata.normalize("NFC", report)
        pieces = (report[start:end].strip() for start, end in _ranges(report, words))
        return [piece for piece in pieces if piece]

    return split


def _ranges(report: str, dotted: frozenset[str]) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _END.finditer(report):
        if match[0] == "." and _belongs_to_word(report, match.start(), dotted):
            continue
        yield start, match.start()
        start = match.end()
    yield start, len(report)


def _belongs_to_word(report: str, stop: int, dotted: frozenset[str]) -> bool:
    match = _LAST_WORD.search(report, max(0, stop - _LONGEST_WORD), stop)
    word = match[0].lower() if match else ""
    return word in dotted or (word in _GRADE_NUMBERS and _GRADE.match(report, stop + 1) is not None)
