"""Labels from diagnosis codes: SCP statements, SNOMED CT, ICD-10, AHA/ACC/HRS statements, acronyms of databases.

Codes come as ``system:code`` because the same letters differ between systems: ``scp:AFIB``, ``chapman:AFIB``
and ``cpsc:AF`` are fibrillation, but ``chapman:AF`` is flutter. Only the presence of a code counts, never a
likelihood (PTB-XL writes 0 for an unknown one).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from rarebeat.core.records import INCOMPLETE
from rarebeat.labels.absence import AbsenceRules
from rarebeat.labels.code_lists import known_codes, statement
from rarebeat.labels.ready_made import ReadyMade, is_ready_made
from rarebeat.labels.states import POSITIVE, UNCERTAIN, UNKNOWN, Evidence, Labels, State, stronger
from rarebeat.labels.vocabulary import Absent, Vocabulary

Incomplete = Literal["unknown", "negative"]

_SHARED = "snomed"  # the system that databases use in part, each in its own way


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What one code says of one class."""

    class_id: str
    state: int
    name: str


class CodeLabeller:
    """Reads codes by the code lists of a vocabulary.

    Args:
        vocabulary: the classes with their codes.
        incomplete: what a class is that an incomplete list of codes does not name: "unknown", or "negative" where the
            vocabulary calls it so in a complete one.
    """

    def __init__(self, vocabulary: Vocabulary, incomplete: Incomplete = "unknown") -> None:
        self._heeds_incomplete = incomplete == "unknown"
        self._absence_rules = AbsenceRules(vocabulary)
        self._meanings: dict[str, list[_Meaning]] = {}
        self._absent: dict[str, dict[str, Absent]] = {}
        self._sources = {_plain(source): system for source, system in vocabulary.sources.items()}
        self._unknown: dict[str, State] = dict.fromkeys(vocabulary.class_ids, UNKNOWN)
        for entry in vocabulary.classes:
            usual: Absent = "negative_if_rhythm" if entry.group == "rhythm" else "negative"
            for system, codes in entry.codes.items():
                self._absent.setdefault(system, {})[entry.id] = codes.absent or usual
                for kind, state, listed in (
                    ("positive", POSITIVE, codes.positive),
                    ("weak", UNCERTAIN, codes.weak),
                ):
                    for code in listed:
                        meaning = _Meaning(entry.id, state, f"{entry.id}.{system}.{kind}")
                        self._meanings.setdefault(f"{system}:{code}", []).append(meaning)
        ignored = vocabulary.unlisted_codes == "ignored"
        self._lists = {system: frozenset() if ignored else known_codes(system) for system in self._absent}
        self._ready_made = ReadyMade(vocabulary)

    def knows(self, code: str) -> bool:
        """Whether any class lists the code (given as ``system:code``), or is the class of a ready-made label."""
        return any(part in self._meanings for part in statement(code)[0]) or self._ready_made.knows(code)

    def label(self, codes: Iterable[str], source: str | None = None, in_text: Collection[str] = ()) -> Labels:
        """Labels of one record.

        Without codes every class is unknown. With codes, a class that their system cannot tell stays unknown,
        and what the absence of a code means is decided by the vocabulary, class by class. A code of a system that
        the vocabulary does not know may say any class: beside it, no absence means anything.

        Args:
            codes: the codes of the record, with :data:`rarebeat.core.records.INCOMPLETE` where some may lack: then
                no absence means anything.
            source: the database that the record comes from: some use only a part of SNOMED CT.
            in_text: classes that the record's report says. Where codes are known to be left out
                (``negative_unless_text``), their absence is then not taken for a negative.
        """
        listed = list(codes)
        codes = [code for code in listed if code != INCOMPLETE]
        if not codes:
            return Labels(self._unknown.copy(), (), ())
        if all(map(is_ready_made, codes)):
            return self._ready_made.label(codes, self._absence_rules)
        found: dict[str, int] = {}
        evidence = []
        for code in codes:
            for meaning, state in self._said(code):
                found[meaning.class_id] = stronger(found.get(meaning.class_id), state)
                evidence.append(Evidence(meaning.class_id, state, code, 0, len(code), meaning.name))
        complete = len(codes) == len(listed) or not self._heeds_incomplete
        absent = self._absence(codes, source) if complete else {}
        negative = {name for name, rule in absent.items() if rule == "negative"}
        negative |= {
            name for name, rule in absent.items() if rule == "negative_unless_text" and name not in in_text
        }
        negative_if_rhythm = {name for name, rule in absent.items() if rule == "negative_if_rhythm"}
        states, warnings = self._absence_rules.complete(found, negative, negative_if_rhythm)
        understood = sum(map(self._understands, codes))
        return Labels(states, tuple(evidence), warnings, parts=len(codes), understood=understood)

    def _said(self, code: str) -> Iterator[tuple[_Meaning, int]]:
        """What a statement and its modifiers say; a modifier such as "possible" leaves all of it open."""
        parts, is_open = statement(code)
        for part in parts:
            for meaning in self._meanings.get(part, ()):
                yield meaning, UNCERTAIN if is_open else meaning.state

    def _understands(self, code: str) -> bool:
        """Whether a code is one of its system, and that system is known: what it does not say is then absent."""
        return all(map(self._is_listed, statement(code)[0]))

    def _is_listed(self, code: str) -> bool:
        system, _, name = code.partition(":")
        listed = self._lists.get(system)
        return listed is not None and (not listed or name in listed or code in self._meanings)

    def _absence(self, codes: Iterable[str], source: str | None) -> Mapping[str, Absent]:
        """What the absence of each class's codes means, given the systems that the record is coded in."""
        absence: dict[str, Absent] = {}
        codes = list(codes)
        if not all(map(self._understands, codes)):
            return absence
        systems = dict.fromkeys(code.partition(":")[0] for code in codes)
        for system in systems:
            if system == _SHARED and source is not None:
                system = self._sources.get(_plain(source), system)
            for name, rule in self._absent.get(system, {}).items():
                if absence.get(name, "unknown") == "unknown":
                    absence[name] = rule
        return absence


def _plain(source: str) -> str:
    """A database's name without the hyphens and underscores that differ between releases."""
    return re.sub(r"[^a-z0-9]", "", source.lower())
