"""Reading one statement: which classes it mentions, and what its cues make of them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rarebeat.core.letters import words_of_other_scripts
from rarebeat.labels.states import NEGATIVE, POSITIVE, UNCERTAIN, Evidence
from rarebeat.labels.text.language import Cues
from rarebeat.labels.text.normalise import Normalised, Normaliser, Templates
from rarebeat.labels.text.patterns import Pattern, WordIndex, literal_words, most_specific
from rarebeat.labels.text.scope import Cue, Language, Span, decide
from rarebeat.labels.text.words import KnownWords
from rarebeat.labels.vocabulary import Phrase, Vocabulary

_REMEMBERED_STATEMENTS = 1 << 14
_STATES = {"weak": UNCERTAIN, "include": POSITIVE}
_LONGEST_REMEMBERED = 1000  # characters
_DIGIT = re.compile(r"\d")
_NAME = re.compile(r"(?:[A-Z][a-z]+[ ,.]+)+[A-Z][a-z]+(?:, \d+ ?y\.?)?")  # "John Harris Jr, 44 y"
_NEVER = "(?!)"
_MASKED = "\n"  # not in normalised text, so that no pattern matches it


Role = Literal["mask", "deny", "weak", "include"]


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention of a class.

    Attributes:
        evidence: the class, the state, and where it stands.
        weak: whether a weak pattern matched.
        gone: said to be no longer there, which counts in a comparison too.
        unless: the mention does not count when the report has one of these classes.
    """

    evidence: Evidence
    weak: bool
    gone: bool
    unless: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one statement says.

    Attributes:
        mentions: the classes that it mentions.
        ends_report: everything behind it is to be cut.
        unmatched: it has something to say, but mentions no class.
        corrects: what it denies is denied for the statements before it, too.
        words: how many words it has, as far as it counts.
        strange: how many of them are known to no pattern and to no word list.
        foreign: one of them belongs to a language that is not read.
        cut: a section begins in it.
    """

    mentions: tuple[Mention, ...]
    ends_report: bool
    unmatched: bool
    corrects: bool = False
    words: int = 0
    strange: int = 0
    foreign: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern of a class with its place in the vocabulary."""

    class_id: str
    role: Role
    name: str
    pattern: Pattern
    unless: frozenset[str] = frozenset()
    restarts: bool = False


@dataclass(frozen=True, slots=True)
class _Hit:
    """Where a rule matches normalised text."""

    start: int
    end: int
    rule: _Rule


