"""Splitting a report into statements."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

_END = r"{line}|[;|]+|\.{{2,}}|[.!](?=\s|$)|(?<=\w\?)\s+(?=[A-Z])(?!No\b|Nein\b|Nej\b)|\bEdit:"
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
    """
    words = frozenset(dotted)
    line = rf"[\n\r]+(?!\s*(?:{'|'.join(wrapped)})\b)" if wrapped else r"[\n\r]+"
    end = re.compile(_END.format(line=line))

    def split(report: str) -> list[str]:
        report = report if report.isascii() else unicodedata.normalize("NFC", report)
        pieces = (report[start:end].strip() for start, end in _ranges(report, end, words))
        return [piece for piece in pieces if piece]

    return split


def _ranges(report: str, end: re.Pattern[str], dotted: frozenset[str]) -> Iterator[tuple[int, int]]:
    start = 0
    for match in end.finditer(report):
        if match[0] == "." and _belongs_to_word(report, match.start(), dotted):
            continue
        yield start, match.start()
        start = match.end()
    yield start, len(report)


def _belongs_to_word(report: str, stop: int, dotted: frozenset[str]) -> bool:
    match = _LAST_WORD.search(report, max(0, stop - _LONGEST_WORD), stop)
    word = match[0].lower() if match else ""
    if word in _GRADE_NUMBERS:
        return _GRADE.match(report, stop + 1) is not None
    if _DATE.fullmatch(word):
        return _LOWER.match(report, stop + 1) is not None
    return word in dotted
