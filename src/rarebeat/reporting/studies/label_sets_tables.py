"""Models of different label sets side by side, class by class, as Markdown tables and as curves."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from rarebeat.core.parallel import map_in_order
from rarebeat.core.tables import Row, markdown_table
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.cells import Cell, CompareSettings
from rarebeat.evaluation.studies.compare import Value, mean_over_seeds
from rarebeat.evaluation.studies.label_sets import (
    CLASS,
    HARDLY,
    Column,
    Place,
    arrange,
    cell_row,
    difference,
)

METRIC_TITLES = {
    "f1_fixed": "F1 at 0.5",
    "f1": "F1 at the thresholds chosen on validation",
    "auprc": "AUPRC",
    "auroc": "AUROC",
}

Arranged = Mapping[Place, Mapping[str, Column]]
Rows = Mapping[tuple[str, str], Row]
"""The scores of a cell by its name and the class."""


def label_set_section(
    cells: Sequence[Cell], settings: CompareSettings, intervals: EvaluateSettings, workers: int = 1
) -> tuple[str, list[Row], dict[str, list[tuple[str, str, Value]]]]:
    """Compare the cells that were tested on the same records.

    Args:
        cells: of the section.
        settings: with the classes and the columns.
        intervals: of the bootstrap.
        workers: processes that score.

    Returns:
        The tables, all scores (a row per cell and class), and by class what a figure shows: the row, the column, and
        the AUPRC with its interval.

    Raises:
        RarebeatError: when a class is known to no cell.
    """
    arranged = arrange(cells, settings.classes, settings.columns)
    wanted = {
        (cell.name, place[0]): cell
        for place, columns in arranged.items()
        for column in columns.values()
        for cell in column.cells
    }
    jobs = list(wanted.items())
    found = map_in_order(partial(_scored, intervals=intervals), jobs, workers)
    rows: dict[tuple[str, str], Row] = dict(zip(wanted, found, strict=True))
    parts = [
        "Mean over seeds, in brackets its 95 % t-interval, which tells of the seeds alone. The best of a row is bold, "
        "whatever\nits interval."
    ]
    for metric, title in METRIC_TITLES.items():
        parts += [f"### {title}", score_table(arranged, rows, metric, settings)]
    parts += [
        "### What the other heads are worth",
        "Differences between models of the same seed. *Seeds*: mean with its t-interval. *Patients*: mean over seeds "
        "with its\nbootstrap interval over patients of the test split. An interval that holds 0 shows no difference.",
        difference_table(arranged, intervals),
        _learnt_text(arranged),
    ]
    return "\n\n".join(part for part in parts if part), list(rows.values()), _figure_rows(arranged, rows)


def _scored(job: tuple[tuple[str, str], Cell], intervals: EvaluateSettings) -> Row:
    (_, name), cell = job
    return cell_row(cell, name, intervals)


def score_table(arranged: Arranged, rows: Rows, metric: str, settings: CompareSettings) -> str:
    """One metric: a row for each class (and each value of the other factors), a column for each label set.

    Where F1 at 0.5 has a published number, it stands before ours.
    """
    titles = [title for title in settings.columns if any(title in columns for columns in arranged.values())]
    table: list[Row] = []
    for place, columns in arranged.items():
        values = {title: _over_seeds(columns[title], rows, place[0], metric) for title in columns}
        told = [title for title, value in values.items() if not np.isnan(value[0])]
        best = max(told, key=lambda title: values[title][0], default=None)
        published = settings.published.get(place[0], {}) if metric == "f1_fixed" else {}
        row: Row = {CLASS: " ".join(place), "positives": _positives(columns, rows, place[0])}
        for title in titles:
            text = _text(values[title]) if title in values else ""
            text = f"**{text}**" if title == best and len(values) > 1 else text
            row[title] = f"{published[title]:.2f} / {text}" if title in published else text or "–"
        table.append(row)
    note = "Published / ours." if metric == "f1_fixed" and settings.published else ""
    return "\n\n".join(part for part in (note, markdown_table(table)) if part)


def _over_seeds(column: Column, rows: Rows, name: str, metric: str) -> Value:
    values = [rows[cell.name, name][metric] for cell in column.cells]
    return mean_over_seeds([float(value) for value in values if isinstance(value, float)])


def _positives(columns: Mapping[str, Column], rows: Rows, name: str) -> int:
    cell = next(iter(columns.values())).cells[0]
    return int(rows[cell.name, name]["positives"] or 0)


def difference_table(arranged: Arranged, intervals: EvaluateSettings) -> str:
    """Every class's last column less each of the others: AUPRC and both F1, over seeds and over patients."""
    table: list[Row] = []
    for place, columns in arranged.items():
        *others, last = columns
        for other in others:
            found = difference(columns[last].cells, columns[other].cells, place[0], intervals)
            row: Row = {CLASS: " ".join(place), "difference": f"{last} − {other}"}
            for metric, title in (("auprc", "AUPRC"), ("f1_fixed", "F1 at 0.5"), ("f1", "F1 chosen")):
                for ends, what in zip(found[metric], ("seeds", "patients"), strict=True):
                    row[f"{title}, {what}"] = _text(ends, "+.2f")
            table.append(row)
    return markdown_table(table)


def _learnt_text(arranged: Arranged) -> str:
    """Which models have learnt hardly anything, and which were the best of several."""
    failed = [
        f"{' '.join(place)}, {title}: {column.failed} of {len(column.cells)}"
        for place, columns in arranged.items()
        for title, column in columns.items()
        if column.failed
    ]
    chosen = [
        f"{' '.join(place)}, {title}: {'-'.join(column.cells[0].group)}"
        for place, columns in arranged.items()
        for title, column in columns.items()
        if column.of > 1 and column.judged
    ]
    unjudged = [
        f"{' '.join(place)}, {title}"
        + (f" (the first of {column.of} ways was taken)" if column.of > 1 else "")
        for place, columns in arranged.items()
        for title, column in columns.items()
        if not column.judged
    ]
    parts = [
        f"Models that have learnt hardly anything of the class (AUROC below {HARDLY:g} on the validation split): "
        + ("; ".join(failed) or "none")
        + "."
    ]
    if chosen:
        parts.append(f"Chosen by AUPRC on the validation split: {'; '.join(chosen)}.")
    if unjudged:
        parts.append(
            "Not told by the validation split, which lacks positive or negative records of the class: "
            f"{'; '.join(unjudged)}."
        )
    return "\n\n".join(parts)


def _figure_rows(arranged: Arranged, rows: Rows) -> dict[str, list[tuple[str, str, Value]]]:
    panels: dict[str, list[tuple[str, str, Value]]] = {}
    for place, columns in arranged.items():
        for title, column in columns.items():
            value = _over_seeds(column, rows, place[0], "auprc")
            panels.setdefault(place[0], []).append((" ".join(place[1:]), title, value))
    return panels


def _text(value: Value, form: str = ".2f") -> str:
    if np.isnan(value[0]):
        return "–"
    ends = "" if np.isnan(value[1]) else f" ({value[1]:{form}} to {value[2]:{form}})"
    return f"{value[0]:{form}}{ends}"
