"""A 12-lead ECG on paper: 25 mm per second, 10 mm per millivolt, to scale in print and in pixels.

Everything is drawn in millimetres on one A4 page: three rows of four leads, 2.5 s each, and ten seconds of
lead II below them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from textwrap import wrap

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from PIL import Image

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.core.records import LEADS, Record, Signal

WIDTH, HEIGHT = 297.0, 210.0
"""Millimetres of the page (A4, landscape)."""

DPI = 127
"""Dots per inch of a PNG: 5 pixels per millimetre. Multiples of 25.4 keep the grid sharp."""

KINDS = ("png", "pdf", "svg")
"""What a picture may be."""

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
_WARNING_LINES, _WARNING_WIDTH = 4, 88
_UNCALIBRATED_SPAN = 12.0  # millimetres that the median lead spans where the amplitude means nothing

_COLOURS, _COLOURS_SHADED = 64, 128  # of a PNG: a quarter of the bytes

_FINE, _COARSE = "#f7d9d6", "#eba9a3"
_INK, _WARNING = "#101018", "#b00020"

FOR, AGAINST = "#0072b2", "#d55e00"
"""Colours of the shading: apart also for those who do not see red or green."""

_BAND = 13.0  # millimetres that the shading reaches above and below a baseline
_STRONGEST = 0.6  # opacity
_LEVELS = 8  # of opacity: with few colours a PNG stays small
_SMOOTHED_SECONDS = 0.12  # single samples mean little: a wave of the ECG is taken together
_FULL_SHARE = 99.0  # percentile of the absolute values from which the shading is strongest


@dataclass(frozen=True)
class Shading:
    """What is shaded behind the traces: how much each lead and moment speaks for or against something.

    Attributes:
        values: shape (12, n), above zero for it, below zero against it, such as
            :attr:`rarebeat.inference.attribution.Attributions.values` of one ECG. The picture shows them relative to
            the largest ones.
        rate: values per second.
        of: what it is that they speak for, for the legend: "complete heart block".
        start: seconds of the record at which the first value lies.
    """

    values: npt.NDArray[np.floating]
    rate: float
    of: str
    start: float = 0.0


def check_suffix(path: Path) -> None:
    """Make sure that a picture can be written to a file of that name.

    Raises:
        RarebeatError: for another suffix than .png, .pdf and .svg, and for a folder.
    """
    if path.suffix.lower().removeprefix(".") not in KINDS:
        raise RarebeatError(f"{path}: a picture is written as .png, .pdf or .svg")
    if path.is_dir():
        raise RarebeatError(f"{path} is a folder: name a file for the picture")


def draw_ecg(
    path: Path, record: Record, title: str | None = None, dpi: float = DPI, shading: Shading | None = None
) -> None:
    """Draw one record.

    The traces of a record without calibrated amplitude are scaled to be seen, and the page says so.

    Args:
        path: file to write; its suffix decides: .png, .pdf or .svg. The same record gives the same bytes.
        record: what to draw: its first ten seconds, and its report, or codes where there is no report.
        title: heading; None takes the record id.
        dpi: of a PNG. The file tells it to printers, so that a millimetre is one on paper, too.
        shading: drawn behind the traces, with a legend.

    Raises:
        RarebeatError: for another suffix, or when the file cannot be written.
    """
    check_suffix(path)
    kind = path.suffix.lower().removeprefix(".")
    content = ecg_picture(record, kind, title, dpi, shading)
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def ecg_picture(
    record: Record,
    kind: str = "png",
    title: str | None = None,
    dpi: float = DPI,
    shading: Shading | None = None,
    warning: str = "",
) -> bytes:
    """Draw one record in memory.

    Args:
        record: as for :func:`draw_ecg`, and so are the others.
        kind: "png", "pdf" or "svg".
        title: heading.
        dpi: of a PNG.
        shading: drawn behind the traces.
        warning: why what is said beside the ECG deserves less trust, for a place of its own on the page.

    Returns:
        The content of a file.
    """
    figure = Figure(figsize=(WIDTH / _INCH, HEIGHT / _INCH))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axes.set_axis_off()
    _draw_grid(axes)
    scale = _scale(record)
    if shading is not None:
        _draw_shading(axes, shading)
    _draw_leads(axes, record, scale)
    _draw_words(axes, record, scale, title)
    _write(axes, _LEFT, 192, _cut(warning, _WARNING_LINES, _WARNING_WIDTH), 7, colour=_WARNING)
    content = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "rarebeat"}):
        if kind == "png":
            _write_png(content, figure, dpi, _COLOURS if shading is None else _COLOURS_SHADED)
        else:
            undated = {"CreationDate": None} if kind == "pdf" else {"Date": None}
            figure.savefig(content, format=kind, metadata=undated)
    return content.getvalue()


def _write_png(content: BytesIO, figure: Figure, dpi: float, colours: int) -> None:
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi)
    image = Image.open(drawn).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    image.save(content, format="png", optimize=True, dpi=(dpi, dpi))


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


def _places() -> Iterator[tuple[str, tuple[float, float], float]]:
    """Every trace of the page: lead, span of seconds, baseline."""
    for baseline, row in zip(_ROWS, LAYOUT, strict=False):
        for column, name in enumerate(row):
            start = column * COLUMN_SECONDS
            yield name, (start, start + COLUMN_SECONDS), baseline
    yield RHYTHM_LEAD, (0.0, SECONDS), _ROWS[-1]


def strengths(shading: Shading) -> npt.NDArray[np.float64]:
    """How strongly each value is shaded: smoothed, relative to the largest ones, and in steps.

    Args:
        shading: what is shaded.

    Returns:
        Shape (12, n), from -1 to 1; zeros where all values are zero.

    Example:
        >>> values = np.zeros((12, 100))
        >>> values[1, 40:60] = -2.5
        >>> strengths(Shading(values, rate=10, of="a beat"))[:2, 50].tolist()
        [0.0, -1.0]
    """
    window = np.hanning(max(round(_SMOOTHED_SECONDS * shading.rate), 1) + 2)[1:-1]
    smooth = np.array(
        [np.convolve(lead, window / window.sum(), mode="same") for lead in shading.values.astype(np.float64)]
    )
    found = np.abs(smooth[smooth != 0])
    full = np.percentile(found, _FULL_SHARE) if found.size else 1.0
    return np.asarray(np.round(np.clip(smooth / full, -1, 1) * _LEVELS) / _LEVELS)


def _draw_shading(axes: Axes, shading: Shading) -> None:
    values = strengths(shading)
    for name, span, baseline in _places():
        first, last = (round((second - shading.start) * shading.rate) for second in span)
        first, last = max(first, 0), min(last, values.shape[1])
        if first >= last:
            continue
        row = values[LEADS.index(name), first:last]
        pixels = np.where(row[:, None] > 0, to_rgba(FOR), to_rgba(AGAINST))
        pixels[:, 3] = np.abs(row) * _STRONGEST
        left, right = (
            _START + (shading.start + index / shading.rate) * MM_PER_SECOND for index in (first, last)
        )
        extent = (left, right, baseline - _BAND, baseline + _BAND)
        # As high as lines are: over the grid, which was drawn before, and under the traces, which come later.
        axes.imshow(pixels[None], extent=extent, aspect="auto", interpolation="nearest", zorder=2)
    _write(axes, _RIGHT - 130, 6, f"speaks for {shading.of}", 8, bold=True, colour=FOR)
    _write(axes, _RIGHT - 40, 6, "speaks against it", 8, bold=True, colour=AGAINST)


def _draw_leads(axes: Axes, record: Record, scale: float) -> None:
    for name, span, baseline in _places():
        _draw_lead(axes, record, name, span, baseline, scale)
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
    _write(axes, _LEFT + 140, 205, _cut(report, _TEXT_LINES, _TEXT_WIDTH), 8)
    total = record.signal.shape[1] / record.rate
    shown = f"first {SECONDS:g} of {total:g} s" if total > SECONDS else f"{total:g} s"
    if record.calibrated:
        _write(axes, _LEFT, 6, f"{MM_PER_SECOND:g} mm/s   {scale:g} mm/mV   {shown}", 8)
    else:
        warning = f"{MM_PER_SECOND:g} mm/s   AMPLITUDE NOT CALIBRATED: scaled to be seen   {shown}"
        _write(axes, _LEFT, 6, warning, 8, bold=True, colour=_WARNING)


def _cut(text: str, lines: int, width: int) -> str:
    """Text in lines of so many characters, of which the last is an ellipsis where there would be more."""
    pieces = [piece for line in text.splitlines() for piece in wrap(line, width)]
    return "\n".join(pieces if len(pieces) <= lines else [*pieces[: lines - 1], "…"])


def _write(
    axes: Axes, x: float, y: float, text: str, size: float, bold: bool = False, colour: str = _INK
) -> None:
    """Text with its upper left corner at a place."""
    weight = "bold" if bold else "normal"
    axes.text(
        x, y, text, fontsize=size, weight=weight, color=colour, va="top", linespacing=1.3, parse_math=False
    )
