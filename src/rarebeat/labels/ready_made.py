"""Ready-made labels: classes that a table of the archive says or denies, which nothing has to match.

Ingest stores them among the codes of a record, as ``label:CLASS=1`` and ``label:CLASS=0`` (``labels_csv`` of a cohort).
"""

from collections.abc import Iterable

from rarebeat.labels.absence import AbsenceRules
from rarebeat.labels.states import Evidence, Labels, stronger
from rarebeat.labels.vocabulary import Vocabulary

SYSTEM = "label"
"""What stands before the colon, in the place of a code system."""


def is_ready_made(code: str) -> bool:
    """Find out whether a code is a ready-made label.

    Args:
        code: as ``system:code``.

    Returns:
        True for one.

    Example:
        >>> is_ready_made("label:AF=1"), is_ready_made("scp:AFIB")
        (True, False)
    """
    return code.startswith(f"{SYSTEM}:")


class ReadyMade:
    """Reads ready-made labels.

    Args:
        vocabulary: its classes are named by id, code or full name, in any case.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._classes = {
            _plain(name): entry.id
            for names in ("name", "code", "id")  # where a name stands for two classes, the id decides
            for entry in vocabulary.classes
            for name in [getattr(entry, names)]
        }

    def knows(self, code: str) -> bool:
        """Whether a code is a ready-made label of a class of the vocabulary (given as ``system:code``)."""
        return is_ready_made(code) and _name_of(code) in self._classes

    def label(self, codes: Iterable[str], rules: AbsenceRules) -> Labels:
        """Labels of one record: what the table says, and unknown where it says nothing.

        Args:
            codes: the ready-made labels of the record.
            rules: warn of what is implausible together.
        """
        codes = list(codes)
        found: dict[str, int] = {}
        evidence = []
        for code in codes:
            if class_id := self._classes.get(_name_of(code)):
                state = int(code.rpartition("=")[2])
                found[class_id] = stronger(found.get(class_id), state)
                evidence.append(Evidence(class_id, state, code, 0, len(code), f"{class_id}.{SYSTEM}"))
        states, warnings = rules.complete(found, (), ())
        return Labels(states, tuple(evidence), warnings, parts=len(codes), understood=len(evidence))


def _name_of(code: str) -> str:
    return _plain(code.partition(":")[2].rpartition("=")[0])


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())
