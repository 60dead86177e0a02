"""Where labels from report text go wrong: at the writer, or at the extractor.

A simulated recording has a truth, a report whose writer meant something by it, and labels that are extracted
from the text. Three steps are compared for each class:

- ``truth to report``: what the writer left out, added, or only suspected;
- ``report to label``: what the extractor lost or added against what the writer meant;
- ``truth to label``: both together, which is what a network is trained on.

No signal is made, so thousands of records take seconds. The result is about simulated reports.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.core.tables import Cell, Row, markdown_table
from rarebeat.labels.states import NEGATIVE, POSITIVE, UNCERTAIN, UNKNOWN, State
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.readers.free_text.redaction import redact
from rarebeat.simulator.clinic import recording_at, report_of
from rarebeat.simulator.reports.findings import USUAL, Style
from rarebeat.simulator.settings import SimulatorSettings

States = npt.NDArray[np.int8]

STEPS = ("truth to report", "report to label", "truth to label")
ALL = "all classes"
COLUMNS = (
    "step",
    "class",
    "given",
    "kept",
    "uncertain",
    "lost",
    "unknown",
    "added",
    "added_uncertain",
    "sensitivity",
    "precision",
    "hedged",
    "hedged_uncertain",
)
"""Columns of the table, see :func:`noise_rows`."""

_UNKNOWN = -2
_WORDS: Mapping[int, str] = {
    POSITIVE: "positive",
    UNCERTAIN: "uncertain",
    NEGATIVE: "negative",
    _UNKNOWN: "unknown",
}
_MEANT: Mapping[int, str] = {POSITIVE: "stated", UNCERTAIN: "suspected", NEGATIVE: "not stated"}


@dataclass(frozen=True)
class Readings:
    """Reports with what is true, meant and extracted; each array (records, classes).

    Attributes:
        classes: of the vocabulary.
        truth: 1 or 0.
        meant: 1 stated by the writer, -1 suspected, 0 neither.
        labels: 1, 0, -1 uncertain, -2 unknown.
        texts: of the reports, as ingest passes them on.
    """

    classes: tuple[str, ...]
    truth: States
    meant: States
    labels: States
    texts: tuple[str, ...]


def read_reports(
    settings: SimulatorSettings, records: int, style: Style = USUAL, vocabulary: str = "hughes24"
) -> Readings:
    """Simulate reports, without signals, and extract their labels.

    Args:
        settings: of the simulated clinic; its number of records is not used.
        records: number of reports.
        style: how they are written.
        vocabulary: of the extractor.

    Raises:
        ParamsError: when there is no such vocabulary.
    """
    words = load_vocabulary(vocabulary)
    matcher, classes = Matcher(words), words.class_ids
    truth, meant, labels = (np.zeros((records, len(classes)), np.int8) for _ in range(3))
    texts = []
    for index in range(records):
        recording = recording_at(index, settings)
        report = report_of(index, recording, settings, style)
        text = redact(report.text)
        states = matcher.label(text).states
        truth[index] = [name in recording.truth for name in classes]
        meant[index] = [_meant(name in report.stated, name in report.hedged) for name in classes]
        labels[index] = [_number(states[name]) for name in classes]
        texts.append(text)
    return Readings(classes, truth, meant, labels, tuple(texts))


def _meant(stated: bool, hedged: bool) -> int:
    return POSITIVE if stated else UNCERTAIN if hedged else NEGATIVE


def _number(state: State) -> int:
    return _UNKNOWN if state is UNKNOWN else state


def noise_rows(readings: Readings) -> list[Row]:
    """One row per step and class, and one per step for all classes together, with :data:`COLUMNS`.

    ``given`` counts the records in which the class is positive before the step. They are ``kept``, or become
    ``uncertain``, negative (``lost``) or ``unknown``. ``added`` and ``added_uncertain`` count records in which
    it is negative before the step and positive or uncertain after it. ``sensitivity`` is kept / given,
    ``precision`` kept / (kept + added), None without records. ``hedged`` counts records in which the writer
    only suspects the class, ``hedged_uncertain`` those of them that are uncertain after the step; they are in
    no other column.
    """
    pairs = (
        (readings.truth, readings.meant),
        (readings.meant, readings.labels),
        (readings.truth, readings.labels),
    )
    rows = []
    for step, (before, after) in zip(STEPS, pairs, strict=True):
        for column, name in enumerate(readings.classes):
            rows.append(_row(step, name, before[:, column], after[:, column]))
        rows.append(_row(step, ALL, before.ravel(), after.ravel()))
    return rows


def _row(step: str, name: str, before: States, after: States) -> Row:
    counts = Counter(zip(before.tolist(), after.tolist(), strict=True))
    given, kept = int((before == POSITIVE).sum()), counts[POSITIVE, POSITIVE]
    added = counts[NEGATIVE, POSITIVE]
    return {
        "step": step,
        "class": name,
        "given": given,
        "kept": kept,
        "uncertain": counts[POSITIVE, UNCERTAIN],
        "lost": counts[POSITIVE, NEGATIVE],
        "unknown": counts[POSITIVE, _UNKNOWN],
        "added": added,
        "added_uncertain": counts[NEGATIVE, UNCERTAIN],
        "sensitivity": kept / given if given else None,
        "precision": kept / (kept + added) if kept + added else None,
        "hedged": int((before == UNCERTAIN).sum()),
        "hedged_uncertain": counts[UNCERTAIN, UNCERTAIN],
    }


def disagreements(readings: Readings, examples: int = 2) -> list[Row]:
    """Where label and writer differ, the most frequent first.

    One row per class, meaning and label, with ``count`` and ``examples``, the shortest texts. A class that
    is neither stated nor extracted, negative or unknown, is no disagreement.

    Args:
        readings: of simulated reports.
        examples: texts of each row.
    """
    found: dict[tuple[str, int, int], list[str]] = defaultdict(list)
    same = (readings.meant == readings.labels) | (
        (readings.meant == NEGATIVE) & (readings.labels == _UNKNOWN)
    )
    for record, column in np.argwhere(~same).tolist():
        key = (
            readings.classes[column],
            int(readings.meant[record, column]),
            int(readings.labels[record, column]),
        )
        found[key].append(readings.texts[record])
    return [
        {
            "class": name,
            "writer": _MEANT[meant],
            "label": _WORDS[label],
            "count": len(texts),
            "examples": " || ".join(_shortest(texts, examples)),
        }
        for (name, meant, label), texts in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _shortest(texts: Sequence[str], count: int) -> list[str]:
    chosen = sorted(dict.fromkeys(texts), key=len)[:count]
    return [text.replace("\n", " / ") for text in chosen]


def format_label_noise(rows: Sequence[Row]) -> str:
    """The table for people: a Markdown table per step, classes without any record left out."""
    parts = []
    for step in STEPS:
        own = [
            row for row in rows if row["step"] == step and any((row["given"], row["added"], row["hedged"]))
        ]
        table = markdown_table([{name: _shown(row[name]) for name in COLUMNS[1:]} for row in own])
        parts.append(f"Simulated reports, {step}:\n\n{table}")
    return "\n\n".join(parts)


def _shown(value: Cell) -> Cell:
    return f"{value:.3f}" if isinstance(value, float) else value
