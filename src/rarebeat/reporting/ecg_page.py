"""A 12-lead ECG on paper: 25 mm per second, 10 mm per millivolt, to scale in print and in pixels.

Everything is drawn in millimetres on one A4 page: three rows of four leads, 2.5 s each, and ten seconds of
lead II below them.
"""

from io import BytesIO
from pathlib import Path
from textwrap import wrap

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.core.records import LEADS, Record, Signal

WIDTH, HEIGHT = 297.0, 210.0
"""Millimetres of the page (A4, landscape)."""

DPI = 127
"""Dots per inch of a PNG: 5 pixels per millimetre. Multiples of 25.4 keep the grid sharp."""

MM_PER_SECOND = 25.0
MM_PER_MILLIVOLT = 10.0
COLUMN_SECONDS = 2.5
SECONDS = 10.0
"""What a page shows; of a longer record the beginning."""

LAYOUT = (
    ("I", "aVR", "V1", "V4"),
    ("II", "aVL", "V2", "V5"),
    ("III", "aVF", "V3", "V6"),
)
RHYTHM_LEAD = "II"

_INCH = 25.4
_LEFT, _RIGHT, _BOTTOM, _TOP = 8.0, 288.0, 8.0, 178.0  # of the grid, millimetres
_START = 28.0  # where traces begin
_ROWS = (156.0, 116.0, 76.0, 36.0)  # baselines
_EDGE = 2.0  # traces may leave the grid, but not the paper
_TEXT_LINES, _TEXT_WIDTH = 6, 80
_UNCALIBRATED_SPAN = 12.0  # millimetres that the median lead spans where the amplitude means nothing

_COLOURS = 64  # of a PNG: a quarter of the bytes

_FINE, _COARSE = "#f7d9d6", "#eba9a3"
_INK, _WARNING = "#101018", "#b00020"


