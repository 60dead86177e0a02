"""One report with its labels, for a person: mentions and cues marked, and what was made of them."""

from collections.abc import Sequence

from rarebeat.labels.states import (
    NEGATIVE,
    POSITIVE,
    STATE_NAMES,
    UNCERTAIN,
    UNKNOWN,
    Evidence,
    Labels,
    State,
)
from rarebeat.labels.text.matcher import Matcher

_COLOURS = {POSITIVE: "32", UNCERTAIN: "33", NEGATIVE: "31"}  # ANSI green, yellow, red
_CUE = "35"
_MENTION_MARK, _CUE_MARK = "^", "~"


def explain(text: str, matcher: Matcher, colour: bool = False) -> str:
    """What a matcher reads in a report.

    Every statement that mentions a class is printed with its mentions (``^``) and cues (``~``) marked, and below it
    a line for each class: state, pattern, cue.

    Args:
        text: the report.
        matcher: reads it.
        colour: whether to colour for a terminal.
    """
    labels = matcher.label(
        "".join(letter if letter.isprintable() or letter in "\n\r\t" else " " for letter in text)
    )
    lines = []
    for statement in dict.fromkeys(entry.statement for entry in labels.evidence):
        mentions = [entry for entry in labels.evidence if entry.statement == statement]
        lines += [_painted(statement, mentions, colour), _marks(statement, mentions).rstrip()]
        lines += [f"  {_paint(_line(entry), _COLOURS[entry.state], colour)}" for entry in mentions]
        lines.append("")
    lines += [f"{state}: {names}" for state, names in _summary(labels)]
    lines += [f"warning: {warning}" for warning in labels.warnings]
    lines += [f"mentions no class: {statement}" for statement in labels.unmatched]
    return "\n".join(lines)


def _line(entry: Evidence) -> str:
    cue = f', because of "{entry.cue}"' if entry.cue else ""
    return f"{STATE_NAMES[entry.state]:9} {entry.class_id} ({entry.pattern}){cue}"


def _summary(labels: Labels) -> list[tuple[str, str]]:
    order: tuple[State, ...] = (POSITIVE, UNCERTAIN, NEGATIVE, UNKNOWN)
    named = {state: [name for name, found in labels.states.items() if found == state] for state in order}
    return [(STATE_NAMES[state], ", ".join(names)) for state, names in named.items() if names]


def _cue_spans(statement: str, mentions: Sequence[Evidence]) -> list[tuple[int, int]]:
    """Where the cues stand: the nearest place to their mention that has those words."""
    spans = []
    for entry in mentions:
        if entry.cue:
            before, behind = statement.rfind(entry.cue, 0, entry.start), statement.find(entry.cue, entry.end)
            start = behind if before < 0 else before
            if start >= 0:
                spans.append((start, start + len(entry.cue)))
    return spans


def _marks(statement: str, mentions: Sequence[Evidence]) -> str:
    marks = [" "] * len(statement)
    for start, end in _cue_spans(statement, mentions):
        marks[start:end] = _CUE_MARK * (end - start)
    for entry in mentions:
        marks[entry.start : entry.end] = _MENTION_MARK * (entry.end - entry.start)
    return "".join(marks)


def _painted(statement: str, mentions: Sequence[Evidence], colour: bool) -> str:
    if not colour:
        return statement
    codes = [""] * len(statement)
    for start, end in _cue_spans(statement, mentions):
        codes[start:end] = [_CUE] * (end - start)
    for entry in mentions:
        codes[entry.start : entry.end] = [_COLOURS[entry.state]] * (entry.end - entry.start)
    return "".join(_paint(letter, code, code != "") for letter, code in zip(statement, codes, strict=True))


def _paint(text: str, code: str, colour: bool) -> str:
    return f"\x1b[1;{code}m{text}\x1b[0m" if colour else text
