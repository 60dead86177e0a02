"""Reports and codes of private archives cut to what is recognised.

What may pass stands in ``statement_words.txt``: the words and codes of all vocabularies and languages of the package
(:mod:`rarebeat.labels.statement_words` makes the list), with lead names, and numbers that count, grade or measure.

- A word that is not there becomes ``xxx``, or ``x`` and ``xx`` where it is shorter, with a capital where it had one.
- ``fib*``: a part of a word that patterns may find. An ordinary ending stays, any other becomes ``x``. ``*ly`` and
  ``*blok*`` are the end and the middle of words.
- ``norm~``: known, but found by no pattern. With any but an ordinary ending the word becomes ``text``, and so does
  ``king=``, a fragment of a pattern.
- Digits of other numbers become 0.
- A word in letters that are not Latin becomes ``字``: a report with one is not understood, and is to stay so.

Words stay in their places, for the words between a cue and a finding decide what a statement says, and the share of
strange words decides whether the language was understood: labels come out as from the whole text.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from rarebeat.core.errors import RarebeatError
from rarebeat.core.letters import plain_letters, words_of_other_scripts
from rarebeat.readers.free_text.redaction import ABBREVIATIONS

OTHER = "other"
"""Stands for the codes that are not known."""

_ICD, _SHORTEST_ICD = "icd10", 4
_FILE = Path(__file__).with_name("statement_words.txt")
_COUNTED = 3  # words of fewer letters tell no language
_SHORTEST_STEM = 3
_ENDINGS = frozenset(
    re.findall(
        r"\w+",
        """a able ac ad ade al ally an ance and ande ant ar are at ate ated ating ation ations ativ ative c ch
        e ed eln em en end ende enden ender ence ends ent er ere eren eres ern ers ert erte erten erter
        ertes erung erungen es et ete eten eter etes ets heit ia iac ial ible ic ical ically ics ie ied ien
        ies ig ige igem igen iger iges igt igte igter ika ikel ility ing ings ion ionen ions isch ische
        ischem ischen ischer isches ised ism ist ities ity iv ive ively ized ization keit liche lichen
        licher liches ly lich ment ments n ns ness ning ningar onse ningen nd nde or orisch orische orium ors
        ort ory ous ously r ra re red ret s se sen sion sions st t te ted ten ter tes ting tion tions tisch
        tische tish tive ts tt ual um ung ungen ular ularis ur ure ured ures us y""",
    )
)
"""How a word may go on behind a stem; names seldom do."""

_KNOWN = "text"  # stands for a word that languages know; this one is known to them

_UNIT = (
    r"(?:\s?(?:ms|msec|sec|s|mm|mv|µv|uv|cm|bpm|hz|%|°|/\s?min|beats|degrees|grad|joules?)(?![^\W_])"
    r"|\s?(?:mm|mv)/)"
)
_NUMBER = r"(?<![^\W_])\d+(?:(?:\s?[-./:,]\s?|\s)\d+)*(?![^\W_])"
_PIECE = re.compile(rf"(?P<number>{_NUMBER})(?P<unit>{_UNIT})?|(?P<word>[^\W_]+)", re.IGNORECASE)
_MEASURED = re.compile(r"\d{1,3}(?:\s?[-.,/]\s?\d{1,3})?")
_COUNT = re.compile(r"\d|\d{1,2}:\d|\d(?:[-,]\s?\d){1,2}|\d/\d(?=\s?(?:block|conduction|leitung|ledning))")
_MIXED = re.compile(
    r"v\d[r]?|\d(?:st|nd|rd|th|d|rr)|[1-9]x|x[1-9]|\d{1,3}(?:ms|mm|mv|bpm|hz|s)|s1q3(?:t3)?|y"
)
_ABBREVIATED = re.compile(r"\.\s?(?:(?:[a-z]|[VA])\b|(?i:fib|flut|tach))")  # "Z.n.", "A.V.", "A. fib"
_ABBREVIATION = re.compile(r"\b[AaPpSs]\.\s?$")
_OTHER_SCRIPT = "字"
_REPLACEMENTS = frozenset(form for text in ("x", "xx", "xxx") for form in (text, text.upper(), text.title()))
_PLAIN_NAME = re.compile("[A-Z][a-z]*")
_MARKS_OF_REDACTION = re.compile(r"\[(?:date|name|number)\]")


class RecognisedWords:
    """Cuts reports to the words that are known, and codes to the known ones.

    Args:
        words: as :func:`rarebeat.labels.statement_words.statement_words` lists them.
    """

    def __init__(self, words: Iterable[str]) -> None:
        words = frozenset(words)
        self._whole = words
        self._codes: dict[str, dict[str, str]] = {}
        for word in words:
            system, colon, name = word.partition(":")
            if colon:
                self._codes.setdefault(system, {})[_bare(name)] = word
        parts = sorted((word[1:] for word in words if word.startswith("*")), key=len, reverse=True)
        self._part = re.compile(
            "|".join(part[:-1] if part.endswith("*") else f"{part}$" for part in parts) or "(?!)"
        )
        self._stems = frozenset(word[:-1] for word in words if word.endswith("*") and word[0] != "*")
        self._listed = frozenset(word[:-1] for word in words if word.endswith("~"))
        self._longest = max(map(len, self._stems | self._listed), default=0)
        self._kept = lru_cache(maxsize=1 << 15)(self._look_up)
        self._cut_line = lru_cache(maxsize=1 << 12)(self._line)  # many reports hold the same lines

    def keep(self, text: str) -> str:
        """Cut a report.

        Args:
            text: its lines, redacted (see :func:`rarebeat.readers.free_text.redaction.redact`).

        Returns:
            The lines with every word and number that is not recognised replaced.

        Example:
            >>> words = RecognisedWords(["no", "evidence", "of", "atrial", "flutter", "seen", "by", "rate", "elevat~"])
            >>> words.keep("No evidence of atrial flutter. Seen by Ann Li, rate 72 bpm, bed 4711, ST elevation")
            'No evidence of atrial flutter. Seen by Xxx Xx, rate 72 bpm, xxx 0, ST elevation'
        """
        lines = map(self._cut_line, unicodedata.normalize("NFC", text).splitlines())
        return "\n".join(line for line in lines if line.strip(" .,;:|!?"))

    def codes(self, codes: Iterable[str]) -> tuple[str, ...]:
        """Keep the codes that are known.

        Args:
            codes: as ``system:code``.

        Returns:
            The same, with ``system:other`` in place of the others, each once.

        Example:
            >>> RecognisedWords(["scp:AFIB"]).codes(["scp:AFIB", "scp:Smith", "scp:4711"])
            ('scp:AFIB', 'scp:other')
            >>> RecognisedWords(["icd10:I44.3", "scp:AFIB"]).codes(["icd10:I4430", "scp:afib"])
            ('icd10:I44.3', 'scp:AFIB')
            >>> RecognisedWords(["aha:60", "aha:310"]).codes(["aha:60+310", "aha:60+4711"])
            ('aha:60+310', 'aha:other')
        """
        return tuple(dict.fromkeys(map(self._code, codes)))

    def _code(self, code: str) -> str:
        """A code as it is listed, in any case; of ICD-10, which goes on behind a category, the listed beginning."""
        if code in self._whole:
            return code
        system, _, name = code.partition(":")
        plain = _bare(name)
        listed = self._codes.get(system, {})
        starts = (
            [plain[:end] for end in range(len(plain), _SHORTEST_ICD - 1, -1)] if system == _ICD else [plain]
        )
        if found := next((listed[start] for start in starts if start in listed), None):
            return found
        parts = [listed.get(_bare(part)) for part in name.split("+")]  # a statement with its modifiers
        if None in parts:
            return f"{system}:{OTHER}"
        return f"{system}:" + "+".join(part.partition(":")[2] for part in parts if part)

    def _line(self, line: str) -> str:
        kept, done = [], 0
        for mark in _MARKS_OF_REDACTION.finditer(line):
            kept += [_PIECE.sub(self._piece, line[done : mark.start()]), mark[0]]
            done = mark.end()
        return "".join([*kept, _PIECE.sub(self._piece, line[done:])]).strip()

    def _piece(self, match: re.Match[str]) -> str:
        if word := match["word"]:
            return self._initial(match) if len(word) == 1 else self._kept(word)
        number = match["number"]
        if match["unit"]:
            return match[0] if _MEASURED.fullmatch(number) else re.sub(r"\d+", "0", number) + match["unit"]
        return number if _COUNT.fullmatch(number) else re.sub(r"\d+", "0", number)

    def _initial(self, match: re.Match[str]) -> str:
        """A single letter: a capital one beside a full stop, or before a word that is not known, is an initial."""
        letter = match["word"]
        if not letter.isupper() or letter == "I" or words_of_other_scripts(letter):
            return self._kept(letter)
        text, end = match.string, match.end()
        after = re.match(r"[\s,]*([^\W\d_]+)", text[end:])
        dotted = text[end : end + 1] == "." and not _ABBREVIATED.match(text, end)
        dotted &= not _ABBREVIATION.search(text[: match.start()])
        unknown = after is not None and self._kept(after[1]) in _REPLACEMENTS
        return "X" if dotted or unknown else self._kept(letter)

    def _look_up(self, word: str) -> str:
        """A word as it may stay: whole, cut to a stem, or replaced."""
        if words_of_other_scripts(word):
            return _OTHER_SCRIPT
        plain = plain_letters(word)
        if plain in self._whole or word in ABBREVIATIONS or _MIXED.fullmatch(plain):
            return word
        if f"{plain}=" in self._whole:
            return _cased(_KNOWN, word)
        starts = [plain[:length] for length in range(min(len(plain), self._longest), _SHORTEST_STEM - 1, -1)]
        stems = [start for start in starts if start in self._stems]
        known = stems + [start for start in starts if start in self._listed]
        if any(plain == stem or plain[len(stem) :] in _ENDINGS for stem in known):
            return word
        part = self._part.search(plain)
        if part and known:
            return _beginning(word, known[0]) + part[0]
        if stems:
            return f"{_beginning(word, stems[0])}x"  # the stem alone may be another word
        if known:
            return _cased(_KNOWN, word)
        if part:
            return _cased("xxx", word) + part[0]
        runs = re.findall(rf"[a-z]{{{_COUNTED},}}", plain)
        if not runs:
            return _cased("x" * min(len(word), 2), word)
        return _cased(_KNOWN if all(run in self._whole for run in runs) else "xxx", word)


def _bare(code: str) -> str:
    return code.replace(".", "").strip().upper()


def _beginning(word: str, stem: str) -> str:
    """The characters of a word that make up a stem."""
    return next(word[:end] for end in range(1, len(word) + 1) if len(plain_letters(word[:end])) >= len(stem))


def _cased(replacement: str, word: str) -> str:
    """A replacement with capitals where the word has them: they tell where a sentence begins, and what is a name."""
    if not word[0].isupper():
        return replacement
    return replacement.capitalize() if _PLAIN_NAME.fullmatch(word) else replacement.upper()


@lru_cache(maxsize=8)
def recognised_words(more: str | None = None) -> RecognisedWords:
    """The words of the package, and more.

    Args:
        more: path of a file of further words and codes, as ``rarebeat labels words`` writes it.

    Returns:
        The words; they are read once per process.

    Raises:
        RarebeatError: when ``more`` cannot be read.
    """
    words = _FILE.read_text(encoding="ascii").split("\n")
    if more is not None:
        try:
            words += Path(more).expanduser().read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise RarebeatError(f"cannot read the list of words {more}: {error}") from error
    return RecognisedWords(word.strip() for word in words if word.strip())
