"""The folder ``reports/``: what an evaluation leaves behind."""

from collections.abc import Sequence
from pathlib import Path

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic, check_replaceable, inside, write_json
from rarebeat.core.tables import write_rows
from rarebeat.evaluation.certainty.tables import certainty_section
from rarebeat.evaluation.curves import (
    CONFUSION_COLUMNS,
    CURVE_COLUMNS,
    calibration_rows,
    confusion_rows,
    precision_recall_rows,
)
from rarebeat.evaluation.evaluate import Evaluation
from rarebeat.evaluation.metrics_file import metrics_content
from rarebeat.inference.handover.card_text import chosen_at_site
from rarebeat.inference.model_card import ModelCard
from rarebeat.inference.predictions import Predictions
from rarebeat.reporting.figures import calibration_figure, precision_recall_figure
from rarebeat.reporting.results import class_rows, cohort_rows, cohort_table, results_table


def how_to_read(card: ModelCard | None = None) -> str:
    """What the columns of ``results.md`` are, for who reads them the first time.

    Args:
        card: of the model; without one, its thresholds are those of the training.

    Returns:
        Sentences.
    """
    chosen = ("" if card is None else chosen_at_site(card)) or "chosen on the validation split"
    return (
        f"A threshold is the probability from which a class counts as present; it is {chosen}, and "
        "F1, precision and recall depend on it. F1 at 0.5 is what 0.5 for every class would score. AUROC and AUPRC do "
        "not depend on it: AUROC is the share of pairs, a record with the "
        "class and one without, in which the first has the higher probability (0.5 is chance); AUPRC is the precision "
        "averaged over recall (chance is the share of positives, so that it is low for rare classes)."
    )


def write_reports(
    folder: Path,
    test: Predictions,
    evaluation: Evaluation,
    title: str,
    more: Sequence[str] = (),
    card: ModelCard | None = None,
) -> list[Path]:
    """Write metrics, tables, curves and figures.

    Args:
        folder: ``reports/``.
        test: the predictions that were evaluated.
        evaluation: their scores.
        title: heading of ``results.md``: which label set, trained and tested on what.
        more: paragraphs for the end of ``results.md``.
        card: of the model; without one, its thresholds are those of the training.

    Returns:
        What was written: ``metrics.json`` (for ``dvc metrics``), ``results.md`` (for people), ``classes.csv``,
        ``confusion.csv`` and ``precision_recall/<class>.csv`` (for ``dvc plots``), and ``figures/``.

    Raises:
        RarebeatError: for a class whose name leads out of the folder.
    """
    write_json(folder / "metrics.json", metrics_content(evaluation))
    _write_markdown(folder / "results.md", evaluation, title, more, card)
    rows = [{"cohort": "all", **row} for row in class_rows(evaluation)] + cohort_rows(evaluation)
    write_rows(folder / "classes.csv", rows, list(rows[0]))
    pairs = confusion_rows(test.truth, test.decisions, test.classes)
    write_rows(folder / "confusion.csv", pairs, CONFUSION_COLUMNS)

    curves = precision_recall_rows(test.truth, test.probability, test.classes)
    check_replaceable(folder / "precision_recall", None, ["*.csv"])
    with atomic(folder / "precision_recall") as temporary:
        for name, points in curves.items():
            if inside(temporary, f"{name}.csv") is None:
                raise RarebeatError(
                    f"a class of the predictions is named {name!r}, which leads out of {folder}"
                )
            write_rows(temporary / f"{name}.csv", points, CURVE_COLUMNS)

    known = evaluation.known.clip(min=1)
    prevalence = dict(zip(evaluation.classes, (evaluation.positives / known).tolist(), strict=True))
    precision_recall_figure(folder / "figures" / "precision_recall.png", curves, prevalence)
    calibration_figure(
        folder / "figures" / "calibration.png", calibration_rows(test.truth, test.probability, test.classes)
    )
    written = ("metrics.json", "results.md", "classes.csv", "confusion.csv", "precision_recall", "figures")
    return [folder / name for name in written]


def _write_markdown(
    path: Path, evaluation: Evaluation, title: str, more: Sequence[str], card: ModelCard | None
) -> None:
    parts = [f"# {title}", results_table(evaluation)]
    if evaluation.cohorts:
        parts.append(cohort_table(evaluation))
    parts += [how_to_read(card), *certainty_section(evaluation.certainty), *more]
    with atomic(path) as temporary:
        temporary.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
