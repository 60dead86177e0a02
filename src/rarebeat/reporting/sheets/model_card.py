"""The card of a model as Markdown, with what a run knows: data, labels, scores by group, calibration, limits.

It is what ``rarebeat publish --card`` makes the text of a repository of. Its words on use and limits are those of
:mod:`rarebeat.inference.handover.card_text`, its tables those of the page of the run.
"""

from rarebeat.core.records import REASONS
from rarebeat.core.tables import Row
from rarebeat.evaluation.certainty.tables import certainty_section
from rarebeat.evaluation.groups import FEWEST, Groups
from rarebeat.inference.handover.card_text import (
    INTENDED,
    NOT_A_DEVICE,
    NOT_INTENDED,
    input_text,
    limits_of,
    title_of,
)
from rarebeat.reporting.page.asked import warnings_of
from rarebeat.reporting.page.card import about, training_of
from rarebeat.reporting.page.cohort import cohort_row
from rarebeat.reporting.page.findings import SPLITS, Findings
from rarebeat.reporting.page.scores import group_row
from rarebeat.reporting.results import results_table
from rarebeat.reporting.sheets.facts import RunFacts, calibration_table
from rarebeat.reporting.sheets.markdown import bullets, facts_table, trimmed

LABEL_RULES = (
    "A label is positive, negative, uncertain or not known. What a report or a list of codes does not name is negative "
    "only where the report was understood or the system of the codes is known. Uncertain and unknown labels are left "
    "out of thresholds and scores."
)
"""How labels are made, in short; docs/labels.md has it at length."""


def model_card(facts: RunFacts) -> str:
    """Write the card.

    Args:
        facts: all that is known.

    Returns:
        Markdown that begins with a heading.
    """
    findings = facts.findings
    sections = {
        "What it is for": INTENDED,
        "What it is not for": NOT_INTENDED,
        "Input": input_text(findings.card),
        "Data": "\n\n".join(data_parts(facts)),
        "Labels": "\n\n".join(label_parts(facts)),
        "Scores on the test split": results_table(findings.evaluation),
        "Scores by sex, age and cohort": "\n\n".join([*group_parts(findings), *cohort_parts(findings)]),
        "Calibration": "\n\n".join(calibration_parts(findings)),
        "Training": facts_table(training_of(findings)),
        "Limits": bullets(limits(findings)),
    }
    head = f"# {title_of(findings.card)}\n\n{facts_table(about(findings))}"
    parts = [head, *(f"## {title}\n\n{text}" for title, text in sections.items())]
    return "\n\n".join(parts) + "\n"


def data_parts(facts: RunFacts) -> list[str]:
    """Where the records come from, where they went, and who the people are.

    Args:
        facts: all that is known.

    Returns:
        Paragraphs and tables.
    """
    findings = facts.findings
    kinds = ", ".join(f"{one.name} ({one.kind})" for one in findings.cohorts if one.kind)
    refused: list[Row] = [
        {"Cohort": one.name, "Refused because": REASONS.get(reason, reason), "Records": count}
        for one in findings.cohorts
        for reason, count in one.reasons.items()
    ]
    return [
        *([f"Cohorts and kinds of their archives: {kinds}."] if kinds else []),
        trimmed([cohort_row(one) for one in findings.cohorts]),
        *([trimmed(refused)] if refused else []),
        "The splits are by patient, as far as patients are told apart. Who is in them:",
        trimmed([one.row() for one in facts.people]),
    ]


def label_parts(facts: RunFacts) -> list[str]:
    """How labels were made, how much was understood, and how many there are of each class.

    Args:
        facts: all that is known.

    Returns:
        Paragraphs and tables.
    """
    findings = facts.findings
    parts = [
        f"The classes are those of the label set {findings.card.heads} of the vocabulary "
        f"{findings.card.vocabulary}. {LABEL_RULES}"
    ]
    if facts.labelling:
        parts.append(trimmed([one.row() for one in facts.labelling]))
    others = set(findings.card.cohorts) ^ {one.name for one in findings.cohorts}
    where = "; train and validation of all cohorts of the shards" if others else ""
    parts.append(
        "Positive records of each class (in training after class re-sampling, if any), and the share of records whose "
        f"label is known{where}:"
    )
    parts.append(trimmed([_class_row(findings, name) for name in findings.card.classes]))
    return parts


def _class_row(findings: Findings, name: str) -> Row:
    row: Row = {"Class": name, "Code": findings.card.codes.get(name)}
    for split in SPLITS[:2]:
        counts = findings.of_split(split)
        entry = counts["classes"][name]["after"]
        row[split.capitalize()] = entry["positive"]
        unknown = entry["uncertain"] + entry["unknown"]
        row[f"known in {split}"] = _share(counts["records"] - unknown, counts["records"])
    scored = findings.evaluation
    place = scored.classes.index(name)
    row["Test"] = int(scored.positives[place])
    row["known in test"] = _share(int(scored.known[place]), scored.records)
    return row


def _share(part: int, whole: int) -> str | None:
    return f"{100 * part / whole:.1f} %" if whole else None


def group_parts(findings: Findings) -> list[str]:
    """Scores of groups of people.

    Args:
        findings: all that is known.

    Returns:
        Paragraphs and tables.
    """
    parts = [part for title, groups in findings.groups.items() for part in _division(title, groups)]
    return parts or ["Neither sex nor age is known of these records, or all are alike in both."]


def cohort_parts(findings: Findings) -> list[str]:
    """Scores of each cohort alone.

    Args:
        findings: all that is known.

    Returns:
        Paragraphs and a table.
    """
    if not (cohorts := findings.evaluation.cohorts):
        return ["There is one cohort in the test split."]
    return [
        "By cohort, each over the classes with enough positive patients in that cohort:",
        trimmed([group_row(name, part) for name, part in cohorts.items()]),
    ]


def _division(title: str, groups: Groups) -> list[str]:
    few = "; ".join(f"{name}: {count:,} records" for name, count in groups.too_few.items())
    over = (
        f"the {len(groups.classes)} classes that have"
        if len(groups.classes) > 1
        else "the one class that has"
    )
    said = (
        f"By {title.lower()} over {over} enough positive patients in every group: "
        f"{', '.join(groups.classes)}. A difference smaller than the intervals may be chance."
        if groups.classes
        else f"By {title.lower()}: no class has enough positive patients in every group, so that groups cannot be "
        "compared."
    )
    not_scored = f" Not scored, with fewer than {FEWEST} patients: {few}." if few else ""
    rows = [group_row(name, part) for name, part in groups.scored.items()]
    return [said + not_scored, *([trimmed(rows)] if rows else [])]


def calibration_parts(findings: Findings) -> list[str]:
    """How far probabilities are frequencies.

    Args:
        findings: all that is known.

    Returns:
        Paragraphs and a table.
    """
    return [
        "A probability is calibrated where of the records that are called with 30 % some 30 % have the class. The "
        "calibration error is the distance between the two in ten steps of probability, averaged over records; on few "
        "records some of it is chance.",
        trimmed(calibration_table(findings)),
        *certainty_section(findings.evaluation.certainty)[1:],  # the heading stands already
    ]


def limits(findings: Findings) -> list[str]:
    """What bounds the use of the model, and what makes its scores worth less than they look.

    Args:
        findings: all that is known.

    Returns:
        Sentences.
    """
    return [
        *limits_of(findings.card),
        *(text for text in warnings_of(findings) if text != NOT_A_DEVICE),
        "Nothing here has been reviewed by a clinician.",
    ]
