"""The cohort: where records went, and how many of each class there were before and after class re-sampling."""

from collections.abc import Mapping

from rarebeat.core.records import REASONS
from rarebeat.core.tables import Row, patients_told_apart
from rarebeat.dataset.selection import RESAMPLED
from rarebeat.reporting.page.charts import bars
from rarebeat.reporting.page.findings import SPLITS, CohortFacts, Findings
from rarebeat.reporting.page.html import Html, Section, heading, paragraph, table
from rarebeat.reporting.resampling import resampling_rows


def cohort_section(findings: Findings) -> Section:
    """Write the section on the records.

    Args:
        findings: all that is known.

    Returns:
        The section.
    """
    parts = [
        table([cohort_row(one) for one in findings.cohorts], "Records of each cohort"),
        *_quarantine(findings),
        table(
            [_split_row(findings, name) for name in SPLITS],
            "Splits, by patient: nobody is in two of them, as far as patients are told apart",
        ),
        heading("Classes before and after re-sampling"),
        paragraph(_resampling_sentence(findings)),
        table(
            _class_rows(findings),
            "Positive records, and label coverage: the share of records whose label is known",
        ),
    ]
    return Section("cohort", "The cohort", parts)


def cohort_row(one: CohortFacts) -> Row:
    """Where the records of a cohort went.

    Args:
        one: what is known of the cohort.

    Returns:
        A row of the table of cohorts.
    """
    return {
        "Cohort": one.name,
        "Labels from": "reports" if one.labels == "text" else "codes",
        "Quarantined": one.quarantined,
        "Read": one.records,
        "Left out by re-sampling": one.left_out.get(RESAMPLED, 0),
        "Left out otherwise": sum(count for reason, count in one.left_out.items() if reason != RESAMPLED),
        **{name.capitalize(): one.splits.get(name, 0) for name in SPLITS},
    }


def _quarantine(findings: Findings) -> list[Html]:
    """Why records were refused, where ingest's summary is at hand."""
    rows: list[Row] = [
        {"Cohort": one.name, "Reason": reason, "Meaning": REASONS.get(reason, ""), "Records": count}
        for one in findings.cohorts
        for reason, count in one.reasons.items()
    ]
    return [table(rows, "Quarantine: recordings that cannot be trusted")] if rows else []


def _split_row(findings: Findings, name: str) -> Row:
    counts = findings.of_split(name)
    return {
        "Split": name,
        "Records": counts["records"],
        "Patients": patients_told_apart(counts["patients"], counts.get("without_patient", 0)),
        "Classes with a positive record": sum(
            entry["after"]["positive"] > 0 for entry in counts["classes"].values()
        ),
    }


def _resampling_sentence(findings: Findings) -> str:
    kept, left_out = findings.of_split("train")["records"], findings.left_out
    if not left_out:
        return f"All {kept:,} training records were kept: class re-sampling left out none."
    share = 100 * left_out / (kept + left_out)
    return (
        f"Of {kept + left_out:,} training records class re-sampling kept {kept:,} ({share:.0f} % left out): all "
        "of the rare classes, fewer of the common ones. Where a common class stays above the target, its records "
        "accompany others."
    )


def _class_rows(findings: Findings) -> list[Row]:
    rows = resampling_rows(dict(findings.summary))
    largest = max((int(row["before"] or 0) for row in rows), default=0)
    found = []
    for row in rows:
        name, before, after = str(row["class"]), int(row["before"] or 0), int(row["after"] or 0)
        own: Row = {
            "Class": name.replace("_", " "),
            "Train, before": before,
            "after": after,
            "kept": f"{100 * after / before:.0f} %" if before else None,
            "before and after, log scale": bars(before, after, largest),
        }
        for split in SPLITS:
            counts = findings.of_split(split)
            entry = counts["classes"][name]["after"]
            if split != "train":
                own[split.capitalize()] = entry["positive"]
            own[f"known in {split}"] = _known(entry, counts["records"])
        found.append(own)
    return found


def _known(entry: Mapping[str, int], records: int) -> str | None:
    """The share of records whose label is present or absent."""
    unknown = entry["uncertain"] + entry["unknown"]
    return f"{100 * (records - unknown) / records:.1f} %" if records else None
