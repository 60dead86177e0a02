"""Pictures of an evaluation, for the tracking server and for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rarebeat.core.files import atomic

Rows = Sequence[Mapping[str, Any]]

_COLUMNS = 6
_SIDE = 2.0  # inches
_CURVES = 3  # panels of curves in a row


def precision_recall_figure(path: Path, curves: Mapping[str, Rows], prevalence: Mapping[str, float]) -> None:
    """Draw one precision-recall curve per class, with the class's prevalence as the line that chance would give.

    Args:
        path: PNG to write.
        curves: class to rows with ``recall`` and ``precision``; classes without rows are left out.
        prevalence: class to share of positive records.
    """
    panels = {name: rows for name, rows in curves.items() if rows}

    def draw(axes: Axes, name: str) -> None:
        axes.plot(
            [row["recall"] for row in panels[name]], [row["precision"] for row in panels[name]], linewidth=1.2
        )
        axes.axhline(prevalence[name], color="grey", linewidth=0.8, linestyle=":")

    _draw_panels(path, list(panels), draw, "recall", "precision")


def calibration_figure(path: Path, rows: Rows) -> None:
    """Draw observed share against predicted probability, one panel per class; the diagonal is perfect.

    Args:
        path: PNG to write.
        rows: with ``class``, ``probability``, ``observed`` and ``records``; the area of a point grows with records.
    """
    names = list(dict.fromkeys(row["class"] for row in rows))

    def draw(axes: Axes, name: str) -> None:
        points = [row for row in rows if row["class"] == name]
        total = sum(row["records"] for row in points)
        axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
        sizes = [6 + 60 * row["records"] / total for row in points]
        axes.scatter([row["probability"] for row in points], [row["observed"] for row in points], s=sizes)

    _draw_panels(path, names, draw, "predicted probability", "observed share")


def _draw_panels(path: Path, names: Sequence[str], draw: Any, xlabel: str, ylabel: str) -> None:
    """Draw one small square panel per name, all axes from 0 to 1."""
    lines = max(1, -(-len(names) // _COLUMNS))
    width = min(max(len(names), 1), _COLUMNS)
    figure = Figure(figsize=(_SIDE * width + 0.6, _SIDE * lines + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    for index, name in enumerate(names):
        axes = figure.add_subplot(lines, width, index + 1)
        draw(axes, name)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        axes.set_title(name.replace("_", " "), fontsize=7)
        axes.tick_params(labelsize=6)
    figure.supxlabel(xlabel, fontsize=8)
    figure.supylabel(ylabel, fontsize=8)
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def interval_figure(
    path: Path, panels: Mapping[str, Sequence[tuple[str, str, tuple[float, float, float]]]], xlabel: str
) -> None:
    """Draw numbers with their intervals, a panel for each set of records and a colour for each series.

    Args:
        path: PNG to write.
        panels: title to (name, series, (value, low, high)); NaN ends are not drawn.
        xlabel: what the numbers are.
    """
    series = list(dict.fromkeys(entry for rows in panels.values() for _, entry, _ in rows))
    names = {title: list(dict.fromkeys(name for name, _, _ in rows)) for title, rows in panels.items()}
    height = 0.35 * max(len(entries) for entries in names.values()) * max(1.0, len(series) / 3) + 1.2
    figure = Figure(figsize=(4.2 * len(panels) + 1.5, height), layout="constrained")
    FigureCanvasAgg(figure)
    for index, (title, rows) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), index + 1)
        for name, entry, (value, low, high) in rows:
            place = names[title].index(name) + 0.7 * (series.index(entry) + 0.5) / len(series) - 0.35
            colour = f"C{series.index(entry)}"
            axes.plot([value], [place], "o", color=colour, markersize=4)
            axes.plot([low, high], [place, place], color=colour, linewidth=1)
        axes.set_yticks(range(len(names[title])), names[title], fontsize=7)
        axes.invert_yaxis()
        axes.grid(axis="x", linewidth=0.4)
        axes.set_title(title, fontsize=8)
        axes.tick_params(axis="x", labelsize=7)
    if len(series) > 1:
        handles = [
            Line2D([], [], marker="o", color=f"C{index}", markersize=4) for index in range(len(series))
        ]
        figure.legend(handles, series, fontsize=7, loc="outside upper center", ncols=len(series))
    figure.supxlabel(xlabel, fontsize=8)
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def curve_figure(
    path: Path,
    panels: Mapping[str, Sequence[tuple[str, str, tuple[float, float, float]]]],
    series: Sequence[str],
    ylabel: str,
    xlabel: str = "",
) -> None:
    """Draw numbers with their intervals over an ordered axis, a panel for each class and a curve for each series.

    Args:
        path: PNG to write.
        panels: title to (place on the axis, series, (value, low, high)); NaN ends are not drawn.
        series: the order of the series.
        ylabel: what the numbers are.
        xlabel: what the places on the axis are.
    """
    lines = -(-len(panels) // _CURVES)
    figure = Figure(figsize=(3.2 * min(len(panels), _CURVES), 2.6 * lines + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    for index, (title, rows) in enumerate(panels.items()):
        axes = figure.add_subplot(lines, min(len(panels), _CURVES), index + 1)
        places = list(dict.fromkeys(place for place, _, _ in rows))
        for number, entry in enumerate(series):
            own = [(places.index(place), ends) for place, name, ends in rows if name == entry]
            shift = 0.08 * (number - (len(series) - 1) / 2)
            x = [place + shift for place, _ in own]
            axes.plot(x, [ends[0] for _, ends in own], "o-", color=f"C{number}", markersize=4, label=entry)
            for place, (_, low, high) in zip(x, (ends for _, ends in own), strict=True):
                axes.plot([place, place], [low, high], color=f"C{number}", linewidth=1)
        axes.set_xticks(range(len(places)), places, fontsize=7)
        axes.set(xlim=(-0.5, len(places) - 0.5))
        axes.grid(axis="y", linewidth=0.4)
        axes.set_title(title.replace("_", " "), fontsize=8)
        axes.tick_params(axis="y", labelsize=7)
    handles = [Line2D([], [], marker="o", color=f"C{index}", markersize=4) for index in range(len(series))]
    figure.legend(handles, series, fontsize=7, loc="outside upper center", ncols=len(series))
    figure.supylabel(ylabel, fontsize=8)
    figure.supxlabel(xlabel, fontsize=8)
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def bars_figure(path: Path, names: Sequence[str], series: Mapping[str, Sequence[float]], xlabel: str) -> None:
    """Draw numbers as horizontal bars on a logarithmic axis, several for each name.

    Args:
        path: PNG to write.
        names: from the top to the bottom.
        series: title to a number for each name.
        xlabel: what the numbers are.
    """
    figure = Figure(figsize=(7.0, 0.3 * len(names) + 1.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    height = 0.8 / len(series)
    for index, (title, values) in enumerate(series.items()):
        places = [place + (index - (len(series) - 1) / 2) * height for place in range(len(names))]
        axes.barh(places, values, height, label=title)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names], fontsize=7)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlabel(xlabel, fontsize=8)
    axes.legend(fontsize=7)
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
