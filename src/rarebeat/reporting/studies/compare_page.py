"""The page of a study: its cells side by side, in a section for each set of records that they were tested on."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.core.parallel import map_in_order
from rarebeat.core.tables import Row, markdown_table, people_text, write_rows
from rarebeat.evaluation.evaluate import EvaluateSettings
from rarebeat.evaluation.studies.cells import SEED, Cell, CompareSettings, sections, with_ensembles
from rarebeat.evaluation.studies.compare import AVERAGE, Value, class_rows, common_columns, rule_rows
from rarebeat.inference.model_folder import CARD, ModelCard, load_model, read_card
from rarebeat.metrics.bagged_thresholds import MIN_POSITIVES
from rarebeat.models.size import parameters
from rarebeat.reporting.figures import curve_figure, interval_figure
from rarebeat.reporting.studies.baseline_tables import baseline_section, range_text
from rarebeat.reporting.studies.compare_tables import (
    class_section,
    main_number,
    rule_section,
    single_cells,
    value_of,
)
from rarebeat.reporting.studies.label_sets_tables import label_set_section


def write_comparison(
    page: Path,
    cells: Sequence[Cell],
    about: str,
    settings: CompareSettings,
    intervals: EvaluateSettings,
    models: Path,
    workers: int = 1,
    ending: Sequence[str] = (),
) -> dict[str, Row]:
    """Score all cells, and write the page, its table (CSV) and its figure (PNG) side by side.

    Args:
        page: Markdown to write.
        cells: of the study.
        about: Markdown that the page begins with.
        settings: how the cells are compared.
        intervals: of the bootstrap.
        models: folder with the :func:`model_folders` of each cell by its name.
        workers: processes that score.
        ending: Markdown that the page ends with.

    Returns:
        Numbers of each cell by its name, for the tracking server.

    Raises:
        RarebeatError: when a model cannot be read, or the cells have no class in common.
    """
    cards = {cell.name: read_card(model_folders(models / cell.name)[0]) for cell in cells}
    parts, panels, scored = (
        [about.strip(), network_table(models, cards, by_records=not settings.against)],
        dict[str, pd.DataFrame](),
        list[Row](),
    )
    curves: dict[str, list[tuple[str, str, Value]]] = {}
    everyone = sections(cells)
    for section, title in zip(everyone, _titles(everyone), strict=True):
        factors = _varying(section)
        parts += [f"## {title}", records_text(section, choosing=bool(settings.rules))]
        if settings.classes:
            text, rows, by_class_and_title = label_set_section(section, settings, intervals, workers)
            parts.append(text)
            several = f" ({title})" if len(everyone) > 1 else ""
            curves |= {f"{name}{several}": shown for name, shown in by_class_and_title.items()}
        elif settings.against:
            text, rows, by_metric = baseline_section(section, settings, intervals, cards, workers)
            parts.append(text)
            several = f" ({title})" if len(everyone) > 1 else ""
            curves |= {f"{name}{several}": shown for name, shown in by_metric.items()}
        elif settings.rules:
            # By group, for an ensemble has no card of its own.
            least = {
                cell.group: cards[cell.name].training.get("min_positives", MIN_POSITIVES) for cell in section
            }
            by_rule = partial(_rule_rows, rules=settings.rules, intervals=intervals, least=least)
            rows = list(chain(*map_in_order(by_rule, with_ensembles(section), workers)))
            panels[title] = _frame(rows, factors)
            parts.append(rule_section(panels[title], factors))
        else:
            columns = common_columns(section, settings.at_least)
            by_class = partial(class_rows, columns=columns, settings=intervals)
            rows = list(chain(*map_in_order(by_class, with_ensembles(section), workers)))
            panels[title] = _frame(rows, factors)
            parts.append(class_section(panels[title], section, columns, intervals))
        scored += rows
    if not scored:
        raise RarebeatError(
            f"no class has {settings.at_least} positive test records: use more data, or lower compare.at_least"
        )
    name = page.stem
    parts += [
        f"![All groups with their intervals]({name}.png)",
        f"All numbers, cell by cell, are in [{name}.csv]({name}.csv).",
        *filter(None, map(str.strip, ending)),
    ]
    write_rows(page.with_suffix(".csv"), scored, list(scored[0]))
    if curves and settings.against:
        drawn = dict.fromkeys(entry for shown in curves.values() for _, entry, _ in shown)
        series = list(dict.fromkeys([*map(str, settings.against.values()), *drawn]))
        curve_figure(page.with_suffix(".png"), curves, series, "", settings.across or "")
    elif curves:
        curve_figure(page.with_suffix(".png"), curves, list(settings.columns), "AUPRC")
    else:
        study_figure(page.with_suffix(".png"), panels, by_rule=bool(settings.rules))
    with atomic(page) as temporary:
        temporary.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return {cell.name: _numbers(cell, scored) for cell in cells}


def model_folders(cell: Path) -> list[Path]:
    """The model folder of a cell, or those in it, where it has a model for each class.

    Raises:
        RarebeatError: when there is none.
    """
    found = [cell] if (cell / CARD).is_file() else [path.parent for path in sorted(cell.glob(f"*/{CARD}"))]
    if not found:
        raise RarebeatError(f"there is no model in {cell}")
    return found


def _rule_rows(
    cell: Cell, rules: Sequence[str], intervals: EvaluateSettings, least: Mapping[tuple[str, ...], int]
) -> list[Row]:
    return rule_rows(cell, rules, intervals, least[cell.group])


def _frame(rows: Sequence[Row], factors: Sequence[str]) -> pd.DataFrame:
    """Rows of one section, with the seed and a name for each group."""
    frame = pd.DataFrame([{SEED: "", **row} for row in rows])
    frame["group"] = frame[list(factors)].agg(" ".join, axis=1)
    return frame


def _varying(section: Sequence[Cell]) -> list[str]:
    """The factors that the groups of a section differ in; the last one where there is a single group."""
    factors = [name for name in section[0].factors if name != SEED]
    varying = [name for name in factors if len({cell.factors[name] for cell in section}) > 1]
    return varying or factors[-1:]


def _titles(everyone: Sequence[Sequence[Cell]]) -> list[str]:
    """What tells each section from the others, no two alike: the factors whose values no two sections share in part."""
    told = list[list[str]]([] for _ in everyone)
    for name in everyone[0][0].factors:
        values = [list(dict.fromkeys(cell.factors[name] for cell in section)) for section in everyone]
        kinds = {frozenset(own) for own in values}
        if len(kinds) > 1 and sum(map(len, kinds)) == len(frozenset().union(*kinds)):
            for words, own in zip(told, values, strict=True):
                words.append(f"{name} {' and '.join(own)}")
    titles = [", ".join(words) or "Results" for words in told]
    return [
        title if titles.count(title) == 1 else f"{title} ({titles[: place + 1].count(title)})"
        for place, title in enumerate(titles)
    ]


def _numbers(cell: Cell, rows: Sequence[Row]) -> Row:
    """Rows of one cell as one mapping, with names such as ``max_f1.score`` and ``sinus_rhythm.auroc``."""
    own = [row for row in rows if all(row[name] == value for name, value in cell.factors.items())]
    return {
        f"{row.get('rule', row.get('class'))}.{name}": value
        for row in own
        for name, value in row.items()
        if isinstance(value, float)
    }


def network_table(models: Path, cards: Mapping[str, ModelCard], by_records: bool = True) -> str:
    """Which networks were trained, their size, and what they learnt from.

    Args:
        models: folder with the model folder of each cell by its name.
        cards: of the cells.
        by_records: say how many records were learnt from, and of which cohorts.

    Returns:
        A Markdown table with a row for each network and number of classes, and for each set of cohorts.
    """
    kinds: dict[tuple[str, ...], list[str]] = {}
    for name, card in cards.items():
        settings = ", ".join(f"{key} {value}" for key, value in card.settings.items())
        cohorts = ", ".join(card.cohorts) if by_records else ""
        kinds.setdefault((card.architecture, settings, str(len(card.classes)), cohorts), []).append(name)
    rows = []
    for (architecture, settings, classes, cohorts), names in kinds.items():
        network, _ = load_model(model_folders(models / names[0])[0])
        row = {"network": architecture, "settings": settings or "defaults", "classes": classes}
        row["parameters"] = f"{parameters(network):,}"
        if by_records:
            records = [int(cards[name].training.get("records", 0)) for name in names]
            row["learnt from"] = f"{range_text(records)} records of {cohorts}"
        rows.append(row)
    return markdown_table(rows)


def records_text(cells: Sequence[Cell], choosing: bool) -> str:
    """How many records the cells of a section were tested on, and of which classes."""
    test = cells[0].predictions.only("test")
    chosen = len(cells[0].predictions.only("validation").record_ids)
    counts = np.count_nonzero(test.truth == 1, axis=0)
    positives = ", ".join(
        f"{name} {number}" for name, number in zip(test.classes, counts.tolist(), strict=True) if number
    )
    known = np.count_nonzero(np.all([cell.known for cell in cells], axis=0))
    shared = f" {known} of {len(test.classes)} classes are known to all cells." if known else ""
    by_rules = f", {chosen:,} to choose thresholds" if choosing else ""
    text = (
        f"{people_text(len(test), np.unique(test.patients).size, test.without_patient, ',')} to test on{by_rules}."
        f"{shared} Positive test records: {positives}."
    )
    return fill(text, 120)


def study_figure(path: Path, panels: Mapping[str, pd.DataFrame], by_rule: bool) -> None:
    """Draw every group with its interval, a panel per section: the main number by rule, or macro AUROC.

    Args:
        path: PNG to write.
        panels: title of each section to its rows.
        by_rule: whether the rows are those of threshold rules.
    """
    number = main_number(next(iter(panels.values()))) if by_rule else "auroc"
    drawn: dict[str, list[tuple[str, str, Value]]] = {}
    for title, rows in panels.items():
        single = single_cells(rows)
        if not by_rule:
            single = single[single["class"] == AVERAGE].assign(rule="")
        drawn[title] = [
            (str(group), str(rule), value_of(part, number))
            for (group, rule), part in single.groupby(["group", "rule"], sort=False)
        ]
    interval_figure(
        path, drawn, {"score": "challenge score", "f1": "macro F1", "auroc": "macro AUROC"}[number]
    )
