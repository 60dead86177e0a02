"""The section of a study's page on codes that are not complete: its models under three readings, side by side."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from textwrap import fill

import numpy as np
import pandas as pd

from rarebeat.core.errors import RarebeatError
from rarebeat.core.parallel import map_in_order
from rarebeat.core.tables import Row, interval_text, markdown_table
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.cells import SEED, Cell, sections
from rarebeat.evaluation.studies.compare import AVERAGE, Columns
from rarebeat.evaluation.studies.incomplete_codes import (
    ABSENT,
    COMPLETE,
    LEFT_OUT,
    READING,
    reading_rows,
    readings,
    shared_columns,
)
from rarebeat.metrics.arrays import Truth
from rarebeat.reporting.studies.compare_tables import value_of

READINGS = (LEFT_OUT, COMPLETE, ABSENT)
_METRICS = {"auroc": "AUROC", "auprc": "AUPRC", "f1": "F1"}


def incomplete_codes_section(
    cells: Sequence[Cell],
    as_complete: Truth,
    settings: EvaluateSettings,
    rules: Sequence[str] = (),
    min_positives: Mapping[str, float] | None = None,
    workers: int = 1,
) -> str:
    """Score cells under three readings of incomplete codes.

    Args:
        cells: tested on the same records.
        as_complete: truth of their test split if every list of codes were complete, shape (n, classes), see
            :func:`rarebeat.evaluation.studies.incomplete_codes.truth_as_complete`.
        settings: of the intervals and of the classes that are averaged.
        rules: threshold rules that are compared.
        min_positives: name of a cell to that of its training, for the rules.
        workers: processes that score.

    Returns:
        Markdown; "" where no record that was tested on has incomplete codes.

    Raises:
        RarebeatError: when no class has enough patients with complete codes, or cells were tested on other records.
    """
    if len(sections(cells)) > 1:
        raise RarebeatError(
            "the cells were not tested on the same records with the same labels: name those that were, with --set cells"
        )
    read = [readings(cell, as_complete) for cell in cells]
    if len(read[0][COMPLETE].predictions) == len(cells[0].predictions):
        return ""
    shown, averaged = shared_columns(read, settings.at_least)
    least = min_positives or {}
    score = partial(
        _cell_rows, shown=shown, averaged=averaged, settings=settings, rules=tuple(rules), least=least
    )
    rows = pd.DataFrame(list(chain(*map_in_order(score, read, workers))))
    factors = [name for name in cells[0].factors if name != SEED]
    varying = [name for name in factors if rows[name].nunique() > 1] or factors[-1:]
    rows["group"] = rows[varying].agg(" ".join, axis=1)
    names = [cells[0].predictions.classes[column] for column in averaged]
    parts = [
        "## Incomplete codes",
        _explain(read[0], names, settings.at_least),
        average_table(rows, rules),
        "By class:" if rows["group"].nunique() == 1 else "By class, network after network:",
    ]
    for group, own in rows[rows["class"] != AVERAGE].groupby("group", sort=False):
        parts += [f"*{group}*"] if rows["group"].nunique() > 1 else []
        parts.append(class_table(own))
    return "\n\n".join(parts) + "\n"


def _cell_rows(
    read: Mapping[str, Cell],
    shown: Columns,
    averaged: Columns,
    settings: EvaluateSettings,
    rules: Sequence[str],
    least: Mapping[str, float],
) -> list[Row]:
    known = least.get("-".join(value for name, value in read[LEFT_OUT].factors.items() if name != READING))
    more = {} if known is None else {"min_positives": known}
    return [
        row for name in READINGS for row in reading_rows(read[name], shown, averaged, settings, rules, **more)
    ]


def _explain(read: Mapping[str, Cell], averaged: Sequence[str], at_least: int) -> str:
    """What the tables show, and how many records have incomplete codes."""
    everyone, complete = (read[name].predictions.only("test") for name in (LEFT_OUT, COMPLETE))
    counts, whole = Counter(everyone.cohorts.tolist()), Counter(complete.cohorts.tolist())
    lacking = {name: counts[name] - whole[name] for name in counts if whole[name] < counts[name]}
    where = ", ".join(f"{number} of {counts[name]} of {name}" for name, number in lacking.items())
    text = (
        f"Of {len(everyone)} test records {len(everyone) - len(complete)} ({where}) have codes that are not "
        "complete: whether a class that they do not name is present is not known. Here the predictions of the same "
        f"models are scored with those classes *{LEFT_OUT}*, as above; on the {len(complete)} *{COMPLETE}* records "
        f"alone; and with those classes counted as *{ABSENT}*. Models and thresholds are the same in all three. "
        f"*{LEFT_OUT.capitalize()}* keeps the positives of an incomplete list and not its negatives: classes look more "
        "common than they are, which can lift AUPRC and F1 above those of complete records. The averages are over the "
        f"{len(averaged)} classes with {at_least} positive patients or more under each, so that they can be compared "
        f"with each other, rather than with those above: {', '.join(averaged)}."
    )
    return fill(text, 120, break_on_hyphens=False)


def average_table(rows: pd.DataFrame, rules: Sequence[str] = ()) -> str:
    """Macro averages of each group, a row per reading: over seeds with t-interval, of one with that over patients."""
    means = rows[rows["class"] == AVERAGE]
    several = means["group"].nunique() > 1
    table: list[Row] = []
    for (group, reading), part in means.groupby(["group", READING], sort=False):
        row: Row = {"network": str(group)} if several else {}
        row[READING] = str(reading)
        first = part.iloc[0]
        row |= {name: f"{int(first[name]):,}" for name in ("records", "positives", "negatives")}
        for metric in ("auroc", "auprc"):
            row[f"macro {_METRICS[metric]}"] = interval_text(*value_of(part, metric))
        if (
            rules
        ):  # those of the challenge were left out where the averaged classes are not all of its classes
            row |= {
                f"macro F1, {rule}": interval_text(*value_of(part, f"f1_{rule}"))
                for rule in rules
                if f"f1_{rule}" in part
            }
        else:
            row["macro F1"] = interval_text(*value_of(part, "f1"))
            row["F1 at 0.5"] = interval_text(*value_of(part, "f1_fixed"))
        table.append(row)
    return markdown_table(table)


def class_table(rows: pd.DataFrame) -> str:
    """One row per class: positives and negatives, AUROC and AUPRC under each reading, means over seeds."""
    table: list[Row] = []
    for name, own in rows.groupby("class", sort=False):
        row: Row = {"class": str(name)}
        parts = {reading: own[own[READING] == reading] for reading in READINGS}
        for reading, part in parts.items():
            row[f"+/-, {reading}"] = f"{int(part['positives'].iloc[0])}/{int(part['negatives'].iloc[0])}"
        for metric in ("auroc", "auprc"):
            for reading, part in parts.items():
                mean = float(part[metric].astype(np.float64).mean())
                row[f"{_METRICS[metric]}, {reading}"] = interval_text(mean, np.nan, np.nan)
        table.append(row)
    return markdown_table(table)
