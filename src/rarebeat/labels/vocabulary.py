"""What a vocabulary is: the classes of a data set and how reports and codes speak of them, read from YAML.

``vocabularies/hughes24.yaml`` explains the format by its comments. Everything is checked when it is loaded.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import ParamsError
from rarebeat.core.params import STRICT
from rarebeat.labels.definitions import Fault, find_definition, parse_definition, read_mapping
from rarebeat.labels.text.language import ReportLanguage, Text, load_language

FOLDER = Path(__file__).parent / "vocabularies"
_CLASS_ID = re.compile(r"[a-z0-9_]+")  # ids become names of columns and of files
_DEEPEST = 4  # how often a class may be like one that is like another

Absent = Literal["negative", "negative_if_rhythm", "negative_unless_text", "unknown"]
"""What it means that a record has none of a class's codes. ``negative_if_rhythm``: negative when another
rhythm is coded, else unknown. ``negative_unless_text``: negative, but unknown when the text has the class."""


def _conditional(value: object) -> object:
    return {"pattern": value} if isinstance(value, str) else value


def _code_list(value: object) -> object:
    return {"positive": value} if isinstance(value, list) else value


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
        id: the name of its column in every table: small letters, digits and underscores.
        code: short name, for figures.
        name: full name.
        group: a complete report names at least one class of the group "rhythm".
        include: patterns that say the class.
        weak: patterns that leave it open.
        deny: patterns that say that it is not there ("normal axis").
        mask: look-alikes; what they cover is not searched.
        codes: coding system to the codes; a system that is not listed cannot tell the class.
        silences: when the class is positive, what is not mentioned is unknown instead of negative.
        restarts: naming it begins a new thought: in "no AF, sinus rhythm" the negation ends at the comma.
    """

    id: str
    code: str
    name: str
    group: Literal["rhythm", "ectopy", "conduction", "device", "morphology"]
    include: tuple[PhraseEntry, ...]
    weak: tuple[PhraseEntry, ...] = ()
    deny: tuple[Text, ...] = ()
    mask: tuple[Text, ...] = ()
    codes: Mapping[str, Annotated[CodeMap, BeforeValidator(_code_list)]] = field(default_factory=dict)
    silences: bool = False
    restarts: bool = False


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
        language: how reports are written.
        classes: the classes, in the order of all tables.
        implications: classes that need another class.
        exclusions: pairs that one recording hardly has together.
        sources: databases that use only a part of SNOMED CT: the system that says what they can tell.
        unlisted_codes: what a code means that its system does not list: "open", it may say any class, so that beside it
            no absence means anything; or "ignored".
    """

    name: str
    about: str
    language: ReportLanguage
    classes: tuple[LabelClass, ...]
    implications: tuple[Implication, ...] = ()
    exclusions: tuple[tuple[str, str], ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    unlisted_codes: Literal["open", "ignored"] = "open"

    @property
    def class_ids(self) -> tuple[str, ...]:
        """Ids of the classes, in the order of all tables."""
        return tuple(entry.id for entry in self.classes)


@lru_cache(maxsize=8)
def load_vocabulary(name: str) -> Vocabulary:
    """Load a vocabulary.

    Args:
        name: of one of the package, or the path of a ``.yaml`` file.

    Raises:
        ParamsError: when there is none of that name, or when the file is wrong: file, line, class and reason.
    """
    path = find_definition(name, FOLDER, "vocabulary")
    content, tree = read_mapping(path)
    language = content.get("language")
    if not isinstance(language, str):
        raise ParamsError(f"{path}: `language` must be the name or the .yaml file of one, found {language!r}")
    content = {
        "name": path.stem,
        **content,
        "language": load_language(language, path.parent),
        "classes": _resolved(content.get("classes"), path),
    }
    return parse_definition(Vocabulary, path, content, tree, _contradictions)


def _resolved(classes: object, path: Path) -> object:
    """Classes with what they take over: ``like: hughes24.atrial_flutter`` gives all that is not said anew."""
    if not isinstance(classes, list):
        return classes
    files: dict[Path, list[object]] = {}
    ids = set(map(_id_of, classes))
    return [_without_strangers(_taken_over(entry, path, files, 0), entry, ids) for entry in classes]


def _without_strangers(entry: object, written: object, ids: set[object]) -> object:
    """A class that was taken over, without conditions on classes that this vocabulary does not have."""
    if entry is written or not isinstance(entry, dict):
        return entry
    changed = dict(entry)
    for role in ("include", "weak"):
        if role in entry:
            changed[role] = [_met(phrase, ids) for phrase in entry[role]]
    return changed


def _met(phrase: object, ids: set[object]) -> object:
    if isinstance(phrase, dict) and isinstance(phrase.get("unless"), list):
        return {**phrase, "unless": [name for name in phrase["unless"] if name in ids]}
    return phrase


def _taken_over(entry: object, path: Path, files: dict[Path, list[object]], depth: int) -> object:
    """One class; ``files`` keeps the classes of the other vocabularies that were read."""
    if not isinstance(entry, dict) or "like" not in entry:
        return entry
    like, own = entry["like"], {key: value for key, value in entry.items() if key != "like"}
    vocabulary, dot, class_id = str(like).rpartition(".")
    if not dot or depth >= _DEEPEST:
        raise ParamsError(f"{path}: like: {like!r} must be <vocabulary>.<class>, at most {_DEEPEST} deep")
    other = find_definition(vocabulary, FOLDER, "vocabulary", path.parent)
    if other not in files:
        files[other] = read_mapping(other)[0].get("classes") or []
    for candidate in files[other]:
        if _id_of(candidate) == class_id:
            found = _taken_over(candidate, other, files, depth + 1)
            return {**found, **own} if isinstance(found, dict) else found
    raise ParamsError(f"{path}: like: {like!r}: {other.name} has no class {class_id!r}")


def _id_of(entry: object) -> object:
    """The id of a class as it stands in a file: its own, or that of the class it is like."""
    if not isinstance(entry, dict):
        return None
    return entry.get("id") or str(entry.get("like")).rpartition(".")[2]


def _contradictions(vocabulary: Vocabulary) -> Iterator[Fault]:
    """What the types cannot check: ids are unique, and every class that is named exists."""
    ids = vocabulary.class_ids
    if not ids:
        yield ("classes",), "there is no class"
    for number, entry in enumerate(vocabulary.classes):
        if not _CLASS_ID.fullmatch(entry.id):
            reason = f"a class id holds only small letters (a-z), digits and underscores, found {entry.id!r}"
            yield ("classes", number, "id"), reason
        if entry.id == "record_id":
            yield ("classes", number, "id"), "this is the name of another column of every table"
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
