"""What the sheets are made of beside the findings of the page: who the people are, and how their ECGs were labelled."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import read_json
from rarebeat.core.parquet import read_table
from rarebeat.core.records import own_group
from rarebeat.core.tables import Row, patients_told_apart
from rarebeat.dataset.manifest import read_manifest
from rarebeat.dataset.remote import Folder
from rarebeat.evaluation.curves import calibration_rows
from rarebeat.reporting.page.findings import SPLITS, Findings


@dataclass(frozen=True)
class People:
    """The people of some records.

    Attributes:
        name: of the records: a split, or a cohort of one.
        records: how many.
        patients: groups that are kept together: patients, and each record whose patient is not known.
        female: records of women.
        male: records of men.
        sex_unknown: records whose sex is not known.
        ages: quartiles of the known ages in years, shape (3,); NaN where none is known.
        age_unknown: records whose age is not known.
        without_patient: records whose patient is not known.
    """

    name: str
    records: int
    patients: int
    female: int
    male: int
    sex_unknown: int
    ages: npt.NDArray[np.float64]
    age_unknown: int
    without_patient: int = 0

    def row(self) -> Row:
        """A row of the table of people."""
        known = self.female + self.male
        low, median, high = self.ages.tolist()
        return {
            "Records of": self.name,
            "Records": self.records,
            "Patients": patients_told_apart(self.patients, self.without_patient),
            "Women": f"{100 * self.female / known:.0f} %" if known else None,
            "Sex not known": self.sex_unknown,
            "Age, median (quartiles)": None
            if np.isnan(median)
            else f"{median:.0f} ({low:.0f} to {high:.0f})",
            "Age not known": self.age_unknown,
        }


@dataclass(frozen=True)
class Labelling:
    """How a cohort was labelled.

    Attributes:
        cohort: its name.
        origin: where the labels come from that were used: "text" or "codes".
        summary: what the label stage counted.
    """

    cohort: str
    origin: str
    summary: Mapping[str, Any]

    @property
    def understood(self) -> float | None:
        """Share of the statements or codes that were understood; None where it was not counted."""
        key = "statements_understood" if self.origin == "text" else "codes_of_known_systems"
        share: float | None = self.summary.get("coverage", {}).get(key)
        return share

    def row(self) -> Row:
        """A row of the table of label coverage."""
        counts = self.summary.get(self.origin, {})
        coverage = self.summary.get("coverage", {})
        checks = ((self.summary.get("signal_checks") or {}).get(self.origin) or {}).values()
        share, checked = self.understood, sum(check["checked"] for check in checks)
        return {
            "Cohort": self.cohort,
            "Labels from": "reports" if self.origin == "text" else "codes",
            "Statements or codes": coverage.get("statements" if self.origin == "text" else "codes"),
            "Understood": None if share is None else f"{100 * share:.1f} %",
            "Records without a finding": counts.get("without_evidence"),
            "Records with incomplete codes": coverage.get("records_with_incomplete_codes", 0)
            if self.origin == "codes"
            else None,
            "Labels contradicted by the signal": f"{sum(check['contradicted'] for check in checks)} of {checked}"
            if checked
            else None,
        }


@dataclass(frozen=True)
class RunFacts:
    """All that a sheet can say of a run.

    Attributes:
        findings: what the page shows.
        people: of the records that were learnt from, validated on and tested on, and where these have several cohorts,
            of each cohort.
        labelling: of each cohort in the order of use; none where the folder of the labels is not at hand.
    """

    findings: Findings
    people: Sequence[People]
    labelling: Sequence[Labelling]

    @property
    def external(self) -> tuple[str, ...]:
        """Cohorts that were tested on and not learnt from."""
        tested = dict.fromkeys(map(str, self.findings.test.cohorts.tolist()))
        return tuple(name for name in tested if name not in self.findings.card.cohorts)


def read_facts(findings: Findings, shards: Folder, labels: Path | None = None) -> RunFacts:
    """Read what the sheets need and the page does not show.

    Args:
        findings: what the page shows.
        shards: folder written by prepare.
        labels: folder that holds the labels of each cohort by its name; None where it is not at hand.

    Returns:
        All that a sheet can say.

    Raises:
        RarebeatError: when shards or a summary of labels cannot be read.
    """
    card = findings.card
    of_split = {
        "train": set(card.cohorts),
        "validation": set(card.training.get("validated_on") or [one.name for one in findings.cohorts]),
        "test": set(map(str, findings.test.cohorts.tolist())),
    }
    people = [one for name in SPLITS for one in _people_of(shards, name, of_split[name])]
    return RunFacts(findings, people, [] if labels is None else _labelling(findings, labels))


def _labelling(findings: Findings, labels: Path) -> list[Labelling]:
    return [Labelling(one.name, one.labels, _labels_summary(labels / one.name)) for one in findings.cohorts]


def _labels_summary(folder: Path) -> Mapping[str, Any]:
    path = folder / "summary.json"
    if not path.is_file():
        raise RarebeatError(f"{path} is missing: run `dvc repro`, or leave the labels out")
    found: Mapping[str, Any] = read_json(path)
    return found


def _people_of(shards: Folder, split: str, cohorts: Collection[str]) -> list[People]:
    """The people of a split, and of each cohort of it where there are several."""
    columns = ["cohort", "record_id", "patient", "age", "sex"]
    files = [shards / split / name for name in read_manifest(shards / split)]
    rows = pa.concat_tables(read_table(path, columns) for path in files)
    names = np.asarray(rows.column("cohort").to_numpy(), dtype=object)
    used = [name for name in dict.fromkeys(names.tolist()) if name in cohorts]
    whole = _people(split, rows.filter(pa.array(np.isin(names.astype(str), used), pa.bool_())))
    if len(used) < 2:
        return [whole]
    return [whole, *(_people(f"{split}, {name}", rows.filter(pa.array(names == name))) for name in used)]


def _people(name: str, rows: pa.Table) -> People:
    sexes = rows.column("sex").to_pylist()
    ages = rows.column("age").to_numpy().astype(np.float64)
    known = ages[~np.isnan(ages)]
    keys = zip(*(rows.column(one).to_pylist() for one in ("patient", "cohort", "record_id")), strict=True)
    return People(
        name=name,
        records=len(rows),
        patients=len(set(rows.column("patient").to_pylist())),
        female=sexes.count("female"),
        male=sexes.count("male"),
        sex_unknown=sexes.count(None),
        ages=np.quantile(known, [0.25, 0.5, 0.75]) if known.size else np.full(3, np.nan),
        age_unknown=int(np.isnan(ages).sum()),
        without_patient=sum(patient == own_group(cohort, record) for patient, cohort, record in keys),
    )


def calibration_table(findings: Findings) -> list[Row]:
    """How often each class is there, beside how probable the model calls it on average.

    Args:
        findings: of the test split.

    Returns:
        A row for each class: mean probability, share of positives, and the error of calibration, which is the distance
        of the two in ten equal steps of probability, averaged over records.

    Source:
        Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015: the
        expected calibration error, here of each class alone.
    """
    test = findings.test.known_classes()
    steps: dict[str, list[tuple[float, float, float]]] = {name: [] for name in test.classes}
    for row in calibration_rows(test.truth, test.probability, test.classes):
        steps[str(row["class"])].append(
            (float(row["records"] or 0), float(row["probability"] or 0), float(row["observed"] or 0))
        )
    return [_calibration(name, np.array(found)) for name, found in steps.items() if found]


def _calibration(name: str, steps: npt.NDArray[np.float64]) -> Row:
    records, probability, observed = steps.T
    means = (
        np.average(values, weights=records) for values in (probability, observed, abs(probability - observed))
    )
    titles = ("Mean probability", "Share of positives", "Calibration error")
    numbers = {title: f"{mean:.3f}" for title, mean in zip(titles, means, strict=True)}
    return {"Class": name, "Records": int(records.sum()), **numbers}
