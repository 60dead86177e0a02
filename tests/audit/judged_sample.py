"""A small sample of labels, and what Ann said of it."""

from collections.abc import Iterable
from pathlib import Path

from rarebeat.audit.verdicts import VERDICT_COLUMNS
from rarebeat.core.files import write_csv

Row = tuple[str, str, str, str, str, str]

SAMPLE_ROWS = [
    # item, class, kind, weight, cohort, record_id, pattern, cue, statement
    ("h1", "flutter", "hit", 90.0, "ward", "r1", "flutter.include.1", "", "Atrial flutter"),
    ("h2", "flutter", "hit", 9.0, "ward", "r2", "flutter.include.1", "", "flutter, typical"),
    ("h3", "flutter", "hit", 1.0, "ward", "r3", "flutter.include.2", "", 'F waves "coarse"\nin V1'),
    ("u1", "flutter", "uncertain", 4.0, "ward", "r4", "flutter.include.1", "possible", "possible flutter"),
    ("n1", "sinus", "near_miss", 2.0, "ward", "r5", "sinus.mask.1", "", "not sinus rhythm"),
    ("s1", "flutter sinus block", "unmatched", 30.0, "ward", "r6", "", "", "av-block"),
    ("s2", "flutter sinus block", "unmatched", 10.0, "ward", "r7", "", "", "normal axis"),
]

ANN: list[Row] = [
    ("h1", "flutter", "hit", "right", "", "Ann"),
    ("h2", "flutter", "hit", "wrong", "a pacemaker, said so", "Ann"),
    ("h3", "flutter", "hit", "cannot say", "", "Ann"),
    ("u1", "flutter", "uncertain", "right", "", "Ann"),
    ("s1", "flutter block", "unmatched", "wrong", "", "Ann"),
    ("s2", "", "unmatched", "right", "", "Ann"),
]


def save(path: Path, rows: Iterable[Row]) -> Path:
    """Write verdicts as the page exports them."""
    write_csv(path, VERDICT_COLUMNS, rows)
    return path
