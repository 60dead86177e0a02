"""The folder of a model audit, written whole or not at all.

::

    OUT/
      disagreements.csv   every disagreement, the most surprising first (COLUMNS)
      to_judge.csv        those on the pages, for `rarebeat labels model-verdicts` (SAMPLE_COLUMNS)
      summary.md          counts, agreement, what the signal rules out; summary.json has the same and more
      <class>.html        the ECGs of a class on which a clinician is to decide
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rarebeat.audit.adjudication import SAMPLE_COLUMNS, WORDS
from rarebeat.audit.case_page import Picture, case_page, draw_records, page_file
from rarebeat.audit.disagreement import Group
from rarebeat.audit.evidence import Reading, read_evidence
from rarebeat.audit.model_disagreement import SIDES, Agreement, Case, ModelAudit
from rarebeat.audit.statistics import kappa_cell, kappa_content
from rarebeat.core.files import atomic, check_replaceable, write_csv, write_json
from rarebeat.core.tables import Row, interval_text, markdown_table, tidy
from rarebeat.labels.signal_rules import RULES

SAMPLE = "to_judge.csv"
WRITTEN = ("disagreements.csv", "summary.json", "summary.md", "*.html")
"""What a model audit holds besides."""

_ENOUGH = 20  # records below which the kappa of a source is not shown

_MEASURED = ("rate", "variation", "entropy", "qrs", "axis", "limb_voltage", "chest_voltage")
COLUMNS = (
    "class",
    "label",
    "rank",
    "cohort",
    "source",
    "record_id",
    "split",
    "probability",
    "threshold",
    "calibrated",
    "surprise",
    "signal",
    *_MEASURED,
)


def write_model_audit(
    out: Path, audit: ModelAudit, records: Path, labels: Path, per_class: int, blind: bool
) -> dict[str, int]:
    """Write the folder of a model audit.

    Args:
        out: folder to write; an earlier audit is replaced.
        audit: what was found.
        records: folder that holds the records of each cohort by its name.
        labels: folder that holds the labels of each cohort by its name.
        per_class: at most so many ECGs of each class and label are drawn, the most surprising ones.
        blind: whether a page hides what label, model and signal say until a decision is made.

    Returns:
        How many ECGs each page shows, by class; classes without disagreements have no page.

    Raises:
        RarebeatError: when ``out`` holds something else or cannot be written, or records or labels cannot be read.
    """
    check_replaceable(out, SAMPLE, WRITTEN)
    shown = {name: audit.of(name, per_class) for name in audit.classes}
    shown = {name: cases for name, cases in shown.items() if cases}
    evidence, pictures = _look_up([case for cases in shown.values() for case in cases], records, labels)
    counts = {name: len(cases) for name, cases in shown.items()}
    with atomic(out) as folder:
        folder.mkdir()
        write_csv(folder / "disagreements.csv", COLUMNS, map(_cells, audit.cases))
        write_csv(folder / SAMPLE, SAMPLE_COLUMNS, (_sample(case) for name in shown for case in shown[name]))
        write_json(folder / "summary.json", audit_content(audit))
        (folder / "summary.md").write_text(audit_summary(audit), encoding="utf-8")
        for name, cases in shown.items():
            page = case_page(name, cases, evidence, pictures, counts, blind)
            (folder / page_file(name)).write_text(page, encoding="utf-8")
    return counts


def _look_up(
    cases: Sequence[Case], records: Path, labels: Path
) -> tuple[Mapping[str, Sequence[Reading]], Mapping[str, Picture]]:
    """Evidence and picture of each case, by its name."""
    cohorts: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        cohorts[case.cohort].append(case)
    evidence: dict[str, Sequence[Reading]] = {}
    pictures: dict[str, Picture] = {}
    for cohort, group in cohorts.items():
        readings = read_evidence(labels / cohort, {(case.record_id, case.class_id) for case in group})
        drawn = draw_records(records / cohort, {case.record_id for case in group})
        for case in group:
            evidence[case.name] = readings[case.record_id, case.class_id]
            pictures[case.name] = drawn[case.record_id]
    return evidence, pictures


def _cells(case: Case) -> tuple[object, ...]:
    place = (case.rank, case.cohort, case.source, case.record_id, case.split)
    numbers = (case.probability, case.threshold, case.calibrated, case.surprise)
    measured = (getattr(case.measurements, name) for name in _MEASURED)
    return (
        case.class_id,
        WORDS[case.label],
        *place,
        *(f"{number:.5g}" for number in numbers),
        WORDS[case.signal],
        *("" if value is None else f"{value:.5g}" for value in measured),
    )


def _sample(case: Case) -> tuple[object, ...]:
    said = (WORDS[case.label], WORDS[not case.label], WORDS[case.signal])
    return (case.name, case.class_id, case.cohort, case.record_id, *said)


def audit_content(audit: ModelAudit) -> dict[str, Any]:
    """What ``summary.json`` holds."""
    return {
        "records": audit.records,
        "disagreements": len(audit.cases),
        "not_ranked": dict(audit.not_ranked),
        "kappa": _agreement_content(audit.classes, audit.kappas),
        "signal": {
            entry.class_id: {
                "rule": str(RULES[entry.class_id]),
                "source": RULES[entry.class_id].source,
                **{
                    side: {"present": present, "contradicted": contradicted}
                    for side, (present, contradicted) in (("label", entry.label), ("model", entry.model))
                },
            }
            for entry in audit.contradicted
        },
        "groups": [_group_content(group) for group in audit.groups],
    }


def _agreement_content(classes: Sequence[str], agreement: Agreement) -> dict[str, Any]:
    return {
        name: {f"{one}-{other}": kappa_content(agreement[one, other], index) for one, other in SIDES}
        for index, name in enumerate(classes)
    }


def _group_content(group: Group) -> dict[str, Any]:
    numbers = {name: tidy(getattr(group, name)) for name in ("share", "low", "high")}
    others = None if group.others is None else tidy(group.others)
    return asdict(group) | numbers | {"others": others, "stands_out": group.stands_out}


def audit_summary(audit: ModelAudit) -> str:
    """What ``summary.md`` holds: disagreements by class, where they cluster, agreement, and the signal's word."""
    ranked = len(audit.classes) - len(audit.not_ranked)
    parts = [
        "# Where model and labels disagree",
        f"{audit.records} records, {ranked} of {len(audit.classes)} classes, {len(audit.cases)} disagreements. "
        "A class or source in bold has more of them than the others: at least five, and by Fisher's exact test "
        "(one-sided) p is at most 0.025. Where the true shares are equal, that is at most one in forty. Records are "
        "counted as if independent: those of one patient and the classes of one record are not, so it can be more by "
        "chance. Neither side is the truth.",
        "## Classes",
        markdown_table(_class_rows(audit)),
        "The share of records with this label that the model decides against, with 95 % Wilson intervals."
        + _not_ranked(audit),
        "## Sources that stand out",
        markdown_table(_source_rows(audit)) or "None.",
        "## Agreement",
        markdown_table(_kappa_rows(audit)),
        "Cohen's kappa with 95 % bootstrap intervals over patients [records]. The signal speaks where a measurement "
        "defines the class, and not close to the limit.",
        "## Agreement by source",
        markdown_table(_kappa_rows_by_source(audit))
        or "Fewer than two sources, or no class that the signal defines.",
        f"Sources with at least {_ENOUGH} records. Where one source's labels agree with the signal and another's do "
        "not, the two label differently.",
        "## What the signal rules out",
        markdown_table(_signal_rows(audit)) or "No class has a rule.",
        "Of the records that label or model call present, how many the rule calls absent.",
    ]
    return "\n\n".join(parts) + "\n"


