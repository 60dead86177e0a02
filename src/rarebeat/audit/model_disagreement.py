"""Label inconsistency: where a cross-validated model and the labels disagree most, and what the signal says there.

Zhao et al. (Physiol Meas 2022, arXiv 2112.01496) gave clinicians ECGs that their model, the second of the
PhysioNet/CinC Challenge 2020, had seemed to misclassify as to left axis deviation: the clinicians agreed with each
other, and hardly with the labels. Here the same is prepared for any class: disagreements are ranked by how much the
label surprises the model (:mod:`rarebeat.audit.disagreement`), counted by class and source, and set beside what
can be measured (:mod:`rarebeat.labels.signal_rules`). Nobody is taken to be right; no label is changed.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from rarebeat.audit.disagreement import (
    Group,
    Opinions,
    group_disagreements,
    not_ranked,
    read_opinions,
    rows_by_source,
)
from rarebeat.audit.statistics import Kappas, cohen_kappa
from rarebeat.core.errors import RarebeatError
from rarebeat.core.record_files import read_metadata, read_warnings
from rarebeat.inference.predictions import Strings
from rarebeat.labels.signal_rules import RULES
from rarebeat.measure.cohort import measure_cohort
from rarebeat.measure.measurements import Measurements
from rarebeat.metrics.arrays import BoolArray

SIDES = (("label", "model"), ("label", "signal"), ("model", "signal"))
"""Pairs whose agreement is told. The signal speaks by its rules."""

Agreement = Mapping[tuple[str, str], Kappas]
"""For each of :data:`SIDES`."""


@dataclass(frozen=True, slots=True)
class Case:
    """A record and a class on which label and model disagree.

    Attributes:
        name: 12 hexadecimal digits that depend on record and class alone.
        class_id: the class.
        cohort: name of the cohort.
        source: database within it.
        record_id: the record.
        split: as the predictions name it: "fold-2", "test".
        label: what the label says; the model says the opposite.
        probability: of the class, by the model.
        threshold: from which the model calls it present; of an ensemble the mean of its members' thresholds.
        calibrated: the probability after calibration.
        surprise: negative logarithm of the calibrated probability of what the label says.
        rank: 1 for the most surprising case of this class and label.
        signal: what the rule of the class says; None without a rule or where it cannot tell.
        measurements: of the record.
        warning: what ingest found doubtful of the record; "" for nothing.
    """

    name: str
    class_id: str
    cohort: str
    source: str
    record_id: str
    split: str
    label: bool
    probability: float
    threshold: float
    calibrated: float
    surprise: float
    rank: int
    signal: bool | None
    measurements: Measurements
    warning: str = ""

    @property
    def explained(self) -> bool:
        """Whether the threshold explains what the model says; the vote of an ensemble can go against it."""
        return (self.probability >= self.threshold) != self.label


@dataclass(frozen=True, slots=True)
class Contradicted:
    """How often the signal says that a class is absent which the label, or the model, calls present.

    Attributes:
        class_id: the class, which has a rule.
        label: records that the label calls present, and how many of them the rule calls absent.
        model: records that the model calls present, and how many of them the rule calls absent.
    """

    class_id: str
    label: tuple[int, int]
    model: tuple[int, int]


@dataclass(frozen=True)
class ModelAudit:
    """Disagreements of a model and labels, and what is to be seen in them.

    Attributes:
        classes: names, in the order of the predictions.
        records: how many there are.
        not_ranked: classes whose disagreements are no cases, and why.
        cases: every disagreement on the other classes, the most surprising first.
        groups: counts by class, label, cohort and source, of the same classes.
        kappas: for each of :data:`SIDES` one kappa per class; the signal's only of rules that define their class.
        by_source: the same for each cohort and source alone, where there are several.
        contradicted: for each class that has a rule.
    """

    classes: tuple[str, ...]
    records: int
    not_ranked: Mapping[str, str]
    cases: tuple[Case, ...]
    groups: tuple[Group, ...]
    kappas: Agreement
    by_source: Mapping[tuple[str, str], Agreement]
    contradicted: tuple[Contradicted, ...]

    def of(self, class_id: str, per_class: int) -> list[Case]:
        """The most surprising cases of a class: at most so many with each label."""
        return [case for case in self.cases if case.class_id == class_id and case.rank <= per_class]


def audit_model(
    predictions: Sequence[Path],
    records: Path,
    classes: Sequence[str] = (),
    replicates: int = 1000,
    workers: int | None = None,
    least_positives: int = 10,
) -> ModelAudit:
    """Compare model, labels and signals of all records that there are predictions of.

    Args:
        predictions: tables of predictions on records that the model was not trained on.
        records: folder that holds the records of each cohort by its name.
        classes: class ids to audit; none for all.
        replicates: of the bootstrap that gives the intervals of kappa; 0 for none.
        workers: processes that measure; None takes one per core, fewer for a small cohort.
        least_positives: patients with a positive label that a class needs to be ranked.

    Raises:
        ParamsError: for an unknown class.
        RarebeatError: when predictions or records cannot be read, or do not belong together.
    """
    opinions = read_opinions(predictions, classes)
    sources, measurements = _look_up(opinions, records, workers)
    verdicts = _verdicts(opinions.classes, measurements)
    left_out = not_ranked(opinions, least_positives)
    kept = [index for index, name in enumerate(opinions.classes) if name not in left_out]
    ranked = opinions.of_classes([opinions.classes[index] for index in kept])
    everywhere = np.ones(len(measurements), dtype=np.bool_)
    places = rows_by_source(opinions.cohorts, sources)
    warnings = {name: read_warnings(records / name) for name in set(opinions.cohorts.tolist())}
    cases = _cases(ranked, sources, measurements, verdicts[:, kept])
    return ModelAudit(
        classes=opinions.classes,
        records=len(measurements),
        not_ranked=left_out,
        cases=tuple(replace(case, warning=warnings[case.cohort].get(case.record_id, "")) for case in cases),
        groups=tuple(group_disagreements(ranked, sources)),
        kappas=_kappas(opinions, verdicts, everywhere, replicates),
        by_source={place: _kappas(opinions, verdicts, rows, replicates) for place, rows in places.items()},
        contradicted=tuple(_contradicted(opinions, verdicts)),
    )


def _look_up(opinions: Opinions, records: Path, workers: int | None) -> tuple[Strings, list[Measurements]]:
    """Source and measurements of each record."""
    found: dict[tuple[str, str], tuple[str, Measurements]] = {}
    for cohort in dict.fromkeys(opinions.cohorts.tolist()):
        folder = records / cohort
        sources = read_metadata(folder, ["source"]).column("source").to_pylist()
        measured = measure_cohort(folder, workers)
        told = tqdm(measured, f"measure {cohort}", len(sources), unit="record", disable=None, delay=2)
        for source, (record_id, measurements) in zip(sources, told, strict=True):
            found[cohort, record_id] = source, measurements
    keys = list(zip(opinions.cohorts.tolist(), opinions.record_ids.tolist(), strict=True))
    for cohort, record_id in keys:
        if (cohort, record_id) not in found:
            raise RarebeatError(
                f"{records / cohort} has no record {record_id}, which there is a prediction of"
            )
    return np.array([found[key][0] for key in keys], dtype=object), [found[key][1] for key in keys]


def _verdicts(classes: Sequence[str], measurements: Sequence[Measurements]) -> npt.NDArray[np.int8]:
    """What the rules say, shape (n, classes): 1, 0, or -1 where there is no rule or it cannot tell."""
    verdicts = np.full((len(measurements), len(classes)), -1, np.int8)
    for index, name in enumerate(classes):
        if rule := RULES.get(name):
            said = [rule.verdict(one) for one in measurements]
            verdicts[:, index] = [-1 if word is None else int(word) for word in said]
    return verdicts


def _cases(
    opinions: Opinions,
    sources: Strings,
    measurements: Sequence[Measurements],
    verdicts: npt.NDArray[np.int8],
) -> Iterator[Case]:
    surprise = opinions.surprise
    rows, columns = np.nonzero(opinions.disagreement)
    order = np.lexsort((opinions.record_ids[rows].astype(str), columns, -surprise[rows, columns]))
    ranks: dict[tuple[int, bool], int] = {}
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        label = bool(opinions.label[row, column] == 1)
        rank = ranks[column, label] = ranks.get((column, label), 0) + 1
        said = verdicts[row, column]
        place = (opinions.classes[column], opinions.cohorts[row], sources[row], opinions.record_ids[row])
        yield Case(
            hashlib.sha256("\0".join((place[0], place[1], place[3])).encode()).hexdigest()[:12],
            *place,
            split=opinions.splits[row],
            label=label,
            probability=float(opinions.probability[row, column]),
            threshold=float(opinions.threshold[row, column]),
            calibrated=float(opinions.calibrated[row, column]),
            surprise=float(surprise[row, column]),
            rank=rank,
            signal=None if said < 0 else bool(said),
            measurements=measurements[row],
        )


def _kappas(
    opinions: Opinions, verdicts: npt.NDArray[np.int8], rows: BoolArray, replicates: int
) -> Agreement:
    """Agreement of each two sides, on those of the rows that have a label."""
    labelled = opinions.label >= 0
    defines = np.array([name in RULES and RULES[name].defines for name in opinions.classes])
    said = {
        "label": opinions.label[rows],
        "model": np.where(labelled, opinions.decision, -1).astype(np.int8)[rows],
        "signal": np.where(labelled & defines, verdicts, -1).astype(np.int8)[rows],
    }
    patients = opinions.patients[rows]
    return {(one, other): cohen_kappa(said[one], said[other], patients, replicates) for one, other in SIDES}


def _contradicted(opinions: Opinions, verdicts: npt.NDArray[np.int8]) -> Iterator[Contradicted]:
    for index, name in enumerate(opinions.classes):
        if name in RULES:
            absent = verdicts[:, index] == 0
            present = (opinions.label[:, index] == 1, opinions.decision[:, index])
            counts = [(int(side.sum()), int((side & absent).sum())) for side in present]
            yield Contradicted(name, *counts)
