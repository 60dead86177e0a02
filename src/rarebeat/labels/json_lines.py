"""Labels of reports that come as JSON lines, one ``{"id": ..., "text": ...}`` per line."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from rarebeat.core.files import parse_json
from rarebeat.labels.states import STATE_NAMES, Labels
from rarebeat.labels.text.matcher import Matcher

_SURROGATE = re.compile("[\ud800-\udfff]")

LONGEST = 100_000
"""Characters that a report may have; a whole MUSE report has a few hundred."""


def label_lines(lines: Iterable[bytes], matcher: Matcher, full: bool = False) -> Iterator[dict[str, Any]]:
    """Label each line, in order; empty lines are passed over.

    A line that is not UTF-8 and a JSON object with ``id`` (text or number) and ``text`` (text or null) gives
    ``{"line", "error"}``, and the others are still answered. A byte order mark is fine.

    Args:
        lines: lines in UTF-8.
        matcher: reads the reports.
        full: see :func:`as_answer`.

    Example:
        >>> from rarebeat.labels.vocabulary import load_vocabulary
        >>> matcher = Matcher(load_vocabulary("hughes24"))
        >>> next(label_lines([b'{"id": 1, "text": "No AF"}'], matcher))["evidence"][0]["cue"]
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
            yield {"id": report_id, **as_answer(matcher.label(text), full)}


def as_answer(labels: Labels, full: bool = False) -> dict[str, Any]:
    """What a program wants to know of the labels of a report: class ids, and the evidence for each mention.

    Args:
        labels: of one report.
        full: whether to add what is negative or unknown, and the warnings.
    """
    named = {
        word: [name for name, found in labels.states.items() if found == state]
        for state, word in STATE_NAMES.items()
    }
    more = {"negative": named["negative"], "unknown": named["unknown"], "warnings": list(labels.warnings)}
    return {
        "positive": named["positive"],
        "uncertain": named["uncertain"],
        **(more if full else {}),
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


def _parse(line: bytes) -> tuple[str | int | float, str | None]:
    try:
        content = parse_json(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {error.reason} at byte {error.start + 1}") from error
    except ValueError as error:
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
    if text and len(text) > LONGEST:
        raise ValueError(f"'text' has {len(text):,} characters, a report has at most {LONGEST:,}")
    for value in (report_id, text):
        if isinstance(value, str) and _SURROGATE.search(value):
            raise ValueError("holds half of a surrogate pair, which is no character")
    return report_id, text