def draw_ecg(path: Path, record: Record, title: str | None = None, dpi: float = DPI) -> None:
    """Draw one record.

    The traces of a record without calibrated amplitude are scaled to be seen, and the page says so.

    Args:
        path: file to write; its suffix decides: .png, .pdf or .svg. The same record gives the same bytes.
        record: what to draw: its first ten seconds, and its report, or codes where there is no report.
        title: heading; None takes the record id.
        dpi: of a PNG. The file tells it to printers, so that a millimetre is one on paper, too.

    Raises:
        RarebeatError: for another suffix, or when the file cannot be written.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "pdf", "svg"):
        raise RarebeatError(f"{path}: a picture is written as .png, .pdf or .svg")
    figure = Figure(figsize=(WIDTH / _INCH, HEIGHT / _INCH))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axes.set_axis_off()
    _draw_grid(axes)
    scale = _scale(record)
    _draw_leads(axes, record, scale)
    _draw_words(axes, record, scale, title)
    with atomic(path) as temporary, matplotlib.rc_context({"svg.hashsalt": "rarebeat"}):
        if kind == "png":
            _write_png(temporary, figure, dpi)
        else:
            undated = {"CreationDate": None} if kind == "pdf" else {"Date": None}
            figure.savefig(temporary, format=kind, metadata=undated)


def _write_png(path: Path, figure: Figure, dpi: float) -> None:
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi)
    image = Image.open(drawn).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    image.save(path, format="png", optimize=True, dpi=(dpi, dpi))


def _draw_grid(axes: Axes) -> None:
    for step, colour, width in ((1.0, _FINE, 0.10), (5.0, _COARSE, 0.18)):
        across = [[(_LEFT, y), (_RIGHT, y)] for y in np.arange(_BOTTOM, _TOP + step / 2, step)]
        upward = [[(x, _BOTTOM), (x, _TOP)] for x in np.arange(_LEFT, _RIGHT + step / 2, step)]
        axes.add_collection(
            LineCollection(across + upward, colors=colour, linewidths=_points(width), antialiased=False)
        )


def _points(millimetres: float) -> float:
    return millimetres * 72 / _INCH


def _scale(record: Record) -> float:
    """Millimetres per 1,000 steps: per millivolt, or per normalised unit."""
    if record.calibrated:
        return MM_PER_MILLIVOLT
    spans = np.ptp(record.signal.astype(np.int64), axis=1)
    return float(1000 * _UNCALIBRATED_SPAN / max(np.median(spans), 1.0))


def _draw_leads(axes: Axes, record: Record, scale: float) -> None:
    for baseline, row in zip(_ROWS, LAYOUT, strict=False):
        for column, name in enumerate(row):
            start = column * COLUMN_SECONDS
            _draw_lead(axes, record, name, (start, start + COLUMN_SECONDS), baseline, scale)
    _draw_lead(axes, record, RHYTHM_LEAD, (0.0, SECONDS), _ROWS[-1], scale)
    if record.calibrated:
        for baseline in _ROWS:
            _draw_calibration(axes, baseline)


def _draw_lead(
    axes: Axes, record: Record, name: str, span: tuple[float, float], baseline: float, scale: float
) -> None:
    """One lead within a span of seconds; the median of the span lies on the baseline."""
    left = _START + span[0] * MM_PER_SECOND
    _write(axes, left + 1, baseline + 15, name, 9, bold=True)
    if span[0]:
        _draw_line(axes, [left, left], [baseline - 4, baseline + 4], 0.15)
    first, last = (round(second * record.rate) for second in span)
    lead: Signal = record.signal[LEADS.index(name), first : last + 1]
    if lead.size:
        x = _START + (first + np.arange(lead.size)) / record.rate * MM_PER_SECOND
        y = baseline + (lead - float(np.median(lead))) / 1000 * scale
        _draw_line(axes, x, np.clip(y, _EDGE, HEIGHT - _EDGE), 0.25)


def _draw_calibration(axes: Axes, baseline: float) -> None:
    """One millivolt for 0.2 s."""
    x = _START - 12 + np.array([0, 2, 2, 7, 7, 9])
    _draw_line(axes, x, baseline + MM_PER_MILLIVOLT * np.array([0, 0, 1, 1, 0, 0]), 0.25)


def _draw_line(axes: Axes, x: npt.ArrayLike, y: npt.ArrayLike, width: float) -> None:
    axes.plot(x, y, color=_INK, linewidth=_points(width), solid_joinstyle="round")


def _draw_words(axes: Axes, record: Record, scale: float, title: str | None) -> None:
    age = "" if record.age is None else f"{record.age:.0f} years{' or over' if record.age >= 90 else ''}"
    facts = [record.record_id if title else "", age, record.sex or "", f"{record.rate:g} Hz", record.source]
    _write(axes, _LEFT, 205, title or record.record_id, 13, bold=True)
    _write(axes, _LEFT, 197, "   ".join(fact for fact in facts if fact), 9)
    report = record.text or ", ".join(record.codes)
    text = [piece for line in report.splitlines() for piece in wrap(line, _TEXT_WIDTH)]
    if len(text) > _TEXT_LINES:
        text = [*text[: _TEXT_LINES - 1], "…"]
    _write(axes, _LEFT + 140, 205, "\n".join(text), 8)
    total = record.signal.shape[1] / record.rate
    shown = f"first {SECONDS:g} of {total:g} s" if total > SECONDS else f"{total:g} s"
    if record.calibrated:
        _write(axes, _LEFT, 6, f"{MM_PER_SECOND:g} mm/s   {scale:g} mm/mV   {shown}", 8)
    else:
        warning = f"{MM_PER_SECOND:g} mm/s   AMPLITUDE NOT CALIBRATED: scaled to be seen   {shown}"
        _write(axes, _LEFT, 6, warning, 8, bold=True, colour=_WARNING)


def _write(
    axes: Axes, x: float, y: float, text: str, size: float, bold: bool = False, colour: str = _INK
) -> None:
    """Text with its upper left corner at a place."""
    weight = "bold" if bold else "normal"
    axes.text(
        x, y, text, fontsize=size, weight=weight, color=colour, va="top", linespacing=1.3, parse_math=False
    )
