"""The cells of a study as Markdown tables.

All take rows of :mod:`rarebeat.evaluation.studies.compare` as a frame, of cells that were tested on the same records.
Groups, rules and classes stand in the order of their first row.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from rarebeat.core.tables import Row, interval_text, markdown_table
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.cells import ENSEMBLE, SEED, Cell, groups
from rarebeat.evaluation.studies.compare import (
    AVERAGE,
    RULE_NUMBERS,
    Columns,
    Value,
    difference_over_patients,
    mean_over_seeds,
)

MOST_PAIRS = 3
"""Values of a factor that are all compared with each other; of more, each is compared with the first."""

SINGLE = "; of a single seed the bootstrap interval over patients"
"""What stands in brackets where some groups have one seed and others have several."""

_METRICS = {"auroc": "AUROC", "auprc": "AUPRC"}


def rule_section(rows: pd.DataFrame, factors: Sequence[str]) -> str:
    """Tables of a section whose cells were scored under several threshold rules.

    Args:
        rows: of :func:`rarebeat.evaluation.studies.compare.rule_rows`, ensembles included.
        factors: that the cells differ in, without the seed.
    """
    seeds = [seed for seed in dict.fromkeys(rows[SEED]) if seed != ENSEMBLE]
    rules = list(dict.fromkeys(rows["rule"]))
    main = next((rule for rule in ("bagged_f1", "max_f1") if rule in rules), rules[0])
    what = "Challenge score" if main_number(rows) == "score" else "Macro F1"
    parts = [
        f"**{what} of single networks**: mean over seeds. In brackets its 95 % t-interval, which tells of the\n"
        "seeds alone.",
        seed_table(rows, factors),
        f"**{what} of seed {seeds[0]}**. In brackets the bootstrap interval over patients, which tells of the "
        "test\nsplit alone.",
        patient_table(rows, factors, seeds[0]),
    ]
    if (rows[SEED] == ENSEMBLE).any():
        parts += [
            f"**{what} of ensembles**: mean probability of the {len(seeds)} seeds, thresholds chosen for the "
            "mean. In\nbrackets the bootstrap interval over patients.",
            patient_table(rows, factors, ENSEMBLE),
        ]
    parts += [
        f"**Macro AUROC, and macro F1 under `{main}`**, over the learnt classes with enough positive test patients\n"
        "(`evaluate.at_least`); mean over seeds with 95 % t-interval.",
        average_table(rows, factors, main),
        "**What a difference is worth.** Differences of the score between networks that have everything else in "
        "common,\n"
        f"averaged over what is not named: mean of {len(seeds)} seed(s) with 95 % t-interval. An interval that holds 0 "
        "shows\nno difference.",
    ]
    tables = [difference_table(rows, factor, _pairs(rows[factor]), "rule") for factor in factors]
    tables += [difference_table(rows, "rule", _pairs(rows["rule"]), factor) for factor in factors[-1:]]
    return "\n\n".join([*parts, *(table for table in tables if table)])


def main_number(rows: pd.DataFrame) -> str:
    """What cells are compared by: the challenge's score, or macro F1 where the classes are not the challenge's."""
    return "score" if rows["score"].notna().any() else "f1"


def seed_table(rows: pd.DataFrame, factors: Sequence[str]) -> str:
    """The main number of single networks, one column per rule: mean over seeds, with t-interval."""
    number = main_number(rows)
    return _by_group(single_cells(rows), factors, lambda part: _seed_cell(part[number]))


def patient_table(rows: pd.DataFrame, factors: Sequence[str], seed: str) -> str:
    """The main number of one seed, or of the ensembles: a score with its bootstrap interval over patients."""
    number = main_number(rows)

    def cell(part: pd.DataFrame) -> str:
        return _text(value_of(part, number))

    return _by_group(rows[rows[SEED] == seed], factors, cell)


def _by_group(rows: pd.DataFrame, factors: Sequence[str], cell: Callable[[pd.DataFrame], str]) -> str:
    rules = list(dict.fromkeys(rows["rule"]))
    table: list[Row] = []
    for names, part in rows.groupby(list(factors), sort=False):
        row: Row = dict(zip(factors, map(str, names), strict=True))
        table.append(row | {rule: cell(part[part["rule"] == rule]) for rule in rules})
    return markdown_table(table)


def average_table(rows: pd.DataFrame, factors: Sequence[str], rule: str) -> str:
    """Macro AUROC, and macro F1 under one rule: mean over seeds with t-interval, and the ensemble's."""
    table: list[Row] = []
    for names, part in rows[rows["rule"] == rule].groupby(list(factors), sort=False):
        row: Row = dict(zip(factors, map(str, names), strict=True))
        for metric, title in (("auroc", "AUROC"), ("f1", "F1")):
            row[title] = _seed_cell(single_cells(part)[metric])
            ensemble = part.loc[part[SEED] == ENSEMBLE, metric].astype(np.float64)
            row[f"{title}, ensemble"] = f"{ensemble.iloc[0]:.2f}" if len(ensemble) else None
        table.append(row)
    return markdown_table(table)


