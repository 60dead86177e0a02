"""Scores class by class, their curves, which class is taken for which, and scores of groups of people."""

from collections import Counter
from collections.abc import Mapping
from html import escape

import numpy as np

from rarebeat.core.tables import Row, interval_text, patients_told_apart
from rarebeat.evaluation.certainty import tables
from rarebeat.evaluation.certainty.measures import CertaintyScores
from rarebeat.evaluation.curves import NONE, calibration_rows, confusion_rows, precision_recall_rows
from rarebeat.evaluation.evaluate import Evaluation
from rarebeat.evaluation.groups import FEWEST, Groups
from rarebeat.evaluation.scores import MACRO, METRICS, MICRO
from rarebeat.reporting.page.charts import calibration_chart, precision_recall_chart
from rarebeat.reporting.page.findings import Findings
from rarebeat.reporting.page.html import Html, Section, heading, paragraph, scrolled, table

_TITLES = {"f1": "F1", "precision": "Precision", "recall": "Recall", "auroc": "AUROC", "auprc": "AUPRC"}
_COMPARED = ("f1", "auroc", "auprc")


def class_section(findings: Findings, how_to_read: str) -> Section:
    """Write the section on classes.

    Args:
        findings: all that is known.
        how_to_read: what the columns are.

    Returns:
        The section.
    """
    evaluation = findings.evaluation
    columns = range(len(evaluation.classes))
    rows = [_class_row(evaluation, index, evaluation.classes[index]) for index in columns]
    rows += [_class_row(evaluation, index, name) for index, name in ((MACRO, "macro"), (MICRO, "micro"))]
    caption = f"Every class on the test split, with {100 * evaluation.confidence:g} % intervals over patients"
    return Section("classes", "Classes", [table(rows, caption, totals=2), paragraph(how_to_read, "note")])


def _class_row(evaluation: Evaluation, column: int, name: str) -> Row:
    is_class = column >= 0
    row: Row = {
        "Class": name.replace("_", " "),
        "Records": int(evaluation.known[column]) if is_class else None,
        "Positives": int(evaluation.positives[column] if is_class else evaluation.positives.sum()),
        "Threshold": f"{evaluation.tuned.thresholds[column]:.2f}" if is_class else None,
    }
    for metric in METRICS:
        row[_TITLES[metric]] = interval_text(*evaluation.tuned.with_interval(metric, column))
        if metric == "f1":
            half = float(evaluation.at_half.scores.values["f1"][column])
            row["F1 at 0.5"] = interval_text(half, np.nan, np.nan)
    return row


def curve_section(findings: Findings) -> Section:
    """Write the section on curves.

    Args:
        findings: all that is known.

    Returns:
        The section.
    """
    test, evaluation = findings.test.known_classes(), findings.evaluation
    names = evaluation.classes
    values = evaluation.tuned.scores.values
    curves = precision_recall_rows(test.truth, test.probability, names)
    notes = {
        name: f"AUPRC {interval_text(float(values['auprc'][index]), np.nan, np.nan)}, "
        f"{int(evaluation.positives[index]):,} positive"
        for index, name in enumerate(names)
    }
    shares = (evaluation.positives / evaluation.known.clip(min=1)).tolist()
    chosen = {
        name: (float(values["recall"][index]), float(values["precision"][index]))
        for index, name in enumerate(names)
    }
    parts = [
        heading("Precision over recall"),
        paragraph("The dot is the chosen threshold; the dotted line is what chance would reach.", "note"),
        precision_recall_chart(curves, dict(zip(names, shares, strict=True)), notes, chosen),
        heading("Calibration"),
        paragraph(
            "How often a class was there over how probable the model called it, for records in ten steps of "
            "probability; the area of a point grows with its records, and the diagonal is perfect.",
            "note",
        ),
        calibration_chart(calibration_rows(test.truth, test.probability, names)),
        *_certainty_parts(evaluation.certainty),
    ]
    return Section("curves", "Curves", parts)


def _certainty_parts(scores: CertaintyScores | None) -> list[Html]:
    """What calibration and certain answers are worth; nothing where the model has none."""
    if scores is None or not scores.calibration:
        return []
    return [
        table(
            tables.calibration_rows(scores), "Before and after the calibration that is stored with the model"
        ),
        paragraph(tables.how_calibrated(scores), "note"),
        heading("Yes, no or unsure"),
        table(tables.answer_rows(scores), "How often certain answers keep their promise on the test split"),
        paragraph(tables.what_is_promised(scores), "note"),
    ]


