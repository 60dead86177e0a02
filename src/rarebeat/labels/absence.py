"""What it means that a class is not mentioned: negative, or unknown. And what is implausible together."""

from collections.abc import Collection, Mapping

from rarebeat.labels.states import NEGATIVE, POSITIVE, UNKNOWN, State
from rarebeat.labels.vocabulary import Vocabulary


class AbsenceRules:
    """Completes the states of a record.

    Whoever reads an ECG does not list what it does not show: a class that is not mentioned is negative. But:

    - A record that names no rhythm has one all the same. Its rhythm classes stay unknown.
    - On a paced tracing the rest is often not described (analysis programs stop there): it stays unknown.
    - Bigeminy is one of premature beats; where the report does not say which, neither kind is negative.

    Args:
        vocabulary: gives the groups, the implications and the exclusions.

    Attributes:
        rhythms: the classes of the group "rhythm".
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.rhythms = frozenset(entry.id for entry in vocabulary.classes if entry.group == "rhythm")
        self._vocabulary = vocabulary
        self._silencing = frozenset(entry.id for entry in vocabulary.classes if entry.silences)
        self._unknown: dict[str, State] = dict.fromkeys(vocabulary.class_ids, UNKNOWN)

    def complete(
        self, found: Mapping[str, int], negative: Collection[str], negative_if_rhythm: Collection[str]
    ) -> tuple[dict[str, State], tuple[str, ...]]:
        """Give every class a state, and list what is implausible.

        Args:
            found: state of each class that was mentioned.
            negative: classes that are negative when they are not mentioned.
            negative_if_rhythm: classes that are so only if some rhythm is positive.

        Returns:
            A state per class, in the order of the vocabulary; and warnings.
        """
        positive = {name for name, state in found.items() if state == POSITIVE}
        states = self._unknown.copy()
        if positive.isdisjoint(self._silencing):
            states.update(dict.fromkeys(negative, NEGATIVE))
            if not positive.isdisjoint(self.rhythms):
                states.update(dict.fromkeys(negative_if_rhythm, NEGATIVE))
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