class StatementReader:
    """Reads statements by the patterns and cues of a vocabulary.

    Statements repeat from report to report: readings are remembered.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        language = vocabulary.language
        self._normalise = Normaliser(language.abbreviations, language.spellings)
        self._sections = [(pattern, section) for section in language.sections for pattern in section.patterns]
        self._cues = [(pattern, cues) for cues in language.cues for pattern in cues.patterns]
        self._rules = list(_rules(vocabulary))
        self._first_rule = len(self._sections) + len(self._cues)
        patterns = [pattern for pattern, _ in self._sections] + [pattern for pattern, _ in self._cues]
        self._index = WordIndex(
            [pattern.needs for pattern in [*patterns, *(rule.pattern for rule in self._rules)]]
        )
        self._language = Language(
            breaks=re.compile(f",|: |{_any_of(language.scope_breaks)}"),
            breaks_before=re.compile(f",|: |{_any_of((*language.scope_breaks, *language.breaks_before))}"),
            either=re.compile(_any_of(language.joins.either)),
            both=re.compile(_any_of(language.joins.both)),
            accompanied=re.compile(_any_of(language.joins.accompanied) or _NEVER),
            places=re.compile(_any_of(language.places) or _NEVER),
        )
        self._clause_end = re.compile(rf" *(?:[./]?\Z|,|{self._language.both.pattern})")
        self._corrections = re.compile(_any_of(language.corrections) or _NEVER)
        self._templates = Templates(
            required={word for rule in self._rules for word in most_specific(rule.pattern.needs)}
            | set(self._normalise.words),
            abbreviations=language.abbreviations,
            kept={word for pattern, _ in self._sections for word in literal_words(pattern)},
        )
        self._known = KnownWords(
            language.words,
            [pattern for pattern, _ in [*self._sections, *self._cues]]
            + [rule.pattern for rule in self._rules],
            language.foreign,
        )
        self._readings: dict[str, Reading] = {}
        self.look_alikes = lru_cache(maxsize=_REMEMBERED_STATEMENTS)(self._look_alikes)
        self._read_template = lru_cache(maxsize=_REMEMBERED_STATEMENTS)(self._read)

    def read(self, statement: str) -> Reading:
        """What one statement says."""
        if reading := self._readings.get(statement):
            return reading
        template = self._templates.of(statement)
        if template is not None:
            reading = self._read_template(template)  # without a mention, nothing points into the statement
            if reading.unmatched:  # a template does not keep the words, and they are counted
                reading = self._read(statement) if reading.cut else self._without_mention(statement)
        else:
            reading = self._read(statement)
        if len(statement) <= _LONGEST_REMEMBERED and (template is None or not _DIGIT.search(statement)):
            # Dates and numbers of templates hardly come again.
            if len(self._readings) >= _REMEMBERED_STATEMENTS:
                self._readings.clear()
            self._readings[statement] = reading
        return reading

    def _read(self, statement: str) -> Reading:
        normalised = self._normalise(statement)
        candidates = self._index.candidates(normalised.text)
        text = normalised.text
        cut, ends_report = self._cut(text, candidates)
        unread = 0 if statement.isascii() else _of_other_scripts(statement, normalised, cut)
        hits = self._find_hits(text, candidates)
        if not hits:
            only_names = _NAME.fullmatch(statement) is not None  # they tell no language
            counts = (0, 0, False) if only_names else self._known.count(text[:cut], text[:cut], unread)
            unmatched = text[:cut].strip() != ""
            return Reading((), ends_report, unmatched, False, *counts, cut=cut < len(text))
        groups = _overlapping(hits)
        spans = [(group[0].start, max(hit.end for hit in group)) for group in groups]
        restarting = {n for n, group in enumerate(groups) if any(hit.rule.restarts for hit in group)}
        cues = self._find_cues(text, candidates)
        decided = decide(text, spans, cues, self._language, restarting)
        mentions = []
        for group, cue in zip(groups, decided, strict=True):
            gone = cue is not None and cue.kind == "gone"
            if group[0].start >= cut and not gone:
                continue
            cue_words = statement[slice(*normalised.span(cue.start, cue.end))].strip() if cue else None
            for hit in group:
                start, end = normalised.span(hit.start, hit.end)
                weak = hit.rule.role == "weak"
                state = NEGATIVE if hit.rule.role == "deny" else cue.state if cue else _STATES[hit.rule.role]
                evidence = Evidence(hit.rule.class_id, state, statement, start, end, hit.rule.name, cue_words)
                mentions.append(Mention(evidence, weak, gone, hit.rule.unless))
        corrects = self._corrections.search(text) is not None
        counts = self._known.count(text[:cut], _blank(text, spans)[:cut], unread)
        return Reading(tuple(mentions), ends_report, False, corrects, *counts)

    def _without_mention(self, statement: str) -> Reading:
        """A statement in which no class is mentioned and no section begins: only its words are counted."""
        text = self._normalise(statement).text
        counts = (0, 0, False) if _NAME.fullmatch(statement) else self._known.count(text, text)
        return Reading((), False, text.strip() != "", False, *counts)

    def _look_alikes(self, statement: str) -> tuple[Evidence, ...]:
        """What the masks of each class cover in a statement: it reads like the class, and never counts for it."""
        normalised = self._normalise(statement)
        candidates = self._index.candidates(normalised.text)
        text = normalised.text[: self._cut(normalised.text, candidates)[0]]
        rules = [
            self._rules[number - self._first_rule] for number in candidates if number >= self._first_rule
        ]
        return tuple(
            Evidence(rule.class_id, NEGATIVE, statement, *normalised.span(*match.span()), rule.name)
            for rule in rules
            if rule.role == "mask"
            for match in rule.pattern.regex.finditer(text)
        )

    def _cut(self, text: str, candidates: Sequence[int]) -> tuple[int, bool]:
        """Where the first section begins that is cut, and whether the whole report ends there."""
        cut, ends_report = len(text), False
        for number in candidates:
            if number >= len(self._sections):
                break
            pattern, section = self._sections[number]
            if match := pattern.regex.search(text):
                cut = 0 if section.whole else min(cut, match.start())
                heads_block = section.until == "block" and text.rstrip()[-1] in ",:"
                ends_report |= section.until == "report" or heads_block
        return cut, ends_report

    def _find_hits(self, text: str, candidates: Sequence[int]) -> list[_Hit]:
        """All mentions, in ascending order; of those of one class that overlap, the longest."""
        by_class: dict[str, list[_Rule]] = {}
        for number in candidates:
            if number >= self._first_rule:
                rule = self._rules[number - self._first_rule]
                by_class.setdefault(rule.class_id, []).append(rule)
        hits: list[_Hit] = []
        for rules in by_class.values():
            if rules[-1].role != "mask":  # masks come first
                hits += _hits_of_class(text, rules)
        return sorted(hits, key=lambda hit: (hit.start, hit.end)) if len(hits) > 1 else hits

    def _find_cues(self, text: str, candidates: Sequence[int]) -> list[Cue]:
        """All cues, in ascending order; what one has matched is not searched for the later ones."""
        found = []
        for number in candidates:
            if len(self._sections) <= number < self._first_rule:
                pattern, cues = self._cues[number - len(self._sections)]
                spans = [match.span() for match in pattern.regex.finditer(text)]
                if cues.final:
                    spans = [span for span in spans if self._ends_clause(text, span[1])]
                found += [cue for span in spans if (cue := _cue(text, span, cues))]
                text = _blank(text, spans)
        return sorted(found, key=lambda cue: cue.start)

    def _ends_clause(self, text: str, end: int) -> bool:
        return self._clause_end.match(text, end) is not None


def _rules(vocabulary: Vocabulary) -> Iterator[_Rule]:
    for entry in vocabulary.classes:
        for number, pattern in enumerate(entry.mask, start=1):
            yield _Rule(entry.id, "mask", f"{entry.id}.mask.{number}", pattern)
        roles: tuple[tuple[Role, tuple[Phrase, ...]], ...] = (
            ("deny", tuple(map(Phrase, entry.deny))),
            ("weak", entry.weak),
            ("include", entry.include),
        )
        for role, phrases in roles:
            for number, phrase in enumerate(phrases, start=1):
                name = f"{entry.id}.{role}.{number}"
                yield _Rule(entry.id, role, name, phrase.pattern, frozenset(phrase.unless), entry.restarts)


def _cue(text: str, span: Span, cues: Cues) -> Cue | None:
    """A cue in a text.

    A word of doubt that is a clause of its own belongs to what stands before it, at the end of a statement ("AF,
    probable"), and otherwise to what follows ("probable, AF").
    """
    if cues.kind == "pseudo":
        return None
    side, window, through = cues.side, cues.window, cues.through
    if cues.kind == "hedge" and side == "after" and _begins_clause(text, span[0]):
        if text[span[1] :].strip(" .") == "":
            window, through = 0, True
        else:
            side, window = "before", max(window, 1)
    return Cue(*span, cues.kind, side, window, cues.whole_list, through)


def _begins_clause(text: str, start: int) -> bool:
    while start and text[start - 1] == " ":
        start -= 1
    return start == 0 or text[start - 1] == ","


def _of_other_scripts(statement: str, normalised: Normalised, cut: int) -> int:
    """Words before a cut in normalised text whose letters are not Latin: normalising leaves nothing of them."""
    return words_of_other_scripts(statement[: normalised.span(cut - 1, cut)[1]]) if cut else 0


def _any_of(patterns: Iterable[Pattern]) -> str:
    return "|".join(pattern.regex.pattern for pattern in patterns)


def _hits_of_class(text: str, rules: Sequence[_Rule]) -> list[_Hit]:
    """The hits of one class outside its masks, which come first among its rules; of hits that overlap, the best."""
    if rules[0].role == "mask":
        masks = [rule.pattern.regex for rule in rules if rule.role == "mask"]
        text = _blank(text, [match.span() for regex in masks for match in regex.finditer(text)])
    hits = [
        _Hit(*match.span(), rule)
        for rule in rules
        if rule.role != "mask"
        for match in rule.pattern.regex.finditer(text)
    ]
    return hits if len(hits) < 2 else _best_of_overlapping(hits)


def _best_of_overlapping(hits: list[_Hit]) -> list[_Hit]:
    """Of hits that overlap the longest, of equals the weak one."""
    hits.sort(key=lambda hit: (hit.start, -hit.end, hit.rule.role == "include"))
    best = hits[:1]
    for hit in hits[1:]:
        if hit.start >= best[-1].end:
            best.append(hit)
        elif hit.end - hit.start > best[-1].end - best[-1].start:
            best[-1] = hit
    return best


def _overlapping(hits: Sequence[_Hit]) -> list[list[_Hit]]:
    """Hits grouped where they overlap: "ventricular bigeminy" is one mention of two classes."""
    groups: list[list[_Hit]] = []
    end = -1
    for hit in hits:
        if hit.start < end:
            groups[-1].append(hit)
        else:
            groups.append([hit])
        end = max(end, hit.end)
    return groups


def _blank(text: str, spans: Sequence[Span]) -> str:
    """The text with spans made unmatchable; all other characters stay where they are."""
    if not spans:
        return text
    parts = []
    done = 0
    for start, end in sorted(spans):
        parts += [text[done:start], _MASKED * (end - max(start, done))]
        done = max(done, end)
    return "".join([*parts, text[done:]])
