"""Statements that cannot mention a class, brought to a form that many of them share.

Signatures and the headings of comparisons hold names, dates and times: hardly one is like another, and none
mentions a class. Without the words that no pattern looks at they are few, and a reading of one serves them all.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from rarebeat.labels.text.patterns import WordFinder

_NUMBERS = re.compile(r"[/:.,()\-]*\d[\d/:.,()\-]*|\d+-[A-Za-z]{3}-\d+[,.:]?")
_BRACKETS = str.maketrans("", "", "()")
_REMEMBERED_TOKENS = 1 << 16
_INSIDE = 3  # shorter words stand at the start of a token, or behind a dot or hyphen
_ANYWHERE = 4  # words of sections with fewer letters are looked for as whole words only


class Templates:
    """Makes templates of statements.

    Args:
        telling: words (or parts of words) without which no class is mentioned.
        abbreviations: the same, exactly as typed.
        kept: words that a template keeps, because patterns of sections look at them.
    """

    def __init__(self, telling: Iterable[str], abbreviations: Iterable[str], kept: Iterable[str]) -> None:
        words = sorted(set(telling))
        self._telling = WordFinder(word for word in words if len(word) >= _INSIDE)
        short = "|".join(re.escape(word) for word in words if len(word) < _INSIDE)
        self._short = re.compile(rf"(?<![a-z])(?:{short})" if short else "(?!)")
        self._abbreviations = tuple(abbreviations)
        self._kept = frozenset(kept)
        self._kept_anywhere = WordFinder(word for word in self._kept if len(word) >= _ANYWHERE)
        self._part = lru_cache(maxsize=_REMEMBERED_TOKENS)(self._look_up)

    def of(self, statement: str) -> str | None:
        """The template of a statement, or None when it may mention a class."""
        parts = []
        for token in statement.split():
            part = self._part("0" + token[-1] if _NUMBERS.fullmatch(token) else token)
            if part is None:
                return None
            parts.append(part)
        return " ".join(parts)

    def _look_up(self, token: str) -> str | None:
        if not any(map(str.isalnum, token)):
            return token
        small = token.lower().translate(_BRACKETS)
        if not small.isascii() or any(self._telling.inside(small)) or self._short.search(small):
            return None
        if any(word in token for word in self._abbreviations):
            return None
        words = re.split(r"[^a-z]+", small)
        if self._kept.intersection(words) or any(self._kept_anywhere.inside(small)):
            return token
        return f"x{token[-1]}" if token[-1] in ",:" else "x"
