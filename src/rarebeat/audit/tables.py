"""A model audit as numbers for a program and as tables for people."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rarebeat.audit.disagreement import Group
from rarebeat.audit.kappa import Kappas
from rarebeat.audit.model_disagreement import SIDES, Agreement, ModelAudit
from rarebeat.core.tables import Row, interval_text, markdown_table, tidy
from rarebeat.labels.signal_rules import RULES

_ENOUGH = 20  # records of a source without which its kappa is left to summary.json


def audit_content(audit: ModelAudit) -> dict[str, Any]:
    """What ``summary.json`` holds."""
    return {
        "records": audit.records,
        "disagreements": len(audit.cases),
        "kappa": {
            name: {f"{one}-{other}": kappa_content(audit.kappas[one, other], index) for one, other in SIDES}
            for index, name in enumerate(audit.classes)
        },
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


def kappa_content(kappas: Kappas, index: int) -> dict[str, float | None]:
    """One kappa with its interval; None where undefined."""
    ends = {"value": kappas.value, "low": kappas.low, "high": kappas.high}
    return {
        "records": int(kappas.records[index]),
        **{name: tidy(numbers[index]) for name, numbers in ends.items()},
    }


def _group_content(group: Group) -> dict[str, Any]:
    numbers = {name: tidy(getattr(group, name)) for name in ("share", "low", "high")}
    others = None if group.others is None else tidy(group.others)
    return asdict(group) | numbers | {"others": others, "stands_out": group.stands_out}


def audit_summary(audit: ModelAudit) -> str:
    """What ``summary.md`` holds: disagreements by class, where they cluster, agreement, and the signal's word."""
    parts = [
        "# Where model and labels disagree",
        f"{audit.records} records, {len(audit.classes)} classes, {len(audit.cases)} disagreements. A class or source "
        "in bold has more of them than the others: at least five, and by Fisher's exact test (one-sided) p is at "
        "most 0.025. Where the true shares are equal, that is at most one in forty. Records are counted as if "
        "independent: those of one patient and the classes of one record are not, so it can be more by chance. "
        "Neither side is the truth.",
        "## Classes",
        markdown_table(_class_rows(audit)),
        "The share of records with this label that the model decides against, with 95 % Wilson intervals.",
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
    ]


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


def kappa_cell(kappas: Kappas, index: int) -> str | None:
    """One kappa with its interval and its records; None where both have read none."""
    if not kappas.records[index]:
        return None
    text = interval_text(kappas.value[index], kappas.low[index], kappas.high[index])
    return f"{text} [{kappas.records[index]}]"


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
