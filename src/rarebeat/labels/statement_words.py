"""The words and codes that vocabularies and languages know: what a report of a private cohort may be made of.

``readers/free_text/statement_words.txt`` is this list for the package: ingest keeps no other word (see
:mod:`rarebeat.readers.free_text.recognised`, which explains its marks). A pattern is spelled out into the words that
it can match; where it leaves letters open (``fib[a-z]*``, ``[a-z]*ly``), the list holds the part that it names.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rarebeat.core.letters import plain_letters
from rarebeat.labels.code_lists import known_codes
from rarebeat.labels.text.language import ReportLanguage
from rarebeat.labels.text.patterns import Pattern, literal_words
from rarebeat.labels.vocabulary import Vocabulary

_PART = re.compile(
    r"(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<or>\|)|\[(?P<set>[^\]]+)\]|\\?(?P<letter>.)", re.DOTALL
)
_REPEAT = re.compile(r"\?|\*|\+|\{(?P<least>\d+),(?P<most>\d+)\}")
_RANGE = re.compile(r"(.)-(.)")
_SHORTEST_PART = 4
_ADVERB = "ly"
_SPELLED_OUT = 10  # a set of more characters stands for any
_COUNTED = 3
_ANY = "*"
_NOTHING = frozenset({""})


@dataclass(frozen=True, slots=True)
class _Texts:
    """The texts that a pattern can match, cut into words.

    Attributes:
        whole: those without a gap between words.
        first: how the others begin, up to their first gap.
        last: how they end, from their last gap on.
        inner: the words between.
    """

    whole: frozenset[str] = frozenset()
    first: frozenset[str] = frozenset()
    last: frozenset[str] = frozenset()
    inner: frozenset[str] = frozenset()

    def then(self, other: "_Texts") -> "_Texts":
        return _Texts(
            whole=_joined(self.whole, other.whole),
            first=self.first | _joined(self.whole, other.first),
            last=other.last | _joined(self.last, other.whole),
            inner=self.inner | other.inner | _joined(self.last, other.first),
        )

    def either(self, other: "_Texts") -> "_Texts":
        return _Texts(
            self.whole | other.whole,
            self.first | other.first,
            self.last | other.last,
            self.inner | other.inner,
        )

    def words(self) -> frozenset[str]:
        return self.whole | self.first | self.last | self.inner


_EMPTY = _Texts(whole=_NOTHING)
_GAP = _Texts(first=_NOTHING, last=_NOTHING)


def statement_words(vocabularies: Iterable[Vocabulary]) -> list[str]:
    """Every word and code that vocabularies and their languages know.

    Args:
        vocabularies: as :func:`rarebeat.labels.vocabulary.load_vocabulary` returns them.

    Returns:
        Words in small letters without accents (``ae`` for ``ä``), sorted; ``fib*`` and ``*ly`` are parts
        of words in patterns, ``norm~`` a stem of word lists, ``king=`` a fragment
        of a language's pattern that is no word of it, ``scp:AFIB`` a code.

    Example:
        >>> from rarebeat.labels.vocabulary import load_vocabulary
        >>> words = statement_words([load_vocabulary("hughes24")])
        >>> "flutter" in words, "vorhofflattern" in words, "smith" in words
        (True, True, False)
    """
    found: set[str] = set()
    listed: set[str] = set()
    fragments: set[str] = set()
    for vocabulary in vocabularies:
        language = vocabulary.language
        # Whether a language was understood is counted by the literal parts of patterns, too. Those of a language are
        # known to all its vocabularies.
        for pattern in _class_patterns(vocabulary):
            found |= _fragments(pattern) | _words_of(_text(pattern))
        for pattern in _language_patterns(language):
            fragments |= _fragments(pattern)
            found |= _words_of(_text(pattern))
        for spelling in language.spellings:
            found |= _words_of(spelling)
        for text in (*language.abbreviations, *language.dotted, *language.wrapped):
            found.update(map(_plain, re.findall(r"[^\W_]+", text.lower())))
        listed.update(word for entry in language.words for word in entry.split())
        for entry in vocabulary.classes:
            for system, codes in entry.codes.items():
                known = known_codes(system).union(codes.positive, codes.weak)
                found.update(f"{system}:{code}" for code in known)
    stems = {word for word in listed if word.endswith(_ANY)}
    found |= listed - stems
    return sorted(
        found | {f"{stem[:-1]}~" for stem in stems - found} | {f"{word}=" for word in fragments - found}
    )


def _class_patterns(vocabulary: Vocabulary) -> Iterator[Pattern]:
    for entry in vocabulary.classes:
        yield from (phrase.pattern for phrase in (*entry.include, *entry.weak))
        yield from (*entry.deny, *entry.mask)


def _language_patterns(language: ReportLanguage) -> Iterator[Pattern]:
    groups: Sequence[Sequence[Pattern]] = (
        *(section.patterns for section in language.sections),
        *(cues.patterns for cues in language.cues),
        language.corrections,
        language.scope_breaks,
        language.breaks_before,
        language.joins.either,
        language.joins.both,
        language.joins.accompanied,
        language.foreign,
        language.places,
    )
    for group in groups:
        yield from group


def _text(pattern: Pattern) -> str:
    return pattern.regex.pattern.removeprefix(r"(?<!\w)").removesuffix(r"(?!\w)")


def _fragments(pattern: Pattern) -> set[str]:
    return {word for word in literal_words(pattern) if len(word) >= _COUNTED}


def _words_of(pattern: str) -> set[str]:
    """The words that a pattern spells out; of those with open letters, beginning, end, and what stands between."""
    texts, _ = _alternatives(pattern, 0)
    found = set()
    for word in map(_plain, texts.words()):
        first, *others = word.split(_ANY)
        found.add(f"{first}{_ANY}" if first and others else first)
        found.update(f"{_ANY}{part}{_ANY}" for part in others[:-1] if len(part) >= _SHORTEST_PART)
        if others and (len(others[-1]) >= _SHORTEST_PART or others[-1] == _ADVERB):
            found.add(f"{_ANY}{others[-1]}")
    return found - {""}


def _alternatives(pattern: str, at: int) -> tuple[_Texts, int]:
    """What stands up to the end of a group (or of the pattern), and where that is."""
    branches, texts = _Texts(), _EMPTY
    while at < len(pattern):
        part = _PART.match(pattern, at)
        assert part is not None  # any character is a part
        at = part.end()
        if part["close"]:
            break
        if part["or"]:
            branches, texts = branches.either(texts), _EMPTY
            continue
        item, at = _alternatives(pattern, at) if part["open"] else (_item(part), at)
        repeat = _REPEAT.match(pattern, at)
        if repeat:
            at = repeat.end()
            item = _repeated(item, repeat)
        texts = texts.then(item)
    return branches.either(texts), at


def _item(part: re.Match[str]) -> _Texts:
    if part["set"]:
        spelled = _RANGE.sub(
            lambda ends: "".join(map(chr, range(ord(ends[1]), ord(ends[2]) + 1))), part["set"]
        )
        if spelled.isdigit():
            return _Texts(whole=frozenset({"0"}))
        if len(spelled) > _SPELLED_OUT:
            return _Texts(whole=frozenset({_ANY}))
        letters = _Texts(whole=frozenset(filter(str.isalnum, spelled)))
        return letters if spelled.isalnum() else letters.either(_GAP)
    return _Texts(whole=frozenset({part["letter"]})) if part["letter"].isalnum() else _GAP


def _repeated(item: _Texts, repeat: re.Match[str]) -> _Texts:
    sign, least, most = repeat[0], repeat["least"], int(repeat["most"] or 1)
    if sign in "*+" or most > _SPELLED_OUT:  # letters without end
        return _Texts(whole=frozenset({_ANY, ""} if sign == "*" or least == "0" else {_ANY}))
    if sign == "?" or least == "0":
        item = replace(item, whole=item.whole | _NOTHING)
    return item if sign == "?" else item.then(replace(item, whole=item.whole | _NOTHING))


def _joined(firsts: frozenset[str], lasts: frozenset[str]) -> frozenset[str]:
    if not firsts or not lasts:
        return frozenset()
    return frozenset(re.sub(r"\*+", _ANY, one + other) for one in firsts for other in lasts)


def _plain(word: str) -> str:
    """A word in plain letters, its open parts where they were."""
    return _ANY.join(map(plain_letters, word.split(_ANY)))
