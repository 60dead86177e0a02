"""Splitting a report into statements."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

_BREAK = re.compile(r"[\n\r]+")
_MARK = re.compile(r"[;|.!?]|Edit:")  # without one of these a line is a statement
_END = re.compile(r"[;|]+|\.{2,}|[.!](?=\s|$)|(?<=\w\?)\s+(?=[A-Z])(?!No\b|Nein\b|Nej\b)|\bEdit:")
_DATE = re.compile(r"\d{1,2}\.\d{1,2}")
_LOWER = re.compile(r"\s*[a-zäöüå]")
_LAST_WORD = re.compile(r"[^\s,;:/(]*$")
_GRADE = re.compile(r"\s*grad", re.IGNORECASE)
_GRADE_NUMBERS = {"1", "2", "3", "i", "ii", "iii"}
_LONGEST_WORD = 20


def statement_splitter(dotted: Sequence[str], wrapped: Sequence[str] = ()) -> Callable[[str], list[str]]:
    """A function that splits a report into statements.

    A statement ends at a line break, a semicolon, a bar, a full stop, or a question mark with a new sentence
    behind it. A stop that belongs to a word of ``dotted`` (abbreviations, in lower case), to a number as in
    ``1. Grades`` or to a date ends none, and neither does a line break before a word of ``wrapped``. German
    reports often have no punctuation at all: they are one statement. PTB-XL appends later remarks behind
    ``Edit:``.

    Args:
        dotted: abbreviations with a full stop that ends no statement, in lower case.
        wrapped: a line that begins with one of these words goes on with the line before.
    """
    words = frozenset(dotted)
    goes_on = re.compile(rf"[\n\r][^\S\n\r]*(?:{'|'.join(wrapped)})\b" if wrapped else "(?!)")

    def split(report: str) -> list[str]:
        report = report if report.isascii() else unicodedata.normalize("NFC", report)
        lines = list(_lines(report, goes_on)) if goes_on.search(report) else report.splitlines()
        if _MARK.search(report):
            lines = [piece for line in lines for piece in _pieces(line, words)]
        pieces = map(str.strip, lines)
        return [piece for piece in pieces if piece]

    return split


def _lines(report: str, goes_on: re.Pattern[str]) -> Iterator[str]:
    """The lines of a report, wrapped ones with their line breaks inside."""
    start = 0
    for match in _BREAK.finditer(report):
        if not goes_on.match(report, match.end() - 1):
            yield report[start : match.start()]
            start = match.end()
    yield report[start:]


def _pieces(line: str, dotted: frozenset[str]) -> Iterator[str]:
    """The statements of a line."""
    if not _MARK.search(line):
        yield line
        return
    start = 0
    for match in _END.finditer(line):
        if match[0] == "." and _belongs_to_word(line, match.start(), dotted):
            continue
        yield line[start : match.start()]
        start = match.end()
    yield line[start:]


def _belongs_to_word(line: str, stop: int, dotted: frozenset[str]) -> bool:
    match = _LAST_WORD.search(line, max(0, stop - _LONGEST_WORD), stop)
    word = match[0].lower() if match else ""
    if word in _GRADE_NUMBERS:
        return _GRADE.match(line, stop + 1) is not None
    if _DATE.fullmatch(word):
        return _LOWER.match(line, stop + 1) is not None
    return word in dotted
