"""One spelling for the many ways in which a statement is typed, and the way back to the original characters.

Lower case without accents (``ä`` becomes ``ae``, as in German), no brackets and hyphens, one blank between
words, ``AF`` written out, ``1. Grades`` and ``first degree`` as ``1st degree``. Question marks become words:
``query`` where one stands before a finding (``?AF``), ``unsure`` where it follows one (``flutter?``).

Statements that cannot mention a class at all are not normalised but reduced to a template.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rarebeat.core.letters import plain_letters
from rarebeat.labels.text.patterns import WordFinder, WordIndex, bounded, most_specific, required_words

_MARKS = r"\s()\[\]<>{}*\"'_=~^#\-\u2010-\u2015\u2018-\u201f\u2026"
_TIDY = "|".join(
    [
        r"(?P<unsure>(?<=\w)\?+)",
        r"(?P<query>\?+\s*)",
        r"(?<=[^\W\d_])\((?P<ending>[A-Za-z]{1,3})\)",  # "contraction(s)", "extrasystole(n)"
        r"(?P<arrow>\s*(?:[-=]+>|\u2192)\s*)",
        r"(?P<sum>\s*[&+](?!/)\s*)",
        rf"(?P<gap>[{_MARKS}]{{2,}}|(?! )[{_MARKS}])",
        r"(?P<other>[^\x20-\x7e])",
    ]
)
_TIDY = (
    rf"(?! ?[A-Za-z0-9.,/:])(?:{_TIDY})"  # a quick no to most characters, and to the blank between two words
)
_UNUSUAL = re.compile("[^A-Za-z0-9.,/: ]")  # without one of these, and without two blanks, nothing is tidied
_FIXED = {"unsure": " unsure", "query": "query ", "sum": " and ", "arrow": " converted to ", "gap": " "}
_NOTHING = "(?!)"

_NUMBERS = re.compile(r"[/:.,()\-]*\d[\d/:.,()\-]*|\d+-[A-Za-z]{3}-\d+[,.:]?")
_BRACKETS = str.maketrans("", "", "()")
_REMEMBERED_TOKENS = 1 << 16
_REMEMBERED_REWRITES = 1 << 8
_GROUP = 12  # rewrites that are compiled together: few groups have few combinations
_INSIDE = 3  # shorter words stand at the start of a token, or behind a dot or hyphen
_ANYWHERE = 4  # words of sections with fewer letters are looked for as whole words only


@dataclass(frozen=True, slots=True)
class Normalised:
    """A statement in one spelling.

    Attributes:
        text: what patterns are matched on.
        pieces: how it was put together, in order: start in ``text``, start and end in the statement, and
            whether the characters correspond one to one.
    """

    text: str
    pieces: list[tuple[int, int, int, bool]]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where the characters from ``start`` to before ``end`` of ``text`` stand in the statement."""
        return self._origin(start)[0], self._origin(end - 1)[1]

    def _origin(self, position: int) -> tuple[int, int]:
        number = bisect_right(self.pieces, position, key=lambda piece: piece[0]) - 1
        begin, start, end, copied = self.pieces[number]
        return (start + position - begin, start + position - begin + 1) if copied else (start, end)


