"""From what was found to a state for every class: what is negative, what stays unknown, and warnings."""

from collections.abc import Collection, Mapping

from rarebeat.labels.states import NEGATIVE, POSITIVE, UNKNOWN, State
from rarebeat.labels.vocabulary import Vocabulary


class Closer:
    """Completes the states of a record.

    Whoever reads an ECG does not list what it does not show: a class that is not mentioned is negative. But:

    - A record that names no rhythm has one all the same. Its rhythm classes stay unknown.
    - On a paced tracing the rest is often not described (analysis programs stop there): it stays unknown.
    - Bigeminy is one of premature beats; where the report does not say which, neither kind is negative.

    Args:
        vocabulary: gives the groups, the implications and the exclusions.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._rhythms = frozenset(entry.id for entry in vocabulary.classes if entry.group == "rhythm")
        self._silencing = frozenset(entry.id for entry in vocabulary.classes if entry.silences)
        self._unknown: dict[str, State] = dict.fromkeys(vocabulary.class_ids, UNKNOWN)

    @property
    def rhythms(self) -> frozenset[str]:
        """The classes of the group "rhythm"."""
        return self._rhythms

    def close(
        self, found: Mapping[str, int], deniable: Collection[str], deniable_with_rhythm: Collection[str]
    ) -> tuple[dict[str, State], tuple[str, ...]]:
        """Give every class a state, and list what is implausible.

        Args:
            found: state of each class that was mentioned.
            deniable: classes that are negative when they are not mentioned.
            deniable_with_rhythm: classes that are so only if some rhythm is positive.
        """
        positive = {name for name, state in found.items() if state == POSITIVE}
        states = self._unknown.copy()
        if positive.isdisjoint(self._silencing):
            states.update(dict.fromkeys(deniable, NEGATIVE))
            if not positive.isdisjoint(self._rhythms):
                states.update(dict.fromkeys(deniable_with_rhythm, NEGATIVE))
        states.update(found)
        warnings = self._open_implied(states, found, positive)
        if len(positive) > 1:
            warnings += [
                f"{one} with {two}"
                for one, two in self._vocabulary.exclusions
                if one in positive and two in positive
            ]
        return states, tuple(warnings)

    def _open_implied(
        self, states: dict[str, State], found: Mapping[str, int], positive: set[str]
    ) -> list[str]:
        """Where a class needs another that is not there, what it needs is not negative but unknown."""
        warnings = []
        for rule in self._vocabulary.implications:
            if rule.having in positive and all(
                found.get(name, NEGATIVE) == NEGATIVE for name in rule.needs_any
            ):
                warnings.append(f"{rule.having} without {' or '.join(rule.needs_any)}")
                states.update((name, UNKNOWN) for name in rule.needs_any if name not in found)
        return warnings
