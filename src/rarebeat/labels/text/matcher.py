"""Labels from the text of a report."""

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress

from rarebeat.labels.absence import AbsenceRules
from rarebeat.labels.states import NEGATIVE, UNKNOWN, Evidence, Labels, State, stronger
from rarebeat.labels.text.reading import Mention, StatementReader
from rarebeat.labels.text.statements import statement_splitter
from rarebeat.labels.text.words import says_something_strange, understood
from rarebeat.labels.vocabulary import Vocabulary

_REMEMBERED = 4096  # combinations of classes
_NOT_UNDERSTOOD = "report not understood"


@dataclass(slots=True)
class _Report:
    """What was read so far: mentions, statements without one, words, and whether a statement may say anything."""

    mentions: list[Mention] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    words: int = 0
    strange: int = 0
    doubtful: bool = False
    statements: int = 0
    understood: int = 0


class Matcher:
    """Reads reports by the patterns and cues of a vocabulary.

    Args:
        vocabulary: the classes and the language of reports.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._split = statement_splitter(vocabulary.language.dotted, vocabulary.language.wrapped)
        self._reader = StatementReader(vocabulary)
        self._absence_rules = AbsenceRules(vocabulary)
        self._others = frozenset(vocabulary.class_ids) - self._absence_rules.rhythms
        self._unknown: dict[str, State] = dict.fromkeys(vocabulary.class_ids, UNKNOWN)
        self._complete = lru_cache(maxsize=_REMEMBERED)(self._complete_anew)

    def label(self, text: str | None) -> Labels:
        """Labels of one report.

        A report that mentions no class at all (empty, "trace only requested", a language that the vocabulary
        does not know) says nothing: every class stays unknown. So does what is not mentioned where more than a
        third of the words are strange, or more than half of a statement of three or more that mentions no class, or
        where one word belongs to a language that is not read: other languages share a word or two with those that
        are. Otherwise a class that is not mentioned is negative, with the exceptions that
        :class:`rarebeat.labels.absence.AbsenceRules` lists.

        Args:
            text: the report, or None.
        """
        report = self._read(text or "")
        mentions = _settle(report.mentions)
        unmatched = tuple(report.unmatched)
        is_understood = understood(report.words, report.strange) and not report.doubtful
        if not mentions:
            unread = () if is_understood else (_NOT_UNDERSTOOD,)
            return Labels(self._unknown.copy(), (), unread, unmatched, report.statements, report.understood)
        found: dict[str, int] = {}
        for mention in mentions:
            evidence = mention.evidence
            found[evidence.class_id] = stronger(found.get(evidence.class_id), evidence.state)
        states, warnings = self._complete(tuple(found.items()), is_understood)
        mentioned = tuple([mention.evidence for mention in mentions])
        return Labels(states.copy(), mentioned, warnings, unmatched, report.statements, report.understood)

    def look_alikes(self, text: str) -> list[Evidence]:
        """What masks cover in a report, up to the section that ends it: what reads like a class and is none."""
        found: list[Evidence] = []
        for statement in self._split(text):
            found += self._reader.look_alikes(statement)
            if self._reader.read(statement).ends_report:
                break
        return found

    def _complete_anew(
        self, found: tuple[tuple[str, int], ...], understood: bool
    ) -> tuple[dict[str, State], tuple[str, ...]]:
        if understood:
            return self._absence_rules.complete(dict(found), self._others, self._absence_rules.rhythms)
        states, warnings = self._absence_rules.complete(dict(found), (), ())
        return states, (*warnings, _NOT_UNDERSTOOD)

    def _read(self, text: str) -> _Report:
        """The mentions of a report, the statements that mention nothing, and how many were understood.

        Behind the section that ends it (a comparison), only corrections count, and what is gone.
        """
        report = _Report()
        ended = False
        for statement in self._split(text):
            reading = self._reader.read(statement)
            if ended and not reading.corrects:
                report.mentions += [mention for mention in reading.mentions if mention.gone]
                continue
            if reading.corrects:
                report.mentions = _taken_back(report.mentions, reading.mentions)
            report.mentions += reading.mentions
            if reading.unmatched:
                report.unmatched.append(statement)
            if reading.words:
                report.words += reading.words
                report.strange += reading.strange
                report.doubtful |= reading.foreign or (
                    reading.unmatched and says_something_strange(reading.words, reading.strange)
                )
                report.statements += 1
                report.understood += understood(reading.words, reading.strange) and not reading.foreign
            ended = ended or reading.ends_report
        return report


def _taken_back(mentions: list[Mention], correction: tuple[Mention, ...]) -> list[Mention]:
    """The mentions without those of classes that a correction denies: "Correction: sinus rhythm, not AF"."""
    denied = {entry.evidence.class_id for entry in correction if entry.evidence.state == NEGATIVE}
    return [mention for mention in mentions if mention.evidence.class_id not in denied]


def _settle(mentions: list[Mention]) -> list[Mention]:
    """Drop the mentions that another class cancels: "2:1 conduction" in atrial flutter is not a Mobitz block.

    Mentions without a condition are settled first, then conditional ones, the weak among them last: "2nd
    degree AV block" leaves both types open only where neither is stated.
    """
    settled = [not mention.unless for mention in mentions]
    if all(settled):
        return mentions
    for weak in (False, True):
        present = {
            mention.evidence.class_id
            for mention, counts in zip(mentions, settled, strict=True)
            if counts and mention.evidence.state != NEGATIVE
        }
        for number, mention in enumerate(mentions):
            if mention.unless and mention.weak == weak:
                settled[number] = present.isdisjoint(mention.unless)
    return list(compress(mentions, settled))