def confusion_section(findings: Findings) -> Section:
    """Write the section on which class is taken for which.

    Args:
        findings: all that is known.

    Returns:
        The section.
    """
    test = findings.test.known_classes()
    pairs = Counter(
        (str(row["actual"]), str(row["predicted"]))
        for row in confusion_rows(test.truth, test.decisions, test.classes)
    )
    explained = (
        "A row is what the label says, a column what the model calls. An ECG has several classes: one that is right "
        "stands on the diagonal, a missed one beside each that is wrongly called on the same record, or under none; a "
        "false alarm without a missed class stands in the row none. Darker: a larger share of the row."
    )
    return Section("confusion", "Confusion", [paragraph(explained, "note"), _matrix(pairs, findings)])


def _matrix(pairs: Mapping[tuple[str, str], int], findings: Findings) -> Html:
    names = [*findings.evaluation.classes, NONE]
    codes = {name: findings.card.codes.get(name, name) for name in names}
    head = "".join(
        f'<th scope="col" class="upright"><abbr title="{escape(name)}">{escape(codes[name])}</abbr></th>'
        for name in names
    )
    lines = []
    for actual in names:
        total = max(sum(pairs.get((actual, predicted), 0) for predicted in names), 1)
        cells = "".join(
            _matrix_cell(pairs.get((actual, called), 0), total, actual == called != NONE) for called in names
        )
        lines.append(
            f'<tr><th scope="row">{escape(actual.replace("_", " "))} <small>{escape(codes[actual])}</small></th>'
            f"{cells}</tr>"
            if actual != NONE
            else f'<tr><th scope="row">{NONE}</th>{cells}</tr>'
        )
    caption = "Pairs of a class that is there and a class that is called"
    return scrolled(
        f'<table class="confusion">\n<caption>{caption}</caption>\n'
        f'<thead>\n<tr><th scope="col">label \\ model</th>{head}</tr>\n</thead>\n<tbody>\n'
        + "\n".join(lines)
        + "\n</tbody>\n</table>",
        caption,
    )


def _matrix_cell(count: int, total: int, same: bool) -> str:
    kind = ' class="same"' if same else ""
    return f'<td{kind} style="--share:{count / total:.2f}">{count:,}</td>' if count else f"<td{kind}></td>"


def group_section(findings: Findings) -> Section:
    """Write the section on groups of people and on cohorts.

    Args:
        findings: all that is known.

    Returns:
        The section.
    """
    parts = [part for title, groups in findings.groups.items() for part in _division(title, groups)]
    if findings.evaluation.cohorts:
        parts += [
            heading("Cohort"),
            table(
                [group_row(name, part) for name, part in findings.evaluation.cohorts.items()],
                "Scores by cohort; each over the classes with enough positive patients in that cohort",
            ),
        ]
    if not parts:
        parts = [paragraph("Neither sex nor age is known of these records, and there is one cohort.")]
    return Section("groups", "By sex, age and cohort", parts)


def _division(title: str, groups: Groups) -> list[Html]:
    listed = ", ".join(name.replace("_", " ") for name in groups.classes)
    said = (
        f"Over the {len(groups.classes)} classes that have enough positive patients in every group, so that groups "
        f"can be compared: {listed}. A difference smaller than the intervals may be chance."
        if groups.classes
        else "No class has enough positive patients in every group: groups cannot be compared."
    )
    few = "; ".join(f"{name}: {count:,} records" for name, count in groups.too_few.items())
    rows = [group_row(name, part) for name, part in groups.scored.items()]
    return [
        heading(title),
        *([table(rows, f"Scores by {title.lower()}")] if rows else []),
        paragraph(said + (f" Not scored, with fewer than {FEWEST} patients: {few}." if few else ""), "note"),
    ]


def group_row(name: str, part: Evaluation) -> Row:
    """The scores of a group of people, or of a cohort.

    Args:
        name: of the group.
        part: its scores.

    Returns:
        A row of the table of groups.
    """
    row: Row = {
        "Group": name,
        "Records": part.records,
        "Patients": patients_told_apart(part.patients, part.without_patient),
        "Positives": int(part.positives.sum()),
        "Classes": int(np.count_nonzero(part.averaged)),
    }
    for metric in _COMPARED:
        row[f"Macro {_TITLES[metric]}"] = interval_text(*part.tuned.with_interval(metric, MACRO))
    return row
