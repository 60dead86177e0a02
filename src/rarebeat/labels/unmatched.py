"""Statements in which no class was recognised, ranked by how many records have them: what the patterns may miss."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rarebeat.core.files import write_csv

COLUMNS = ("statement", "records", "example")
_KEPT = 10_000
_NUMBER = re.compile(r"\d+")


class UnmatchedStatements:
    """Counts unmatched statements. What differs only in case, blanks or numbers is counted together."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def add(self, record_id: str, statements: Iterable[str]) -> None:
        """Count the unmatched statements of one record, each once."""
        for statement in {one_spelling(statement): None for statement in statements}:
            self._counts[statement] += 1
            self._examples.setdefault(statement, record_id)

    def write(self, path: Path) -> None:
        """Write the most frequent ones (at most 10,000) as CSV: statement, records, and the id of one record."""
        ranked = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        write_csv(path, COLUMNS, [(text, count, self._examples[text]) for text, count in ranked[:_KEPT]])


def one_spelling(statement: str) -> str:
    """A statement without what differs from record to record.

    >>> one_spelling("Vent. rate  72 BPM")
    'vent. rate # bpm'
    """
    return _NUMBER.sub("#", " ".join(statement.lower().split()))
