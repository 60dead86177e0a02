"""Cells beside a baseline, as Markdown tables and as curves."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from rarebeat.core.parallel import map_in_order
from rarebeat.core.tables import Row, markdown_table
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.baseline import (
    CALIBRATION,
    Key,
    Series,
    arrange_series,
    baseline_rows,
    compared_columns,
    differences,
)
from rarebeat.evaluation.studies.cells import ENSEMBLE, SEED, Cell, CompareSettings, with_ensembles
from rarebeat.evaluation.studies.compare import AVERAGE, CLASS_METRICS, Columns, Value, mean_over_seeds
from rarebeat.inference.model_folder import ModelCard
from rarebeat.reporting.studies.compare_tables import SINGLE

TITLES = {"auprc": "AUPRC", "auroc": "AUROC", "f1": "F1", CALIBRATION: "Calibration error"}
DRAWN = ("auprc", "auroc", "f1")

Rows = Mapping[str, Sequence[Row]]
Panels = dict[str, list[tuple[str, str, Value]]]


def baseline_section(
    cells: Sequence[Cell],
    settings: CompareSettings,
    intervals: EvaluateSettings,
    cards: Mapping[str, ModelCard],
    workers: int = 1,
) -> tuple[str, list[Row], Panels]:
    """Compare the cells that were tested on the same records with the baseline among them.

    Args:
        cells: of the section.
        settings: with the baseline.
        intervals: of the bootstrap.
        cards: of the cells, by their names.
        workers: processes that score.

    Returns:
        The tables, all scores (a row per cell and class), and what a figure shows: by panel and metric the point, the
        series, and the macro average with its interval. Where no class has enough positive test records, a sentence
        that says so, and nothing else.

    Raises:
        RarebeatError: when no cell is the baseline.
    """
    columns = compared_columns(cells, settings.at_least)
    everyone = with_ensembles(cells)
    if not columns.size:
        text = f"No class has {settings.at_least} positive test records here (`compare.at_least`): nothing to compare."
        return text, [], {}
    found = list(map_in_order(partial(baseline_rows, columns=columns, settings=intervals), everyone, workers))
    rows: Rows = {cell.name: own for cell, own in zip(everyone, found, strict=True)}
    arranged = arrange_series(cells, settings)
    ensembles = [cell for cell in everyone if cell.factors.get(SEED) == ENSEMBLE]
    together = arrange_series(ensembles, settings, needed=False) if ensembles else []
    seeds = {len(own) for one in arranged for own in one.points.values()}
    ends = "its 95 % t-interval over seeds" if max(seeds) > 1 else "its bootstrap interval over patients"
    ends += SINGLE if max(seeds) > 1 == min(seeds) else ""
    parts = [
        f"Macro averages over the {len(columns)} classes with {settings.at_least} positive test records or more. In "
        f"brackets {ends}. A class that a model does not know counts as never called.",
        f"*{TITLES[CALIBRATION]}*: how far the mean probability is from the share of positives, in logits, mean over "
        "the classes that the model knows; 0 is best.",
    ]
    titles = panel_titles([one.panel for one in arranged])
    for panel, title in titles.items():
        own = [one for one in arranged if one.panel == panel]
        if title:
            parts.append(f"### {title}")
        parts += [
            average_table(own, rows, cards, settings),
            difference_text(own, rows, columns, settings, intervals),
            ensemble_text(
                [one for one in together if one.panel == panel], rows, columns, settings, intervals
            ),
        ]
        parts += ["By class: AUPRC / AUROC / F1, mean over seeds.", class_table(own, rows, settings)]
    panels: Panels = {}
    for one in arranged:  # a line of panels for each, with a panel for each metric
        for metric in DRAWN:
            title = f"{titles[one.panel]} macro {TITLES[metric]}".lstrip()
            panels.setdefault(title, []).extend(
                (point, one.name, _score(cells_there, rows, AVERAGE, metric))
                for point, cells_there in one.points.items()
            )
    drawn = {title: sorted(entries, key=lambda entry: _order(entry[0])) for title, entries in panels.items()}
    return "\n\n".join(part for part in parts if part), [row for own in found for row in own], drawn


def panel_titles(panels: Sequence[Key]) -> dict[Key, str]:
    """Name panels by what tells them apart.

    Args:
        panels: values of the same factors, one after the other.

    Returns:
        Each panel once, with its title; an empty one where there is a single panel.

    Example:
        >>> panel_titles([("ptb-xl", "hughes34"), ("ptb-xl", "se_resnet")])
        {('ptb-xl', 'hughes34'): 'hughes34', ('ptb-xl', 'se_resnet'): 'se_resnet'}
    """
    values = [set(own) for own in zip(*panels, strict=True)]
    return {
        panel: " ".join(value for value, there in zip(panel, values, strict=True) if len(there) > 1)
        for panel in panels
    }


def average_table(
    series: Sequence[Series], rows: Rows, cards: Mapping[str, ModelCard], settings: CompareSettings
) -> str:
    """The macro averages of the series of one panel, point by point."""
    table: list[Row] = []
    for place, cells in _places(series, settings):
        known = [int(_of(rows[cell.name], AVERAGE)["known"] or 0) for cell in cells]
        learnt: Row = {"learnt from": _records(cells, cards)}
        table.append(place | learnt | _averages(cells, rows) | {"classes known": range_text(known)})
    return markdown_table(table)


def _places(series: Sequence[Series], settings: CompareSettings) -> Iterator[tuple[Row, Sequence[Cell]]]:
    """The first columns of each row of a table, point by point, and the cells that the row is of."""
    factor, across = next(iter(settings.against)), settings.across
    for point in _points(series):
        for one in series:
            if point in one.points:
                place: Row = {across: point} if across else {}
                yield place | {factor: one.name}, one.points[point]


def _averages(cells: Sequence[Cell], rows: Rows) -> Row:
    return {title: _text(_score(cells, rows, AVERAGE, metric)) for metric, title in TITLES.items()}


def _records(cells: Sequence[Cell], cards: Mapping[str, ModelCard]) -> str:
    """How many records the models have learnt from last, and from which cohorts."""
    own = [cards[cell.name] for cell in cells]
    records = range_text([int(card.training.get("records", 0)) for card in own])
    return f"{records} of {', '.join(dict.fromkeys(name for card in own for name in card.cohorts))}"


def difference_text(
    series: Sequence[Series],
    rows: Rows,
    columns: Columns,
    settings: CompareSettings,
    intervals: EvaluateSettings,
) -> str:
    """Every series of a panel less its baseline."""
    factor, value = next(iter(settings.against.items()))
    table = difference_table(series, rows, columns, settings, intervals)
    if not table:
        return ""
    return "\n\n".join(
        [
            f"Differences to {factor} {value}, between models of the same seed. *Patients*: mean over seeds with its "
            "bootstrap interval over patients, both scored on the same ones. *Seeds*: the same mean with its "
            "t-interval. An interval that holds 0 shows no difference.",
            table,
        ]
    )


def ensemble_text(
    series: Sequence[Series],
    rows: Rows,
    columns: Columns,
    settings: CompareSettings,
    intervals: EvaluateSettings,
) -> str:
    """The ensembles of the seeds: what they score, and how much more than that of the baseline."""
    if not series:
        return ""
    factor, value = next(iter(settings.against.items()))
    table = [place | _averages(cells, rows) for place, cells in _places(series, settings)]
    parts = [
        "Ensembles: the mean of the probabilities of all seeds. In brackets bootstrap intervals over patients.",
        markdown_table(table),
    ]
    if differences_table := difference_table(series, rows, columns, settings, intervals):
        parts += [f"Ensembles less that of {factor} {value}.", differences_table]
    return "\n\n".join(parts)


def difference_table(
    series: Sequence[Series],
    rows: Rows,
    columns: Columns,
    settings: CompareSettings,
    intervals: EvaluateSettings,
) -> str:
    """Every series of a panel less its baseline, without words; "" where there is nothing to compare."""
    (_, value), across = next(iter(settings.against.items())), settings.across
    baseline = next((one for one in series if one.name == str(value)), None)
    if baseline is None:
        return ""
    table: list[Row] = []
    for one in series:
        if one is baseline:
            continue
        alone = [point for point in one.points if point not in baseline.points]
        for found in differences(one, baseline, rows, columns, intervals):
            at = f" at {found.point}" if len(alone) > 1 and found.point in alone else ""
            row: Row = {"difference": f"{one.name}{at} − {baseline.name}"}
            row |= {f"{across} of {baseline.name}": found.baseline} if across else {}
            for metric in ("auprc", "auroc", "f1"):
                row[f"{TITLES[metric]}, patients"] = _text(found.over_patients[metric], "+.3f")
                if not np.isnan(found.over_seeds[metric][1]):
                    row[f"{TITLES[metric]}, seeds"] = _text(found.over_seeds[metric], "+.3f")
            table.append(row)
    return markdown_table(table) if table else ""


def class_table(series: Sequence[Series], rows: Rows, settings: CompareSettings) -> str:
    """Each class of one panel, a column for each series."""
    any_cell = next(iter(series[0].points.values()))[0]
    names = [str(row["class"]) for row in rows[any_cell.name] if row["class"] != AVERAGE]
    table: list[Row] = []
    for name in names:
        for point in _points(series):
            row: Row = {"class": name, "positives": _of(rows[any_cell.name], name)["positives"]}
            row |= {settings.across: point} if settings.across else {}
            for one in series:
                if point in one.points:
                    values = [_score(one.points[point], rows, name, metric)[0] for metric in DRAWN]
                    row[one.name] = " / ".join(f"{value:.2f}" for value in values)
                else:
                    row.setdefault(one.name, "–")
            table.append(row)
    return markdown_table(table)


def _points(series: Sequence[Series]) -> list[str]:
    return sorted(dict.fromkeys(point for one in series for point in one.points), key=_order)


def _order(point: str) -> tuple[int, float, str]:
    """Numbers by their size, before words."""
    try:
        return 0, float(point), ""
    except ValueError:
        return 1, 0.0, point


def _score(cells: Sequence[Cell], rows: Rows, name: str, metric: str) -> Value:
    """Mean and t-interval of several seeds; of one, the bootstrap interval over patients."""
    own = [_of(rows[cell.name], name) for cell in cells]
    values = [float(row[metric] or 0.0) for row in own if row[metric] is not None]
    if len(own) == 1 and metric in CLASS_METRICS and values:
        ends = (own[0][f"{metric}_low"], own[0][f"{metric}_high"])
        low, high = (np.nan if end is None else float(end) for end in ends)
        return values[0], low, high
    return mean_over_seeds(values)


def _of(rows: Sequence[Row], name: str) -> Row:
    return next(row for row in rows if row["class"] == name)


def range_text(numbers: Sequence[int]) -> str:
    """Write the least and the largest of some numbers, or the one that they all are.

    Example:
        >>> range_text([1310, 1297, 1325]), range_text([5, 5])
        ('1,297 to 1,325', '5')
    """
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _text(value: Value, form: str = ".3f") -> str:
    if np.isnan(value[0]):
        return "–"
    ends = "" if np.isnan(value[1]) else f" ({value[1]:{form}} to {value[2]:{form}})"
    return f"{value[0]:{form}}{ends}"
