"""What a label can be, and what is kept with it."""

from collections.abc import Mapping
from dataclasses import dataclass

POSITIVE = 1
NEGATIVE = 0
UNCERTAIN = -1
UNKNOWN = None

State = int | None
"""1 positive, 0 negative, -1 uncertain (said, but hedged), None unknown (this source cannot tell)."""

STATE_NAMES: Mapping[State, str] = {
    POSITIVE: "positive",
    UNCERTAIN: "uncertain",
    NEGATIVE: "negative",
    UNKNOWN: "unknown",
}

_STRENGTH = {POSITIVE: 2, UNCERTAIN: 1, NEGATIVE: 0}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a class got its state: one mention in a report, or one code.

    Attributes:
        class_id: the class that is decided on.
        state: what this mention says, 1, 0 or -1.
        statement: the statement of the report, or the code as ``system:code``.
        start: first character of the mention in ``statement``.
        end: first character after it.
        pattern: the pattern or code list of the vocabulary that matched: ``atrial_flutter.include.2``.
        cue: the words that changed the meaning ("no evidence of", "possible"), or None.
    """

    class_id: str
    state: int
    statement: str
    start: int
    end: int
    pattern: str
    cue: str | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one record from one origin.

    Attributes:
        states: one state per class id, in the order of the vocabulary.
        evidence: every mention that counted, in the order of the text.
        warnings: combinations that are medically implausible or incomplete, and a report that was not understood;
            nothing is repaired.
        unmatched: the statements that mention no class, as written (of a text).
        parts: how many statements with words a report has, or how many codes a record.
        understood: how many of them are known: statements of known words, or codes of a system that
            the vocabulary reads.
    """

    states: dict[str, State]
    evidence: tuple[Evidence, ...]
    warnings: tuple[str, ...]
    unmatched: tuple[str, ...] = ()
    parts: int = 0
    understood: int = 0


def stronger(one: int | None, other: int) -> int:
    """The state that wins when a class is mentioned twice: positive before uncertain before negative.

    Args:
        one: state so far, or None before the first mention.
        other: state of another mention.

    Example:
        >>> stronger(UNCERTAIN, POSITIVE), stronger(NEGATIVE, UNCERTAIN), stronger(None, NEGATIVE)
        (1, -1, 0)
    """
    return other if one is None or _STRENGTH[other] > _STRENGTH[one] else one