def _class_rows(audit: ModelAudit) -> list[Row]:
    found = {(group.class_id, group.label): group for group in audit.groups if not group.cohort}
    return [
        {
            "Class": name,
            "Label present, model absent": _share(found.get((name, True))),
            "Label absent, model present": _share(found.get((name, False))),
        }
        for name in audit.classes
        if name not in audit.not_ranked
    ]


def _not_ranked(audit: ModelAudit) -> str:
    """A sentence on the classes that are left out."""
    listed = "; ".join(f"{name} ({reason})" for name, reason in audit.not_ranked.items())
    return f" Left out of disagreements, for they would be the model's: {listed}." if listed else ""


def _share(group: Group | None) -> str | None:
    if group is None:
        return None
    share = f"{group.disagreements}/{group.records} = {interval_text(group.share, group.low, group.high)}"
    return f"**{share}**" if group.stands_out else share


def _source_rows(audit: ModelAudit) -> list[Row]:
    outstanding = [group for group in audit.groups if group.cohort and group.stands_out]
    return [
        {
            "Class": group.class_id,
            "Cohort": group.cohort,
            "Source": group.source,
            "Label": "present" if group.label else "absent",
            "Disagreements": _share(group),
            "Other sources": f"{group.other_disagreements}/{group.other_records} = {group.others:.2f}",
        }
        for group in outstanding
    ]


def _kappa_rows(audit: ModelAudit) -> list[Row]:
    return [{"Class": name, **_kappa_cells(audit.kappas, index)} for index, name in enumerate(audit.classes)]


def _kappa_rows_by_source(audit: ModelAudit) -> list[Row]:
    """Classes that the signal defines, in sources where enough records have its word and a label."""
    return [
        {"Class": name, "Cohort": cohort, "Source": source, **_kappa_cells(agreement, index)}
        for index, name in enumerate(audit.classes)
        for (cohort, source), agreement in audit.by_source.items()
        if agreement["label", "signal"].records[index] >= _ENOUGH
    ]


def _kappa_cells(agreement: Agreement, index: int) -> Row:
    return {
        f"{one.capitalize()} and {other}": kappa_cell(agreement[one, other], index) for one, other in SIDES
    }


def _signal_rows(audit: ModelAudit) -> Sequence[Row]:
    return [
        {
            "Class": entry.class_id,
            "Rule": str(RULES[entry.class_id]),
            "Label": f"{entry.label[1]} of {entry.label[0]}",
            "Model": f"{entry.model[1]} of {entry.model[0]}",
        }
        for entry in audit.contradicted
    ]
