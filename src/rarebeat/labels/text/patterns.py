"""The language of patterns: a part of regular expressions that is always fast and can be looked up by words.

A pattern is matched on whole words of normalised text. It may hold

- small letters, digits, blanks and ``, / :`` as they are, and ``\\.`` for a dot,
- groups with alternatives ``(left|right)`` and sets of characters ``[sz]``, ``[a-z]``,
- ``?`` and ``{0,3}`` after a character, group or set,
- ``*`` and ``+`` after a set without a blank: the rest of a word (of 40 characters at most), as in ``fib[a-z]*``.

Whatever is not in this list is refused, so that every pattern also works in RE2. None takes more than linear time,
for how many ways there are to match from one place does not grow with the text: words are bounded, a counted group
of words has one word after the other (all its alternatives begin with a blank, or all end with one; it holds no
counted group, and one of its words at most is open from its first letter), a pattern has three counted groups at most,
and a word three open parts. Each pattern must need at least one word (or part of a word): a text without it is not
searched.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_LITERAL = re.compile(r"[a-z0-9 ,/:]")
_RAW_LITERAL = re.compile(r"[^\W_A-Z]|[ ,/:\-°]")  # before normalisation there are accents and hyphens
_SET = re.compile(r"\[([^\]\\^]+)\]")
_CLASSES = re.compile(
    r"\[[^\]]*\]|[a-z]\?|\\w"
)  # sets, optional letters, and the word boundary of compile_pattern
_TIMES = re.compile(r"\{(\d),(\d)\}")
_WORD = re.compile(r"(?!\d+$)\S{2,}|[/:°]")  # numbers alone and single letters are too common to be looked up
_ENDLESS = re.compile(r"\]([*+])")
_OPEN_WORD = re.compile(r"(?<![^(| ])\[[^\]]*\][*+]")
_LONGEST_WORD = 40
_MOST_OPEN = 3  # open parts of a word
_MOST_COUNTS = 3  # counted groups of a pattern
_REMEMBERED_TOKENS = 1 << 16

Words = frozenset[str]
"""Alternatives: a text that contains none of them, as words or parts of words, cannot match."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern ready for use.

    Attributes:
        regex: matches whole words of normalised text.
        needs: every match contains at least one word of each.
    """

    regex: re.Pattern[str]
    needs: tuple[Words, ...]


def compile_pattern(text: str) -> Pattern:
    """Compile a pattern.

    Args:
        text: the pattern.

    Raises:
        ValueError: when it is not in the language of patterns.
    """
    return Pattern(needs=required_words(text), regex=re.compile(rf"(?<!\w)(?:{bounded(text)})(?!\w)"))


def bounded(text: str) -> str:
    """A pattern with bounded words, as it is compiled.

    Args:
        text: the pattern.

    Example:
        >>> bounded("fib[a-z]*")
        'fib[a-z]{0,40}'
    """
    return _ENDLESS.sub(lambda sign: f"]{{{int(sign[1] == '+')},{_LONGEST_WORD}}}", text)


def required_words(pattern: str, raw: bool = False) -> tuple[Words, ...]:
    """Words (or parts of words) that a pattern cannot do without: at least one of each set.

    Args:
        pattern: the pattern.
        raw: whether it is for text that is not normalised: accents, hyphens and ``°`` are then allowed.

    Raises:
        ValueError: when the pattern is not in the language, or needs no word.

    Example:
        >>> [sorted(words) for words in required_words("(complete )?(left|right) bundle")]
        [['left', 'right'], ['bundle']]
        >>> [sorted(words) for words in required_words("(pac|apc)s?")]
        [['apc', 'pac']]
    """
    parser = _Parser(pattern, _RAW_LITERAL if raw else _LITERAL)
    needs = parser.alternatives()
    if parser.at < len(pattern):
        raise ValueError(f"has a bracket too many at character {parser.at + 1}")
    if not needs:
        raise ValueError("needs a word of at least two letters that is not optional")
    return tuple(needs)


def _weight(words: Words) -> int:
    """How much a set tells: the length of its shortest word."""
    return min(map(len, words))


def most_specific(needs: Sequence[Words]) -> Words:
    """The set of words that a :class:`WordIndex` looks a pattern up by first."""
    return _by_weight(needs)[0]


def literal_words(pattern: Pattern) -> set[str]:
    """All runs of letters that a pattern spells out, without optional ones.

    Example:
        >>> sorted(literal_words(compile_pattern("st changes?")))
        ['change', 'st']
    """
    return set(re.findall("[a-z]+", _CLASSES.sub(" ", pattern.regex.pattern)))


def _by_weight(needs: Sequence[Words]) -> list[Words]:
    return sorted(needs, key=lambda words: (_weight(words), -len(words)), reverse=True)


class _Parser:
    """Reads a pattern from left to right; methods return the words that what they read cannot do without."""

    def __init__(self, text: str, literal: re.Pattern[str]) -> None:
        self.text = text
        self.literal = literal
        self.at = 0
        self.open = 0  # open parts of the word that is being read
        self.counts = 0

    def take(self, character: str) -> bool:
        found = self.text.startswith(character, self.at)
        self.at += len(character) * found
        return found

    def alternatives(self) -> list[Words]:
        before = self.open
        branches, open_parts = [self.sequence()], [self.open]
        while self.take("|"):
            self.open = before
            branches.append(self.sequence())
            open_parts.append(self.open)
        self.open = max(open_parts)
        if len(branches) == 1:
            return branches[0]
        if not all(branches):
            return []
        return [frozenset().union(*(max(needs, key=_weight) for needs in branches))]

    def sequence(self) -> list[Words]:
        needs: list[Words] = []
        literal = ""
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            character, words = self.item()
            literal += character or "\n"  # a line break stands for a gap
            if words is not None:
                needs.append(words)
        return needs + [frozenset({word}) for word in re.split(r"[\n ]", literal) if _WORD.fullmatch(word)]

    def item(self) -> tuple[str, Words | None]:
        """One character, group or set with its repeat: the character if it must be there, and its words."""
        character, words, endless = "", None, False
        start, before, counts = self.at, self.open, self.counts
        if self.take("("):
            words = max(self.alternatives(), key=_weight, default=None)
            if not self.take(")"):
                raise ValueError("lacks a closing bracket")
        elif match := _SET.match(self.text, self.at):
            self.at = match.end()
            endless = " " not in match[1]
        elif self.take("\\."):
            character = "."
        elif self.literal.match(self.text, self.at):
            character = self.text[self.at]
            self.at += 1
        else:
            raise ValueError(
                f"has {self.text[self.at]!r} at character {self.at + 1}, which patterns do not use"
            )
        what = self.text[start : self.at]
        if character == " ":
            self.open = 0
        if self.take("?"):
            self.open = max(self.open, before)
            return "", None
        for sign in "*+":
            if self.take(sign):
                self.go_on(sign, endless)
                return "", None
        if match := _TIMES.match(self.text, self.at):
            self.at = match.end()
            self.count(what, nested=self.counts > counts)
            if not int(match[1]):
                self.open = max(self.open, before)
            return "", words if int(match[1]) else None
        return character, words

    def go_on(self, sign: str, endless: bool) -> None:
        """A set that goes on to the end of a word."""
        if not endless:
            raise ValueError(f"has {sign} where only [a-z]{sign} (a set without a blank) is allowed")
        self.open += 1
        if self.open > _MOST_OPEN:
            raise ValueError(f"has more than {_MOST_OPEN} open parts such as [a-z]{sign} in one word")

    def count(self, what: str, nested: bool) -> None:
        """A counted group: one word after the other."""
        self.counts += 1
        if nested:
            raise ValueError(f"counts {what}, which holds a count")
        if self.counts > _MOST_COUNTS:
            raise ValueError(f"has more than {_MOST_COUNTS} counts")
        parts = list(_alternatives(what))
        if _ENDLESS.search(what) and not (
            all(part.startswith(" ") for part in parts) or all(part.endswith(" ") for part in parts)
        ):
            raise ValueError(f"counts {what}, whose words are open: it must begin or end with a blank")
        if len(_OPEN_WORD.findall(what)) > 1:
            raise ValueError(f"counts {what}, of which more than one word is open from its first letter")


def _alternatives(group: str) -> Iterator[str]:
    """The alternatives of a group, as they are written between its brackets.

    >>> list(_alternatives("(a (b|c) |d )"))
    ['a (b|c) ', 'd ']
    """
    depth, start = 0, 1
    for place, sign in enumerate(group):
        depth += (sign == "(") - (sign == ")")
        if (sign == "|" and depth == 1) or place == len(group) - 1:
            yield group[start:place]
            start = place + 1


class WordFinder:
    """Tells which of many words are part of a token, by their first two letters.

    Example:
        >>> sorted(WordFinder(["flut", "lutte", "fib"]).inside("flutter"))
        ['flut', 'lutte']
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._by_start: dict[str, list[str]] = {}
        for word in dict.fromkeys(words):
            self._by_start.setdefault(word[:2], []).append(word)

    def inside(self, token: str) -> Iterator[str]:
        """The words that are part of the token."""
        for place in range(len(token)):
            for start in (token[place : place + 2], token[place]):
                for word in self._by_start.get(start, ()):
                    if token.startswith(word, place):
                        yield word


