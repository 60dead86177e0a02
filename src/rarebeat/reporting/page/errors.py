"""The worst errors, each with its ECG on paper and what the network looked at.

What is drawn is what the network saw: the recording at its rate. ECGs of private cohorts are named as in the other
reports, and not drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rarebeat.core.records import LEADS, Record
from rarebeat.dataset.split import take
from rarebeat.evaluation.worst import WorstError, worst_errors
from rarebeat.inference.attribution import attribute
from rarebeat.inference.model_folder import load_model
from rarebeat.metrics.arrays import BoolArray
from rarebeat.reporting.ecg_page import Shading, ecg_picture
from rarebeat.reporting.page.findings import Findings
from rarebeat.reporting.page.html import Html, Section, facts, heading, paragraph, picture, scrolled

_LEADS_NAMED = 3

EXPLAINED = (
    "The errors of which the model is most certain, missed classes and false alarms, each class and patient once. Blue "
    "moments of a lead speak for the class in question, orange ones against it (integrated gradients, compared with a "
    "flat line). That is what this network used, not what makes a diagnosis; and the label may be the one that is "
    "wrong."
)
NOT_DRAWN = (
    "Not drawn: ECGs are drawn here only where they are known not to come from a private archive. "
    "rarebeat labels audit-model draws them for you alone."
)


@dataclass(frozen=True)
class Drawing:
    """An error's ECG.

    Attributes:
        png: bytes of the picture.
        leads: lead to its share of all that speaks for or against, the largest first.
    """

    png: bytes
    leads: Mapping[str, float]


def error_section(findings: Findings, model: Path) -> Section:
    """Write the section on the worst errors.

    Args:
        findings: all that is known.
        model: model folder.

    Returns:
        The section.
    """
    errors = worst_errors(findings.test)
    if not errors:
        return Section("errors", "Worst errors", [paragraph("No error on the test split.")])
    drawings = draw_errors(findings, model, [error for error in errors if _may_be_drawn(findings, error)])
    parts = [paragraph(EXPLAINED, "note")]
    for error in errors:
        parts.append(_article(findings, error, drawings.get(error.row)))
    return Section("errors", "Worst errors", parts)


def _may_be_drawn(findings: Findings, error: WorstError) -> bool:
    cohort = findings.cohort(str(findings.test.cohorts[error.row]))
    return cohort is not None and cohort.public


def draw_errors(findings: Findings, model: Path, errors: Sequence[WorstError]) -> dict[int, Drawing]:
    """Draw the ECGs of errors, with what speaks for and against the class in question.

    Args:
        findings: all that is known.
        model: model folder.
        errors: each of another record.

    Returns:
        Row of the record to its drawing.
    """
    if not errors:
        return {}
    module, card = load_model(model)
    chosen = take(findings.split, np.array([error.row for error in errors]))
    places = [card.classes.index(findings.test.classes[error.column]) for error in errors]
    found = attribute(
        module, np.asarray(chosen.signals), chosen.meta.scale, np.array(places), chosen.context, card.window
    )
    drawings = {}
    for index, error in enumerate(errors):
        name = findings.test.classes[error.column].replace("_", " ")
        shading = Shading(found.values[index], card.preprocessing.rate, name)
        png = ecg_picture(_record(findings, error), title=_title(findings, error), shading=shading)
        worth = np.abs(found.values[index]).sum(axis=1)
        order = np.argsort(-worth, kind="stable").tolist()
        shares = {LEADS[lead]: float(worth[lead] / max(worth.sum(), 1e-12)) for lead in order}
        drawings[error.row] = Drawing(png, shares)
    return drawings


def _record(findings: Findings, error: WorstError) -> Record:
    """What the network saw of a record, without its padding."""
    split, row = findings.split, error.row
    length = split.signals.shape[2] if split.lengths is None else int(split.lengths[row])
    age = None if split.ages is None or np.isnan(split.ages[row]) else float(split.ages[row])
    cohort = findings.cohort(str(split.cohorts[row]))
    return Record(
        str(split.record_ids[row]),
        np.asarray(split.signals[np.array([row])])[0, :, :length].astype(np.int16),
        split.meta.preprocessing.rate,
        str(split.cohorts[row]),
        age=age,
        sex=None if split.sexes is None else split.sexes[row],
        calibrated=split.meta.units == "mV" and cohort is not None and cohort.calibrated,
    )


def _title(findings: Findings, error: WorstError) -> str:
    kind = "Missed" if error.missed else "False alarm"
    return f"{kind}: {findings.test.classes[error.column].replace('_', ' ')}"


def _article(findings: Findings, error: WorstError, drawing: Drawing | None) -> Html:
    test, row = findings.test, error.row
    title = _title(findings, error)
    said = {
        "Record": f"{test.record_ids[row]} of {test.cohorts[row]}",
        "Label": _named(test.classes, test.truth[row] == 1),
        "Model": _named(test.classes, test.decisions[row]),
        "Probability": f"{error.probability:.3f}, present from {error.threshold:.3f}",
    }
    if test.warnings is not None and test.warnings[row]:
        said["Warning"] = test.warnings[row]
    if drawing is None:
        return Html(
            "\n".join(["<article>", heading(title), facts(said), paragraph(NOT_DRAWN, "note"), "</article>"])
        )
    leads = ", ".join(
        f"{lead} {100 * share:.0f} %" for lead, share in list(drawing.leads.items())[:_LEADS_NAMED]
    )
    said["Looked at"] = f"most at the leads {leads}"
    alt = (
        f"12-lead ECG of record {test.record_ids[row]} on ECG paper. {title}. Shaded is what speaks for and against, "
        f"most in {leads}."
    )
    shown = scrolled(picture(drawing.png, alt), f"ECG of record {test.record_ids[row]}")
    return Html("\n".join(["<article>", heading(title), facts(said), shown, "</article>"]))


def _named(classes: Sequence[str], which: BoolArray) -> str:
    names = [classes[index].replace("_", " ") for index in np.flatnonzero(which).tolist()]
    return ", ".join(names) or "none of the classes"