class Normaliser:
    """Brings statements into one spelling.

    Args:
        abbreviations: what to write out, exactly as typed: ``{"AF": "atrial fibrillation"}``.
        spellings: patterns to rewrite in any case: ``{"first": "1st"}``.
    """

    def __init__(self, abbreviations: Mapping[str, str], spellings: Mapping[str, str]) -> None:
        self._abbreviations = dict(abbreviations)
        self._replacements = {f"s{n}": text for n, text in enumerate(spellings.values())} | _FIXED
        self._spellings = tuple(map(bounded, spellings))
        needs = [required_words(pattern, raw=True) for pattern in spellings]
        self._spelling_words = sorted({word for words in needs for word in most_specific(words)})
        self._index = WordIndex(needs)
        self._written_out = "|".join(map(re.escape, self._abbreviations)) or _NOTHING
        self._abbreviated = re.compile(self._written_out)
        self._tidy = re.compile(_TIDY)
        self._regex_of = lru_cache(maxsize=_REMEMBERED_REWRITES)(self._compile)

    @property
    def words(self) -> Sequence[str]:
        """Words (or parts of words) without which no spelling is rewritten."""
        return self._spelling_words

    def __call__(self, statement: str) -> Normalised:
        """Normalise one statement."""
        rewrites = self._rewrites(statement)
        if rewrites is self._tidy and "  " not in statement and not _UNUSUAL.search(statement):
            return Normalised(statement.lower(), [(0, 0, len(statement), True)])
        parts: list[str] = []
        pieces: list[tuple[int, int, int, bool]] = []
        length = done = 0
        for match in rewrites.finditer(statement):
            start, end = match.span()
            if start > done:
                parts.append(statement[done:start].lower())
                pieces.append((length, done, start, True))
                length += start - done
            if replacement := self._replacement(match):
                parts.append(replacement)
                pieces.append((length, start, end, False))
                length += len(replacement)
            done = end
        parts.append(statement[done:].lower())
        pieces.append((length, done, len(statement), True))
        return Normalised("".join(parts), pieces)

    def _rewrites(self, statement: str) -> re.Pattern[str]:
        """The rewrites that a statement may need: those whose words it holds; the full list is slow.

        Words are looked up in ASCII only, for outside of it other letters than the one itself may match in any case.
        """
        lower = statement.lower()
        abbreviated = self._abbreviated.search(statement) is not None
        if statement.isascii():
            groups = {number // _GROUP for number in self._index.candidates(lower)}
        elif abbreviated or any(word in lower for word in self._spelling_words):
            groups, abbreviated = set(range(-(-len(self._spellings) // _GROUP))), True
        else:
            groups = set()
        return self._regex_of(frozenset(groups), abbreviated) if groups or abbreviated else self._tidy

    def _compile(self, groups: frozenset[int], abbreviated: bool) -> re.Pattern[str]:
        """Some groups of the rewrites, in their order, and what is always tidied."""
        written_out = self._written_out if abbreviated else _NOTHING
        spellings = ((n, text) for n, text in enumerate(self._spellings) if n // _GROUP in groups)
        rewrites = "|".join(f"(?P<s{n}>{text})" for n, text in spellings) or _NOTHING
        return re.compile(rf"(?<!\w)(?:(?P<abbreviation>{written_out})|(?i:{rewrites}))(?!\w)|{_TIDY}")

    def _replacement(self, match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        if kind in self._replacements:
            return self._replacements[kind]
        if kind == "ending":
            return match["ending"].lower()
        return self._abbreviations[match[0]] if kind == "abbreviation" else _plain_letter(match[0])


@lru_cache(maxsize=4096)
def _plain_letter(character: str) -> str:
    """A character outside ASCII as small letters, or a blank where it has none."""
    return plain_letters(character) or " "


class Templates:
    """Makes templates of statements that cannot mention a class: a form that many of them share.

    Signatures and the headings of comparisons hold names, dates and times: hardly one is like another, and none
    mentions a class. Without the words that no pattern looks at they are few, and a reading of one serves them all.

    Args:
        required: words (or parts of words) without which no class is mentioned.
        abbreviations: the same, exactly as typed.
        kept: words that a template keeps, because patterns of sections look at them.
    """

    def __init__(self, required: Iterable[str], abbreviations: Iterable[str], kept: Iterable[str]) -> None:
        words = sorted(set(required))
        self._required = WordFinder(word for word in words if len(word) >= _INSIDE)
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
        if not small.isascii() or any(self._required.inside(small)) or self._short.search(small):
            return None
        if any(word in token for word in self._abbreviations):
            return None
        words = re.split(r"[^a-z]+", small)
        if self._kept.intersection(words) or any(self._kept_anywhere.inside(small)):
            return token
        return f"x{token[-1]}" if token[-1] in ",:" else "x"
