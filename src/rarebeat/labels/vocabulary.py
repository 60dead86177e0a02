"""What a vocabulary is: the classes of a data set and how reports and codes speak of them, read from YAML.

``vocabularies/hughes24.yaml`` explains the format by its comments. Everything is checked when it is loaded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BeforeValidator, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from rarebeat.errors import ParamsError
from rarebeat.labels.patterns import Pattern, compile_pattern, required_words
from rarebeat.labels.yaml_lines import Location, line_of, read_tree, repeated_keys
from rarebeat.params import STRICT

FOLDER = Path(__file__).parent / "vocabularies"

Absent = Literal["negative", "negative_if_rhythm", "negative_unless_text", "unknown"]
"""What it means that a record has none of a class's codes. ``negative_if_rhythm``: negative when another
rhythm is coded, else unknown. ``negative_unless_text``: negative, but unknown when the text has the class."""


def _compiled(value: object) -> object:
    return compile_pattern(value) if isinstance(value, str) else value


def _raw(pattern: str) -> str:
    required_words(pattern, raw=True)
    return pattern


def _conditional(value: object) -> object:
    return {"pattern": value} if isinstance(value, str) else value


def _code_list(value: object) -> object:
    return {"positive": value} if isinstance(value, list) else value


Text = Annotated[Pattern, BeforeValidator(_compiled)]
RawText = Annotated[str, AfterValidator(_raw)]


@dataclass(frozen=True, config=STRICT)
class Phrase:
    """A pattern of a class, and the classes that cancel it when the report has them.

    Attributes:
        pattern: the pattern.
        unless: class ids; the pattern counts only when none of them is positive or uncertain.
    """

    pattern: Text
    unless: tuple[str, ...] = ()


PhraseEntry = Annotated[Phrase, BeforeValidator(_conditional)]


@dataclass(frozen=True, config=STRICT)
class CodeMap:
    """How one coding system speaks of a class.

    Attributes:
        positive: codes that say the class.
        weak: codes that leave it open: the label becomes uncertain.
        absent: what it means that none of them is there; by default the usual reading of the class's group.
    """

    positive: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    absent: Absent | None = None


@dataclass(frozen=True, config=STRICT)
class LabelClass:
    """One class.

    Attributes:
        id: the name of its column in every table.
        code: short name, for figures.
        name: full name.
        group: a complete report names at least one class of the group "rhythm".
        include: patterns that say the class.
        weak: patterns that leave it open.
        mask: look-alikes; what they cover is not searched.
        codes: coding system to the codes; a system that is not listed cannot tell the class.
        silences: when the class is positive, what is not mentioned is unknown instead of negative.
    """

    id: str
    code: str
    name: str
    group: Literal["rhythm", "ectopy", "conduction", "device"]
    include: tuple[PhraseEntry, ...]
    weak: tuple[PhraseEntry, ...] = ()
    mask: tuple[Text, ...] = ()
    codes: Mapping[str, Annotated[CodeMap, BeforeValidator(_code_list)]] = field(default_factory=dict)
    silences: bool = False


@dataclass(frozen=True, config=STRICT)
class Section:
    """A part of a report that does not speak of this recording.

    Attributes:
        name: what it is.
        until: where it ends.
        patterns: how it begins.
    """

    name: str
    until: Literal["statement", "report"]
    patterns: tuple[Text, ...]


@dataclass(frozen=True, config=STRICT)
class Cues:
    """Words that change what a mention means.

    Attributes:
        kind: "past" and "negation" make it negative, "hedge" and "alternative" uncertain; "pseudo" does
            nothing, and keeps the cues that it covers from doing anything.
        side: where the cue stands, seen from the mention; "around" is either.
        window: how many words may stand between cue and mention.
        patterns: the cues.
    """

    kind: Literal["pseudo", "past", "negation", "hedge", "alternative"]
    patterns: tuple[Text, ...]
    side: Literal["before", "after", "around"] = "before"
    window: int = 0


@dataclass(frozen=True, config=STRICT)
class Joins:
    """Words between two mentions that make them a list."""

    either: tuple[Text, ...]
    both: tuple[Text, ...]


@dataclass(frozen=True, config=STRICT)
class Implication:
    """A class that cannot stand alone: with ``having``, one of ``needs_any`` is there as well."""

    having: str
    needs_any: tuple[str, ...]


@dataclass(frozen=True, config=STRICT)
class Vocabulary:
    """The classes of a data set, and how reports and codes speak of them.

    Attributes:
        name: name of the file.
        about: what it is for.
        abbreviations: what to write out, as typed.
        spellings: patterns on the raw text, and what they become.
        dotted: abbreviations with a full stop that does not end a statement.
        sections: parts of a report that are cut.
        cues: words that change what a mention means; earlier entries win.
        scope_breaks: words that end the reach of a cue.
        joins: words that join mentions to a list.
        classes: the classes, in the order of all tables.
        implications: classes that need another class.
        exclusions: pairs that one recording hardly has together.
        sources: databases that use only a part of SNOMED CT: the system that says what they can tell.
    """

    name: str
    about: str
    abbreviations: Mapping[str, str]
    spellings: Mapping[RawText, str]
    dotted: tuple[str, ...]
    sections: tuple[Section, ...]
    cues: tuple[Cues, ...]
    scope_breaks: tuple[Text, ...]
    joins: Joins
    classes: tuple[LabelClass, ...]
    implications: tuple[Implication, ...] = ()
    exclusions: tuple[tuple[str, str], ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def class_ids(self) -> tuple[str, ...]:
        """Ids of the classes, in the order of all tables."""
        return tuple(entry.id for entry in self.classes)


@lru_cache(maxsize=8)
def load_vocabulary(name: str) -> Vocabulary:
    """Load a vocabulary of the package by its name, or any other by the path of its ``.yaml`` file.

    Raises:
        ParamsError: when there is none of that name, or when the file is wrong: file, line, class and reason.
    """
    path = Path(name) if name.endswith(".yaml") else FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
        raise ParamsError(f"no vocabulary {name!r}: there are {known}; or give the path of a .yaml file")
    text = path.read_text(encoding="utf-8")
    try:
        tree, content = read_tree(text), yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ParamsError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path} must be a mapping, found {type(content).__name__}")
    vocabulary, faults = _validate({"name": path.stem} | content)
    faults += repeated_keys(tree)
    if faults or vocabulary is None:
        places = (
            f"{path}, line {line_of(tree, location)}: {_place(content, location)}" for location, _ in faults
        )
        raise ParamsError(
            "\n".join(f"{place}: {reason}" for place, (_, reason) in zip(places, faults, strict=True))
        )
    return vocabulary


def _validate(content: Mapping[str, object]) -> tuple[Vocabulary | None, list[tuple[Location, str]]]:
    try:
        vocabulary = TypeAdapter(Vocabulary).validate_python(content)
    except ValidationError as error:
        return None, [
            (entry["loc"], f"{entry['msg']} (found {entry['input']!r})") for entry in error.errors()
        ]
    return vocabulary, list(_contradictions(vocabulary))


def _place(content: Mapping[str, Any], location: Location) -> str:
    """The way to a value for a person: a class goes by its id."""
    names = list(map(str, location))
    if len(names) > 1 and names[0] == "classes":
        entry = content["classes"][location[1]]
        names = [str(entry.get("id", names[1])) if isinstance(entry, dict) else names[1], *names[2:]]
    return ".".join(names)


def _contradictions(vocabulary: Vocabulary) -> Iterator[tuple[Location, str]]:
    """What the types cannot check: ids are unique, and every class that is named exists."""
    ids = vocabulary.class_ids
    for number, entry in enumerate(vocabulary.classes):
        if entry.id in ids[:number]:
            yield ("classes", number, "id"), f"a second class {entry.id!r}"
        for role, phrases in (("include", entry.include), ("weak", entry.weak)):
            for place, phrase in enumerate(phrases):
                for name in set(phrase.unless) - set(ids):
                    yield ("classes", number, role, place), f"unless: no class {name!r}"
    for number, implication in enumerate(vocabulary.implications):
        for name in {implication.having, *implication.needs_any} - set(ids):
            yield ("implications", number), f"no class {name!r}"
    for number, pair in enumerate(vocabulary.exclusions):
        for name in set(pair) - set(ids):
            yield ("exclusions", number), f"no class {name!r}"
    systems = {system for entry in vocabulary.classes for system in entry.codes} | {"nothing"}
    for source, system in vocabulary.sources.items():
        if system not in systems:
            yield ("sources", source), f"no class has codes of {system!r}"
