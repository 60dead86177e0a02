"""How reports are written, whatever classes are looked for: spellings, sections and cues, read from YAML.

``languages/reports.yaml`` is the one that all vocabularies of the package share.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic.dataclasses import dataclass

from rarebeat.core.params import STRICT
from rarebeat.labels.definitions import find_definition, parse_definition, read_mapping
from rarebeat.labels.text.patterns import Pattern, compile_pattern, required_words

FOLDER = Path(__file__).parents[1] / "languages"


def _compiled(value: object) -> object:
    return compile_pattern(value) if isinstance(value, str) else value


def _raw(pattern: str) -> str:
    required_words(pattern, raw=True)
    return pattern


Text = Annotated[Pattern, BeforeValidator(_compiled)]
RawText = Annotated[str, AfterValidator(_raw)]
Words = Annotated[str, StringConstraints(pattern=r"^[a-z]{3,}\*?( [a-z]{3,}\*?)*$")]


@dataclass(frozen=True, config=STRICT)
class Section:
    """A part of a report that does not speak of this recording.

    Attributes:
        name: what it is.
        until: where it ends: with the statement, or with the report; a "block" ends with the statement unless that
            ends in a comma or a colon: then what follows belongs to it.
        patterns: how it begins.
        whole: it begins at the start of the statement, wherever the pattern stands in it.
    """

    name: str
    until: Literal["statement", "block", "report"]
    patterns: tuple[Text, ...]
    whole: bool = False


@dataclass(frozen=True, config=STRICT)
class Cues:
    """Words that change what a mention means.

    Attributes:
        kind: "past", "gone" and "negation" make it negative, "hedge" and "alternative" uncertain; "pseudo" does
            nothing, and keeps the cues that it covers from doing anything. What is "gone" is so in this
            recording: that also counts behind a cut.
        side: where the cue stands, seen from the mention; "around" is either.
        window: how many words may stand between cue and mention.
        final: the cue counts at the end of a clause only, where a comma or a scope break follows, or nothing.
        through: it reaches all mentions in its window, across commas and scope breaks.
        whole_list: it holds for every member of a list, whatever joins them: "neither A, B nor C".
        patterns: the cues.
    """

    kind: Literal["pseudo", "gone", "past", "negation", "hedge", "alternative"]
    patterns: tuple[Text, ...]
    side: Literal["before", "after", "around"] = "before"
    window: int = 0
    final: bool = False
    through: bool = False
    whole_list: bool = False


@dataclass(frozen=True, config=STRICT)
class Joins:
    """Words between two mentions that make them a list, or one the companion of the other."""

    either: tuple[Text, ...]
    both: tuple[Text, ...]
    accompanied: tuple[Text, ...] = ()


@dataclass(frozen=True, config=STRICT)
class ReportLanguage:
    """How reports are written.

    Attributes:
        abbreviations: what to write out, as typed.
        spellings: patterns on the raw text, and what they become.
        dotted: abbreviations with a full stop that does not end a statement.
        wrapped: a line that begins with one of these words goes on with the line before.
        sections: parts of a report that are cut.
        corrections: what marks a statement that corrects the ones before it.
        cues: words that change what a mention means; earlier entries win.
        scope_breaks: words that end the reach of a cue.
        breaks_before: words that do so only for a cue that stands before its mention.
        joins: words that join mentions to a list.
        places: where in the leads something is: these words do not count in the window of a cue that is a clause of its
            own, "low voltage, limb leads, borderline".
        words: words of reports beside those of patterns, many in an entry; ``stem*`` has any ending. A report is
            understood by them; without any, every report counts as understood.
        foreign: words of languages that are not read: a report with one of them was not understood.
    """

    abbreviations: Mapping[str, str]
    spellings: Mapping[RawText, str]
    dotted: tuple[str, ...]
    wrapped: tuple[str, ...]
    sections: tuple[Section, ...]
    corrections: tuple[Text, ...]
    cues: tuple[Cues, ...]
    scope_breaks: tuple[Text, ...]
    breaks_before: tuple[Text, ...]
    joins: Joins
    words: tuple[Words, ...] = ()
    foreign: tuple[Text, ...] = ()
    places: tuple[Text, ...] = ()


@lru_cache(maxsize=8)
def load_language(name: str, beside: Path | None = None) -> ReportLanguage:
    """Load a language of the package by its name, or any other by the path of its ``.yaml`` file.

    Args:
        name: name or path.
        beside: folder that a relative path starts from.

    Raises:
        ParamsError: when there is none of that name, or when the file is wrong: file, line and reason.
    """
    path = find_definition(name, FOLDER, "language", beside)
    return parse_definition(ReportLanguage, path, *read_mapping(path))
