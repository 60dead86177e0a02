"""The language of patterns: a part of regular expressions that is always fast, and that can be looked up by words.

A pattern is matched on whole words of normalised text. It may hold

- small letters, digits, blanks and ``, / :`` as they are, and ``\\.`` for a dot,
- groups with alternatives ``(left|right)`` and sets of characters ``[sz]``, ``[a-z]``,
- ``?`` and ``{0,3}`` after a character, group or set,
- ``*`` and ``+`` after a set without a blank: the rest of a word, as in ``fib[a-z]*``.

Whatever is not in this list is refused, so that every pattern also works in RE2 and none takes more than linear time.
Each pattern must need at least one word (or part of a word): a text without it is never searched.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_LITERAL = re.compile(r"[a-z0-9 ,/:]")
_RAW_LITERAL = re.compile(r"[^\W_A-Z]|[ ,/:\-°]")  # before normalisation there are accents and hyphens
_SET = re.compile(r"\[([^\]\\^]+)\]")
_TIMES = re.compile(r"\{(\d),(\d)\}")
_SHORTEST_WORD = 2
_REMEMBERED_TOKENS = 1 << 16

Words = frozenset[str]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern ready for use.

    Attributes:
        regex: matches whole words of normalised text.
        words: a text that contains none of them (as words or parts of words) cannot match.
    """

    regex: re.Pattern[str]
    words: Words


def compile_pattern(text: str) -> Pattern:
    """Compile a pattern.

    Raises:
        ValueError: when it is not in the language of patterns.
    """
    return Pattern(words=required_words(text), regex=re.compile(whole_words(text)))


def whole_words(text: str) -> str:
    """The regular expression that matches ``text`` where no word goes on before or after it."""
    return rf"(?<!\w)(?:{text})(?!\w)"


def required_words(pattern: str, raw: bool = False) -> Words:
    """Words (or parts of words) of which every match of the pattern contains at least one.

    Args:
        pattern: the pattern.
        raw: whether it is for text that is not normalised, so that accents, hyphens and ``°`` are allowed as well.

    >>> sorted(required_words("(complete )?(left|right) bundle branch block"))
    ['bundle']
    >>> sorted(required_words("(pac|apc)s?"))
    ['apc', 'pac']

    Raises:
        ValueError: when the pattern is not in the language, or needs no word.
    """
    parser = _Parser(pattern, _RAW_LITERAL if raw else _LITERAL)
    words = parser.alternatives()
    if parser.at < len(pattern):
        raise ValueError(f"has a bracket too many at character {parser.at + 1}")
    if words is None:
        raise ValueError(f"needs a word of at least {_SHORTEST_WORD} letters that is not optional")
    return words


class _Parser:
    """Reads a pattern from left to right; each method returns the words that its part cannot do without."""

    def __init__(self, text: str, literal: re.Pattern[str]) -> None:
        self.text = text
        self.literal = literal
        self.at = 0

    def take(self, character: str) -> bool:
        found = self.text.startswith(character, self.at)
        self.at += len(character) * found
        return found

    def alternatives(self) -> Words | None:
        branches = [self.sequence()]
        while self.take("|"):
            branches.append(self.sequence())
        known = [words for words in branches if words is not None]
        return frozenset().union(*known) if len(known) == len(branches) else None

    def sequence(self) -> Words | None:
        """The best choice among the literal words of a sequence and the words that its groups need."""
        choices: list[Words] = []
        literal = ""
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            character, words = self.item()
            literal += character or "\n"  # a line break stands for a gap
            if words is not None:
                choices.append(words)
        choices += [frozenset({word}) for word in re.split(r"[\n ,]", literal) if len(word) >= _SHORTEST_WORD]
        return max(choices, key=lambda words: min(map(len, words)), default=None)

    def item(self) -> tuple[str, Words | None]:
        """One character, group or set with its repeat: the character if it must be there, and the words needed."""
        character, words, endless = "", None, False
        if self.take("("):
            words = self.alternatives()
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
            raise ValueError(f"has {self.text[self.at]!r} at character {self.at + 1}: not part of the language of patterns")
        return self.repeat(character, words, endless)

    def repeat(self, character: str, words: Words | None, endless: bool) -> tuple[str, Words | None]:
        if self.take("?"):
            return "", None
        for sign in "*+":
            if self.take(sign):
                if not endless:
                    raise ValueError(f"has {sign} after something else than a set without a blank, as in [a-z]{sign}")
                return "", None
        if match := _TIMES.match(self.text, self.at):
            self.at = match.end()
            return "", words if int(match[1]) else None
        return character, words


class WordIndex:
    """Tells which of many patterns could match a text, by looking up each word of the text once.

    Args:
        needs: for each pattern, the words of which a matching text contains at least one.
    """

    def __init__(self, needs: Sequence[Words]) -> None:
        self._bits: dict[str, int] = {}
        for number, words in enumerate(needs):
            for word in words:
                self._bits[word] = self._bits.get(word, 0) | 1 << number
        self._token_bits = lru_cache(maxsize=_REMEMBERED_TOKENS)(self._look_up)

    def _look_up(self, token: str) -> int:
        found = 0
        for word, bits in self._bits.items():
            if word in token:
                found |= bits
        return found

    def candidates(self, text: str) -> list[int]:
        """Numbers of the patterns that may match, in ascending order."""
        found = 0
        for token in text.split(" "):
            found |= self._token_bits(token)
        numbers = []
        while found:
            lowest = found & -found
            numbers.append(lowest.bit_length() - 1)
            found ^= lowest
        return numbers
