"""Labels of reports that come as JSON lines, one ``{"id": ..., "text": ...}`` per line."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from rarebeat.labels.matcher import Matcher
from rarebeat.labels.states import POSITIVE, STATE_NAMES, UNCERTAIN, Labels


def label_lines(lines: Iterable[str], matcher: Matcher) -> Iterator[dict[str, Any]]:
    """Label each line, in order; empty lines are passed over.

    A line that is not a JSON object with ``id`` (text or number) and ``text`` (text or null) gives
    ``{"line", "error"}``, and the others are still answered.

    >>> from rarebeat.labels.vocabulary import load_vocabulary
    >>> next(label_lines(['{"id": 1, "text": "No AF"}'], Matcher(load_vocabulary("hughes24"))))["evidence"][0]["cue"]
    'No'
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            report_id, text = _parse(line)
        except ValueError as error:
            yield {"line": number, "error": str(error)}
        else:
            yield {"id": report_id, **as_answer(matcher.label(text))}


def as_answer(labels: Labels) -> dict[str, Any]:
    """What a program wants to know of the labels of a report: class ids, and the evidence for each mention."""
    return {
        "positive": [name for name, state in labels.states.items() if state == POSITIVE],
        "uncertain": [name for name, state in labels.states.items() if state == UNCERTAIN],
        "evidence": [
            {
                "class": entry.class_id,
                "state": STATE_NAMES[entry.state],
                "statement": entry.statement,
                "start": entry.start,
                "end": entry.end,
                "pattern": entry.pattern,
                "cue": entry.cue,
            }
            for entry in labels.evidence
        ],
    }


def _parse(line: str) -> tuple[str | int | float, str | None]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError('expected an object {"id": ..., "text": ...}')
    if missing := [key for key in ("id", "text") if key not in content]:
        raise ValueError(f"the object has no {' and no '.join(map(repr, missing))}")
    report_id, text = content["id"], content["text"]
    if isinstance(report_id, bool) or not isinstance(report_id, str | int | float):
        raise ValueError(f"'id' must be a text or a number, found {json.dumps(report_id)[:40]}")
    if text is not None and not isinstance(text, str):
        raise ValueError(f"'text' must be a text or null, found {json.dumps(text)[:40]}")
    return report_id, text
