"""Which cue reaches which mention: negation, past, hedges, alternatives and lists inside one statement.

A mention is a stretch of normalised text in which one or more classes were recognised. A cue reaches a
mention when they are at most ``window`` words apart and no scope break (``with``, ``but``, a comma ...)
stands between them. Hedges reach the nearest mention only, negations every mention in their window.
"""

import re
from bisect import bisect_left
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from rarebeat.labels.states import NEGATIVE, UNCERTAIN

_FARTHEST = 120  # characters; keeps the search linear in the length of the text
_LONGEST_JOIN = 40
_WEAK_JOINS = (",", "/")
_PLURAL = re.compile("(are|were|have) ")

Kind = Literal["gone", "past", "negation", "hedge", "alternative"]
_STATES: dict[Kind, int] = {
    "gone": NEGATIVE,
    "past": NEGATIVE,
    "negation": NEGATIVE,
    "hedge": UNCERTAIN,
    "alternative": UNCERTAIN,
}
_RANK: dict[Kind, int] = {"gone": 3, "past": 3, "negation": 2, "hedge": 1, "alternative": 0}


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue that was found in a text: its characters, what it does, and how far it reaches."""

    start: int
    end: int
    kind: Kind
    side: Literal["before", "after", "around"]
    window: int
    whole_list: bool = False
    through: bool = False

    @property
    def state(self) -> int:
        """What a mention becomes under this cue."""
        return _STATES[self.kind]


@dataclass(frozen=True, slots=True)
class Language:
    """What scoping needs, compiled: scope breaks by the side of the cue, and what joins two mentions."""

    breaks: re.Pattern[str]
    breaks_before: re.Pattern[str]
    either: re.Pattern[str]
    both: re.Pattern[str]
    accompanied: re.Pattern[str]
    places: re.Pattern[str]


Span = tuple[int, int]
Join = Literal["comma", "either", "both"]


def decide(
    text: str,
    mentions: Sequence[Span],
    cues: Sequence[Cue],
    language: Language,
    restarting: Container[int] = (),
) -> list[Cue | None]:
    """The cue that decides on each mention, or None where it stands as it is written.

    Args:
        text: the normalised statement.
        mentions: spans, in ascending order, without overlap.
        cues: the cues of the statement, in ascending order.
        language: scope breaks and joins.
        restarting: numbers of the mentions that no comma and no stroke joins to the one before.
    """
    starts = [cue.start for cue in cues]
    decided = [
        _strongest(_reaching(text, number, mentions, cues, starts, language))
        for number in range(len(mentions))
    ]
    joins = [
        _join(text[one[1] : two[0]], language, number in restarting)
        for number, (one, two) in enumerate(pairwise(mentions), start=1)
    ]
    decided = _spread(text, mentions, decided, joins, language)
    floor = 0
    for cue in cues:
        if cue.kind == "gone" and cue.side == "after":
            _fall_together(text, mentions, decided, cue, language, max(floor, cue.start - _FARTHEST))
            floor = cue.end
    return decided


def _reaching(
    text: str,
    number: int,
    mentions: Sequence[Span],
    cues: Sequence[Cue],
    starts: Sequence[int],
    language: Language,
) -> list[Cue]:
    """The cues that reach one mention, the nearest first on each side."""
    start, end = mentions[number]
    last_end = mentions[number - 1][1] if number else 0
    next_start = mentions[number + 1][0] if number + 1 < len(mentions) else len(text)
    found = []
    for index in range(bisect_left(starts, start) - 1, -1, -1):
        cue = cues[index]
        if cue.start < start - _FARTHEST:
            break
        nearest = cue.start >= last_end
        if (
            cue.side != "after"
            and cue.end <= start
            and _may_reach(cue, nearest, text[cue.end : start], language)
        ):
            found.append(cue)
    for index in range(bisect_left(starts, end), len(cues)):
        cue = cues[index]
        if cue.start > end + _FARTHEST:
            break
        nearest = cue.end <= next_start
        if cue.side != "before" and _may_reach(cue, nearest, text[end : cue.start], language):
            found.append(cue)
    return found


def _may_reach(cue: Cue, nearest: bool, gap: str, language: Language) -> bool:
    if cue.through:
        words = language.places.sub(" ", gap).split()
        return len(words) - words.count(",") <= cue.window
    reaches_all = cue.state == NEGATIVE
    if cue.side == "after" and gap.strip() == ":":  # "PACs: none"
        return nearest
    breaks = language.breaks_before if cue.side == "before" else language.breaks
    return (nearest or reaches_all) and len(gap.split()) <= cue.window and not breaks.search(gap)


def _strongest(cues: Sequence[Cue]) -> Cue | None:
    return max(cues, key=lambda cue: _RANK[cue.kind], default=None)


def _spread(
    text: str,
    mentions: Sequence[Span],
    decided: list[Cue | None],
    joins: Sequence[Join | None],
    language: Language,
) -> list[Cue | None]:
    """Carry cues along lists: "no A, B or C" has none of them; "A or B" leaves both open.

    In "no A and B" and "no A, B", the second may be there or not: it becomes uncertain. A plural verb behind
    "A and B" goes for both.
    """
    first = 0
    while first < len(joins):
        pivot = first
        while pivot < len(joins) and joins[pivot] == "comma":
            pivot += 1
        join = joins[pivot] if pivot < len(joins) else None
        if join is None:
            goes_on = language.either.match(text, _behind_comma(text, mentions[pivot][1]))
            _spread_forward(decided, range(first, pivot + 1), "either" if goes_on else "comma")
            first = pivot + 1
            continue
        last = pivot + 1
        while last < len(joins) and joins[last] == join:
            last += 1
        _spread_forward(decided, range(first, last + 1), join)
        if join == "either":
            between = (mentions[pivot][1], mentions[pivot + 1][0])
            _open_alternatives(decided, range(pivot, last + 1), Cue(*between, "alternative", "before", 0))
        elif (tail := decided[last]) and _PLURAL.match(text, tail.start) and tail.side == "after":
            decided[pivot:last] = [cue or tail for cue in decided[pivot:last]]
        first = last
    return decided


def _behind_comma(text: str, position: int) -> int:
    while text[position : position + 1] in (" ", ","):
        position += 1
    return position


def _join(gap: str, language: Language, restarting: bool) -> Join | None:
    gap = gap.strip()
    if len(gap) > _LONGEST_JOIN or (restarting and gap in _WEAK_JOINS):
        return None
    if gap == ",":
        return "comma"
    if language.either.fullmatch(gap) and not language.breaks_before.search(gap.lstrip(", ")):
        return "either"
    return "both" if language.both.fullmatch(gap) else None


def _spread_forward(decided: list[Cue | None], members: range, join: Join) -> None:
    """What stands before a list goes for its members, but only as a doubt where no "or" holds it together."""
    lead = decided[members[0]]
    if lead is None or lead.side == "after":
        return
    if join != "either" and not lead.whole_list:
        if lead.state == UNCERTAIN or (lead.kind in ("gone", "past") and join == "comma"):
            return
        lead = replace(lead, kind="alternative")
    for member in members[1:]:
        decided[member] = _strongest([cue for cue in (decided[member], lead) if cue])


def _open_alternatives(decided: list[Cue | None], members: range, join: Cue) -> None:
    """What stands behind "A or B" goes for both; otherwise what is not decided becomes uncertain."""
    tail = decided[members[-1]]
    negated = tail is not None and tail.side == "after" and tail.state == NEGATIVE
    for member in members:
        if negated or decided[member] is None:
            decided[member] = tail if negated else join


def _fall_together(
    text: str,
    mentions: Sequence[Span],
    decided: list[Cue | None],
    cue: Cue,
    language: Language,
    floor: int,
) -> None:
    """What "with" joins, from character ``floor`` on, is gone together: "AF with LBBB is no longer seen" has neither.

    A plural verb behind a singular head speaks of what stands behind "with" only: "sinus rhythm with PVCs, which are".
    """
    last = bisect_left(mentions, (cue.start,)) - 1
    if last < 0 or not _holds_together(text, mentions[last][1], cue.start, language):
        return
    first = last
    while first and mentions[first - 1][0] >= floor:
        if not _holds_together(text, mentions[first - 1][1], mentions[first][0], language, joined=True):
            break
        first -= 1
    if not language.accompanied.search(text, mentions[first][1], cue.start):
        return
    if _PLURAL.match(text, cue.start) and text[mentions[first][1] - 1] != "s":
        return
    for number in range(first, last + 1):
        decided[number] = _strongest([one for one in (decided[number], cue) if one])


def _holds_together(text: str, start: int, end: int, language: Language, joined: bool = False) -> bool:
    """Whether nothing but words such as "with" and "and" breaks what lies between; ``joined``: one of them does."""
    if end - start > _LONGEST_JOIN:
        return False
    breaks = [match[0] for match in language.breaks.finditer(text[start:end])]
    return (bool(breaks) or not joined) and all(
        language.accompanied.fullmatch(word) or language.both.fullmatch(word) for word in breaks
    )
