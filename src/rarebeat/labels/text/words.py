"""Which words of a report are known: whether its language was understood."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from rarebeat.labels.text.patterns import Pattern, literal_words

_WORD = re.compile(r"[a-z]{3,}")  # shorter ones are abbreviations, or alike in many languages
_REMEMBERED = 1 << 16
_LARGEST_SHARE = 3  # at most one word in so many may be strange
_SHORTEST_STATEMENT = 3  # words; shorter ones are names and units as often as findings


class KnownWords:
    """Knows the words of reports: those that patterns spell out, and those of a list.

    Args:
        listed: words, several in an entry; ``stem*`` is a word with any ending. Without any, all words are known.
        patterns: the patterns of sections, cues and classes.
        foreign: patterns of words that tell a language which is not read, whatever they have in common with known ones.
    """

    def __init__(
        self, listed: Iterable[str], patterns: Iterable[Pattern], foreign: Iterable[Pattern] = ()
    ) -> None:
        words = [word for entry in listed for word in entry.split()]
        self._stems = tuple(word[:-1] for word in words if word.endswith("*"))
        self._whole = {word for word in words if not word.endswith("*")}
        self._whole.update(word for pattern in patterns for word in literal_words(pattern))
        self._any = not words
        self._foreign = re.compile("|".join(pattern.regex.pattern for pattern in foreign) or "(?!)")
        self._kind = lru_cache(maxsize=_REMEMBERED)(self._look_up)

    def count(self, text: str, unread: str, of_other_scripts: int = 0) -> tuple[int, int, bool]:
        """How many words a text has, how many of them are strange, and whether one of those is foreign.

        Args:
            text: normalised text.
            unread: the same without what patterns have matched.
            of_other_scripts: words that the text had in letters that are not Latin, of which normalising leaves
                nothing: they are strange, and foreign, too.
        """
        found = _WORD.findall(unread)
        kinds = [] if self._any else [kind for word in found if (kind := self._kind(word))]
        words = found if unread is text else _WORD.findall(text)
        others = 0 if self._any else of_other_scripts
        return len(words) + others, len(kinds) + others, "foreign" in kinds or others > 0

    def _look_up(self, word: str) -> Literal["", "strange", "foreign"]:
        if self._foreign.fullmatch(word):
            return "foreign"
        return "" if word in self._whole or word.startswith(self._stems) else "strange"


def says_something_strange(words: int, strange: int) -> bool:
    """Whether a statement may say anything: it has three words at least, and more than half of them are strange.

    Args:
        words: how many words it has.
        strange: how many of them are not known.

    Example:
        >>> says_something_strange(3, 2), says_something_strange(4, 2), says_something_strange(2, 2)
        (True, False, False)
    """
    return words >= _SHORTEST_STATEMENT and 2 * strange > words


def understood(words: int, strange: int) -> bool:
    """Whether a text is understood: at most a third of its words are strange.

    Args:
        words: how many words it has.
        strange: how many of them are not known.

    Example:
        >>> understood(9, 3), understood(8, 3)
        (True, False)
    """
    return strange * _LARGEST_SHARE <= words
