"""What the page is made of: scores, the model's card, and what ingest and prepare have counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rarebeat.core.files import read_json
from rarebeat.dataset.remote import Folder
from rarebeat.dataset.split import Split
from rarebeat.evaluation.evaluate import EvaluateSettings, Evaluation
from rarebeat.evaluation.groups import Groups, age_groups, evaluate_groups, sex_groups
from rarebeat.inference.model_folder import ModelCard
from rarebeat.inference.predictions import Predictions
from rarebeat.reporting.resampling import read_summary

SPLITS = ("train", "validation", "test")
SIMULATED = "simulated"


@dataclass(frozen=True)
class CohortFacts:
    """What is known of a cohort.

    Attributes:
        name: of the cohort.
        labels: where its labels come from: "text" or "codes".
        records: how many were read.
        quarantined: how many were refused.
        splits: split to records.
        left_out: reason to records.
        kind: of archive; "" where the summary of ingest is not at hand.
        reasons: why records were refused, with their numbers.
        public: whether its ECGs may be drawn on a page that may be passed on: those of private archives are not, and
            those of which it is not known are not.
        calibrated: whether all its amplitudes are in millivolts.
    """

    name: str
    labels: str
    records: int
    quarantined: int
    splits: Mapping[str, int]
    left_out: Mapping[str, int]
    kind: str = ""
    reasons: Mapping[str, int] = field(default_factory=dict)
    public: bool = False
    calibrated: bool = True


@dataclass(frozen=True)
class Findings:
    """All that is known of a run.

    Attributes:
        title: which label set, trained and tested on what.
        test: predictions of the test split.
        split: the test split itself, in the same order.
        evaluation: scores of the predictions.
        groups: name of a division ("Sex") to the scores of its groups.
        card: of the model.
        digest: of the model.
        parameters: of the network.
        left_out: training records that class re-sampling left out.
        summary: what prepare counted.
        cohorts: in the order of use.
    """

    title: str
    test: Predictions
    split: Split
    evaluation: Evaluation
    groups: Mapping[str, Groups]
    card: ModelCard
    digest: str
    parameters: int
    left_out: int
    summary: Mapping[str, Any]
    cohorts: Sequence[CohortFacts]

    def of_split(self, name: str) -> Mapping[str, Any]:
        """What prepare counted in a split.

        Args:
            name: one of :data:`SPLITS`.

        Returns:
            ``records``, ``patients`` and ``classes``.
        """
        found: Mapping[str, Any] = self.summary["splits"][name]
        return found

    @property
    def learnt_from(self) -> int:
        """How many records the model learnt from."""
        return int(self.card.training.get("records", self.of_split("train")["records"]))

    @property
    def validated_on(self) -> int:
        """How many records thresholds were chosen on: those of all cohorts, or of the ones that the card names."""
        names = self.card.training.get("validated_on") or [one.name for one in self.cohorts]
        return sum(one.splits.get("validation", 0) for one in self.cohorts if one.name in names)

    def cohort(self, name: str) -> CohortFacts | None:
        """A cohort by its name.

        Args:
            name: of the cohort.

        Returns:
            What is known of it, if anything.
        """
        return next((one for one in self.cohorts if one.name == name), None)


def divide(test: Predictions, split: Split, settings: EvaluateSettings) -> dict[str, Groups]:
    """Score the groups of people that the records tell of.

    Args:
        test: predictions of the test split.
        split: the test split itself, in the same order.
        settings: of the scores.

    Returns:
        "Sex" and "Age" to the scores, each as far as it is known of anybody.
    """
    names = {}
    if split.sexes is not None:
        names["Sex"] = sex_groups(split.sexes.tolist())
    if split.ages is not None:
        names["Age"] = age_groups(split.ages)
    return {
        title: evaluate_groups(test, groups, settings)
        for title, groups in names.items()
        if len(set(groups)) > 1
    }


def read_cohorts(shards: Folder, records: Path | None) -> list[CohortFacts]:
    """Read what is known of the cohorts.

    Args:
        shards: folder written by prepare.
        records: folder that holds the records of each cohort by its name; None where it is not at hand.

    Returns:
        The cohorts in the order of use.

    Raises:
        RarebeatError: when a summary cannot be read.
    """
    quarantined = read_json(shards / "counts.json")["quarantined"]
    return [
        CohortFacts(
            name=name,
            labels=own["labels"],
            records=own["records"],
            quarantined=quarantined.get(name, 0),
            splits=own["splits"],
            left_out=own["left_out"],
            **({} if records is None else _ingested(records / name)),
        )
        for name, own in read_summary(shards)["cohorts"].items()
    ]


def _ingested(folder: Path) -> dict[str, Any]:
    """What ingest has counted; only of private archives it tells what became of their text."""
    summary = read_json(folder / "summary.json")
    return {
        "kind": summary["kind"],
        "reasons": summary["reasons"],
        "public": "free_text" not in summary,
        "calibrated": summary["calibrated"] == summary["records"],
    }
