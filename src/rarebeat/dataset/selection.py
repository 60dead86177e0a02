"""Who goes into which split, who is left out and why, and the counts of both."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rarebeat.core.errors import RarebeatError
from rarebeat.core.records import own_group
from rarebeat.dataset.balance import BalanceSettings, choose_records
from rarebeat.dataset.catalogue import (
    MASKED,
    UNCERTAIN,
    UNKNOWN,
    Catalogue,
    Int8,
    UncertainPolicy,
    resolve_uncertain,
    stored_labels,
)
from rarebeat.dataset.splits import DUPLICATE, SPLITS, SplitSettings, assign_splits

SPLITS_SCHEMA = pa.schema(
    [
        pa.field("cohort", pa.string(), nullable=False),
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),  # patients, linked ones together
        pa.field("split", pa.string(), nullable=False),  # train, validation, test or duplicate
        pa.field("selected", pa.bool_(), nullable=False),
        pa.field("reason", pa.string()),  # why it is not selected: DUPLICATE, UNLABELLED or RESAMPLED
    ]
)

UNLABELLED, RESAMPLED = "unlabelled", "balance"
"""Why a record is in no shard, beside :data:`rarebeat.dataset.splits.DUPLICATE`: no class is known to be present or
absent; class re-sampling did not choose it."""

MASK: UncertainPolicy = "mask"
"""What evaluation does with uncertain labels, whatever training does."""

Flags = npt.NDArray[np.bool_]
Strings = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Selection:
    """What becomes of each record of a catalogue.

    Attributes:
        labels: shape (n, classes): 1, 0 or MASKED; uncertain ones as trained in the training split, otherwise MASKED.
        stored: shape (n, classes), the same as shards hold it, see :class:`rarebeat.dataset.split.Split`.
        groups: shape (n,), see :class:`rarebeat.dataset.splits.Assignment`.
        splits: shape (n,), likewise.
        reasons: shape (n,): DUPLICATE, UNLABELLED or RESAMPLED, or "" for a record that is selected.
    """

    labels: Int8
    stored: Int8
    groups: Strings
    splits: Strings
    reasons: Strings

    def available(self, split: str) -> Flags:
        """Find the labelled records of a split, before class re-sampling.

        Args:
            split: its name.

        Returns:
            Bool, shape (n,).
        """
        flags: Flags = (self.splits == split) & (self.reasons != UNLABELLED)
        return flags

    def selected(self, split: str) -> Flags:
        """Find the records of a split that go into its shards.

        Args:
            split: its name.

        Returns:
            Bool, shape (n,).
        """
        flags: Flags = (self.splits == split) & (self.reasons == "")
        return flags


def select(
    catalogue: Catalogue, split: SplitSettings, balance: BalanceSettings, uncertain: UncertainPolicy
) -> Selection:
    """Split the records, and leave out duplicates, records without labels, and what re-sampling leaves out.

    Args:
        catalogue: n records with their labels.
        split: how patients are split.
        balance: class re-sampling.
        uncertain: what an uncertain label of the training split counts as; those of the others are masked.

    Returns:
        What becomes of each record.

    Raises:
        RarebeatError: when nothing is left to train on.
    """
    assignment = assign_splits(catalogue.records, split, _told(catalogue.states))
    trained, masked = (resolve_uncertain(catalogue.states, policy) for policy in (uncertain, MASK))
    labels = np.where((assignment.splits == "train")[:, None], trained, masked)
    reasons = np.full(len(catalogue), "", dtype=object)
    reasons[(labels == MASKED).all(axis=1)] = UNLABELLED
    reasons[assignment.splits == DUPLICATE] = DUPLICATE
    stored = stored_labels(catalogue.states, uncertain)
    selection = Selection(labels, stored, assignment.groups, assignment.splits, reasons)
    for name in balance.splits if balance.enabled else ():
        available = np.flatnonzero(selection.available(name))
        chosen = choose_records(labels[available], balance.target, balance.seed)
        reasons[np.delete(available, chosen)] = RESAMPLED  # the selection holds this array
    if not selection.selected("train").any():
        raise RarebeatError(
            f"no record to train on: {len(catalogue)} records, by split {_count(assignment.splits)}, "
            f"left out {_count(reasons)}. Use more records, or change `prepare` in params.yaml."
        )
    return selection


def _told(states: Int8) -> npt.NDArray[np.int_]:
    """How much the labels of each record tell: 2 where a class is known, 1 where one is uncertain, 0 otherwise."""
    return np.where((states >= 0).any(axis=1), 2, (states == UNCERTAIN).any(axis=1))


def splits_table(catalogue: Catalogue, selection: Selection) -> pa.Table:
    """Make the table of what became of every record.

    Args:
        catalogue: n records.
        selection: of them.

    Returns:
        n rows, as SPLITS_SCHEMA.
    """
    columns = [
        *catalogue.records.select(["cohort", "record_id"]).columns,
        pa.array(selection.groups, pa.string()),
        pa.array(selection.splits, pa.string()),
        pa.array(selection.reasons == ""),
        pa.array([reason or None for reason in selection.reasons], pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=SPLITS_SCHEMA)


def summarise(catalogue: Catalogue, selection: Selection) -> dict[str, Any]:
    """Count by cohort, split and class, and warn of what a person should know.

    Args:
        catalogue: n records.
        selection: of them.

    Returns:
        What ``summary.json`` says of records; its ``warnings`` are sentences.
    """
    by_cohort = np.asarray(catalogue.records.column("cohort").to_numpy(), dtype=object)
    cohorts = {
        cohort: {"labels": origin} | _describe_cohort(selection, by_cohort == cohort)
        for cohort, origin in catalogue.origins.items()
    }
    splits = {split: _describe_split(catalogue, selection, split) for split in SPLITS}
    return {
        "records": len(catalogue),
        "left_out": _count(selection.reasons),
        "warnings": _warnings(cohorts, splits) + _patient_warnings(catalogue, selection),
        "cohorts": cohorts,
        "splits": splits,
    }


def _describe_cohort(selection: Selection, here: Flags) -> dict[str, Any]:
    return {
        "records": int(here.sum()),
        "splits": {split: int((here & selection.selected(split)).sum()) for split in SPLITS},
        "left_out": _count(selection.reasons[here]),
    }


def _describe_split(catalogue: Catalogue, selection: Selection, split: str) -> dict[str, Any]:
    """Records, groups, and the labels of each class before and after class re-sampling."""
    available, selected = selection.available(split), selection.selected(split)
    before = _count_labels(selection.labels[available], catalogue.states[available])
    after = _count_labels(selection.labels[selected], catalogue.states[selected])
    without = int(np.count_nonzero(without_patient(selection.groups, catalogue)[selected]))
    return {
        "records": int(selected.sum()),
        "patients": len(set(selection.groups[selected].tolist())),
        **({"without_patient": without} if without else {}),
        "classes": {
            name: {"before": before[i], "after": after[i]} for i, name in enumerate(catalogue.classes.ids)
        },
    }


def _count_labels(labels: Int8, states: Int8) -> list[dict[str, int]]:
    """Per class: positive as trained, uncertain and unknown as labelled."""
    flags = {"positive": labels == 1, "uncertain": states == UNCERTAIN, "unknown": states == UNKNOWN}
    counts = np.stack([flag.sum(axis=0) for flag in flags.values()], axis=1)
    return [dict(zip(flags, row, strict=True)) for row in counts.tolist()]


def _count(values: Strings) -> dict[str, int]:
    return dict(sorted(Counter(filter(None, values.tolist())).items()))


def without_patient(groups: Strings, catalogue: Catalogue) -> Flags:
    """Tell the records whose patient is not known, and who are a group of their own: the split is by record there.

    Args:
        groups: shape (n,), as :func:`rarebeat.dataset.splits.assign_splits` names them.
        catalogue: n records.

    Returns:
        Shape (n,).
    """
    cohorts, records = (catalogue.records.column(name).to_pylist() for name in ("cohort", "record_id"))
    return np.array([group == own_group(*key) for group, *key in zip(groups, cohorts, records, strict=True)])


def _patient_warnings(catalogue: Catalogue, selection: Selection) -> list[str]:
    cohorts = np.asarray(catalogue.records.column("cohort").to_numpy(), dtype=object)
    alone = without_patient(selection.groups, catalogue)
    return [
        f"cohort {name} does not tell the patient of {found} of {np.count_nonzero(cohorts == name)} records: they are "
        "split by record, so that one patient may be in several splits"
        for name in catalogue.origins
        if (found := np.count_nonzero(alone & (cohorts == name)))
    ]


def _warnings(cohorts: dict[str, dict[str, Any]], splits: dict[str, dict[str, Any]]) -> list[str]:
    found = [f"the {split} split is empty" for split in SPLITS if not splits[split]["records"]]
    unused = [name for name, entry in cohorts.items() if not any(entry["splits"].values())]
    found += [f"no record of cohort {name} is in any split" for name in unused]
    classes = splits["train"]["classes"]
    if rare := [name for name, counts in classes.items() if not counts["after"]["positive"]]:
        found.append(f"no positive record to train on for {', '.join(rare)}")
    return found