class WordIndex:
    """Tells which of many patterns could match a text, by looking up each word of the text once.

    Args:
        needs: for each pattern, the sets of words that it cannot do without; the two that tell most are used.
    """

    def __init__(self, needs: Sequence[Sequence[Words]]) -> None:
        self._first: dict[str, int] = {}  # word to the patterns whose first set holds it, as bits of a number
        self._second: dict[str, int] = {}
        self._need_one = 0  # patterns with one set only
        for number, sets in enumerate(needs):
            chosen = _by_weight(sets)[:2]
            for words, index in zip(chosen, (self._first, self._second), strict=False):
                for word in words:
                    index[word] = index.get(word, 0) | 1 << number
            self._need_one |= (len(chosen) == 1) << number
        self._words = WordFinder([*self._first, *self._second])
        self._bits: dict[str, tuple[int, int]] = {}

    def _look_up(self, token: str) -> tuple[int, int]:
        """The patterns whose first and second set a token has a word of; tokens are remembered."""
        first = second = 0
        for word in () if token.isdigit() else self._words.inside(token):
            first |= self._first.get(word, 0)
            second |= self._second.get(word, 0)
        if len(self._bits) >= _REMEMBERED_TOKENS:
            self._bits.clear()
        self._bits[token] = first, second
        return first, second

    def candidates(self, text: str) -> list[int]:
        """Numbers of the patterns that may match, in ascending order."""
        first, second = 0, self._need_one
        known = self._bits
        for token in text.split(" "):
            one, two = known.get(token) or self._look_up(token)
            if one or two:
                first |= one
                second |= two
        found = first & second
        numbers = []
        while found:
            lowest = found & -found
            numbers.append(lowest.bit_length() - 1)
            found ^= lowest
        return numbers
