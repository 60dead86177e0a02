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
from pathlib import Path

from rarebeat.audit.adjudication import SAMPLE_COLUMNS, WORDS
from rarebeat.audit.case_page import case_page, file_of
from rarebeat.audit.case_pictures import Picture, draw_records
from rarebeat.audit.evidence import Reading, read_evidence
from rarebeat.audit.model_disagreement import Case, ModelAudit
from rarebeat.audit.tables import audit_content, audit_summary
from rarebeat.core.files import atomic, check_replaceable, write_csv, write_json

SAMPLE = "to_judge.csv"

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
    check_replaceable(out, SAMPLE)
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
            (folder / file_of(name)).write_text(page, encoding="utf-8")
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
    numbers = (case.probability, case.threshold, case.surprise)
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