def difference_table(rows: pd.DataFrame, what: str, pairs: Iterable[tuple[str, str]], across: str) -> str:
    """How much more one way scores than another: mean over seeds, with t-interval.

    The difference is taken between networks that have everything else in common, the seed too, and averaged over all
    that is neither compared nor a column. What remains is one number per seed. A network without a counterpart plays no
    part.

    Args:
        rows: of one section.
        what: column that is compared: a factor, or "rule".
        pairs: values of that column, the first less the second; pairs that are not there are left out.
        across: the column whose values become columns of the table.
    """
    single = single_cells(rows)
    names, number = list(dict.fromkeys(single[across])), main_number(rows)
    common = [name for name in single if name not in (what, "group", *RULE_NUMBERS)]
    scores = single.astype({number: np.float64}).set_index([*common, what])[number]
    table: list[Row] = []
    for one, other in pairs:
        if {one, other} <= set(single[what]):
            differences = scores.xs(one, level=what) - scores.xs(
                other, level=what
            )  # NaN without a counterpart
            by_seed = differences.groupby([SEED, across]).mean()
            cells = {
                name: _seed_cell(by_seed[by_seed.index.get_level_values(across) == name], "+.3f")
                for name in names
            }
            table.append({f"{what}, by {across}": f"{one} − {other}", **cells})
    return markdown_table(table)


def _pairs(values: "pd.Series[str]") -> list[tuple[str, str]]:
    """Later values less earlier ones."""
    names = list(dict.fromkeys(values))
    if len(names) > MOST_PAIRS:
        return [(name, names[0]) for name in names[1:]]
    return [(later, earlier) for earlier, later in combinations(names, 2)]


def class_section(
    rows: pd.DataFrame, cells: Sequence[Cell], columns: Columns, settings: EvaluateSettings
) -> str:
    """Tables of a section whose cells are compared class by class.

    Args:
        rows: of :func:`rarebeat.evaluation.studies.compare.class_rows`.
        cells: of the section, without ensembles.
        columns: the classes.
        settings: of the intervals.
    """
    grouped = groups(cells)
    several = any(len(members) > 1 for members in grouped.values())
    what = (
        "mean over seeds, in brackets its 95 % t-interval"
        + (SINGLE if any(len(members) == 1 for members in grouped.values()) else "")
        if several
        else f"in brackets the {100 * settings.confidence:g} % bootstrap interval over patients"
    )
    parts = [f"By class: {what}.", class_table(rows)]
    if len(grouped) > 1:
        over_seeds = "*Seeds*: over pairs of cells with the same seed. " if several else ""
        parts += [
            "Differences of the macro averages. *Patients*: bootstrap over patients, both scored on the same ones. "
            f"{over_seeds}An interval that holds 0 shows no difference.",
            group_differences(grouped, rows, columns, settings),
        ]
    return "\n\n".join(parts)


def class_table(rows: pd.DataFrame) -> str:
    """One row per class and one for their mean, with AUROC and AUPRC of each group."""
    single = single_cells(rows)
    table: list[Row] = []
    for name in dict.fromkeys(single["class"]):
        part = single[single["class"] == name]
        row: Row = {"class": str(name), "positives": int(part["positives"].iloc[0])}
        for group, own in part.groupby("group", sort=False):
            for metric, title in _METRICS.items():
                row[f"{group}: {title}"] = interval_text(*value_of(own, metric))
        table.append(row)
    return markdown_table(table)


def group_differences(
    grouped: dict[tuple[str, ...], list[Cell]],
    rows: pd.DataFrame,
    columns: Columns,
    settings: EvaluateSettings,
) -> str:
    """Every group against the first: macro AUROC and AUPRC, over patients and over seeds."""
    means = single_cells(rows)[single_cells(rows)["class"] == AVERAGE]
    several = any(len(members) > 1 for members in grouped.values())
    names = dict(zip(grouped, dict.fromkeys(means["group"]), strict=True))
    first, *others = grouped
    table: list[Row] = []
    for other in others:
        patients = difference_over_patients(grouped[other], grouped[first], columns, settings)
        row: Row = {"difference": f"{names[other]} − {names[first]}"}
        for metric, title in _METRICS.items():
            by_seed = means.pivot_table(metric, index=SEED, columns="group", aggfunc="mean")
            over_seeds = mean_over_seeds((by_seed[names[other]] - by_seed[names[first]]).dropna())
            row[f"{title}, patients"] = _text(patients[metric], "+.3f")
            if several:
                row[f"{title}, seeds"] = _text(over_seeds, "+.3f")
        table.append(row)
    return markdown_table(table)


def value_of(part: pd.DataFrame, metric: str) -> Value:
    """Mean and t-interval of several seeds; of one the bootstrap interval over patients."""
    if len(part) > 1:
        return mean_over_seeds(part[metric].dropna())
    names = [metric, f"{metric}_low", f"{metric}_high"]
    value, low, high = part.reindex(columns=names).astype(np.float64).iloc[0].tolist()
    return value, low, high


def _seed_cell(values: "pd.Series[float]", form: str = ".2f") -> str:
    return _text(mean_over_seeds(values.dropna()), form)


def _text(value: Value, form: str = ".2f") -> str:
    if np.isnan(value[0]):
        return "–"
    ends = "" if np.isnan(value[1]) else f" ({value[1]:{form}} to {value[2]:{form}})"
    return f"{value[0]:{form}}{ends}"


def single_cells(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of single models, without those of ensembles."""
    return rows[rows[SEED] != ENSEMBLE]
