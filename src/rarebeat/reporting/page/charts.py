"""Small charts as SVG within a page: a panel per class, thin lines, the colours of the page by day and by night."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log1p
from typing import Any

from rarebeat.reporting.page.html import Html

Rows = Sequence[Mapping[str, Any]]

_SIDE = 100.0  # of a panel's square, in units of its view
_LEFT, _TOP, _RIGHT, _BOTTOM = 20.0, 4.0, 5.0, 14.0  # around it
_TICKS = (0.0, 0.5, 1.0)


def precision_recall_chart(
    curves: Mapping[str, Rows],
    prevalence: Mapping[str, float],
    notes: Mapping[str, str],
    chosen: Mapping[str, tuple[float, float]],
) -> Html:
    """Draw precision over recall, a panel for each class.

    Args:
        curves: class to rows with ``recall`` and ``precision``; classes without rows are left out.
        prevalence: class to share of positive records, which chance would reach: a dotted line.
        notes: class to what stands below its name.
        chosen: class to recall and precision at its threshold: a dot.

    Returns:
        HTML.
    """
    panels = []
    for name, rows in curves.items():
        if not rows:
            continue
        points = " ".join(f"{_x(row['recall'])},{_y(row['precision'])}" for row in rows)
        recall, precision = chosen[name]
        marks = [
            _rule(0, prevalence[name], 1, prevalence[name]),
            f'<polyline class="curve" points="{points}"/>',
        ]
        if recall == recall and precision == precision:  # neither is undefined
            marks.append(f'<circle class="dot" cx="{_x(recall)}" cy="{_y(precision)}" r="2.2"/>')
        panels.append(_panel(name, marks, notes[name], "recall", "precision"))
    return _panels(panels)


def calibration_chart(rows: Rows) -> Html:
    """Draw the observed share over the predicted probability, a panel for each class; the diagonal is perfect.

    Args:
        rows: with ``class``, ``probability``, ``observed`` and ``records``; the area of a point grows with records.

    Returns:
        HTML.
    """
    panels = []
    for name in dict.fromkeys(row["class"] for row in rows):
        own = [row for row in rows if row["class"] == name]
        total = sum(row["records"] for row in own)
        marks = [_rule(0, 0, 1, 1)]
        for row in own:
            radius = (2.0 + 30.0 * row["records"] / total) ** 0.5
            marks.append(
                f'<circle class="point" cx="{_x(row["probability"])}" cy="{_y(row["observed"])}" r="{radius:.1f}">'
                f"<title>{row['records']:,} records</title></circle>"
            )
        panels.append(_panel(name, marks, f"{total:,} records", "probability", "observed"))
    return _panels(panels)


def bars(before: int, after: int, largest: int) -> Html:
    """Draw two numbers as bars on a logarithmic scale, one within the other; their figures stand beside it in a table.

    Args:
        before: the longer bar.
        after: the darker bar.
        largest: of all bars of the table.

    Returns:
        HTML.
    """
    whole = log1p(max(largest, 1))
    long, short = (round(100 * log1p(value) / whole, 1) for value in (before, after))
    return Html(
        '<svg class="bars" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="before" width="{long}" height="10"/><rect class="after" y="2" width="{short}" height="6"/></svg>'
    )


def _x(value: float) -> str:
    return f"{_LEFT + _SIDE * value:.1f}"


def _y(value: float) -> str:
    return f"{_TOP + _SIDE * (1 - value):.1f}"


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="rule" x1="{_x(x1)}" y1="{_y(y1)}" x2="{_x(x2)}" y2="{_y(y2)}"/>'


def _panel(name: str, marks: Sequence[str], note: str, across: str, upward: str) -> str:
    """One square from 0 to 1 with its axes, and its name and a note below it."""
    words = name.replace("_", " ")
    frame = [f'<rect class="frame" x="{_x(0)}" y="{_y(1)}" width="{_SIDE:g}" height="{_SIDE:g}"/>']
    for tick in _TICKS:
        frame.append(f'<text x="{_x(tick)}" y="{_TOP + _SIDE + 9:g}" text-anchor="middle">{tick:g}</text>')
        frame.append(
            f'<text x="{_LEFT - 3:g}" y="{float(_y(tick)) + 2.5:g}" text-anchor="end">{tick:g}</text>'
        )
    size = f"0 0 {_LEFT + _SIDE + _RIGHT:g} {_TOP + _SIDE + _BOTTOM:g}"
    label = escape(f"{words}: {upward} over {across}. {note}")
    return (
        f'<figure><svg viewBox="{size}" role="img" aria-label="{label}">{"".join([*frame, *marks])}</svg>'
        f"<figcaption>{escape(words)}<small>{escape(note)}</small></figcaption></figure>"
    )


def _panels(panels: Sequence[str]) -> Html:
    return Html('<div class="panels">\n' + "\n".join(panels) + "\n</div>")
