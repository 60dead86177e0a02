"""The page of the ablation: `reports/ablation.md`."""

from collections.abc import Mapping, Sequence
from statistics import median
from textwrap import fill

import numpy as np
import pandas as pd
from ablation_runs import Done, Job

from rarebeat.core.tables import Row, markdown_table
from rarebeat.dataset.split import Split
from rarebeat.evaluation.compare import ENSEMBLE, Exam
from rarebeat.evaluation.compare_tables import average_table, difference_table, patient_table, seed_table
from rarebeat.metrics.challenge_classes import CLASSES

TITLES = {"simulated": "Simulated ECGs", "real": "Real ECGs (a small sample)"}
ATTRIBUTION = """
The records are of PTB-XL (Wagner et al. 2020), the PhysioNet/CinC Challenges 2020 and 2021 (Perez Alday et al. 2020,
Reyna et al. 2021) with CPSC 2018 (Liu et al. 2018), Chapman-Shaoxing (Zheng et al. 2020), Georgia and PTB, and LUDB
(Kalyakulina et al. 2020).
"""

LOSS_PAIRS = (("challenge", "bce"), ("weighted_bce", "bce"), ("challenge", "weighted_bce"))
RULE_PAIRS = (
    ("max_f1", "fixed"),
    ("constrained_grid", "fixed"),
    ("challenge_bayesian", "fixed"),
    ("challenge_coordinate", "fixed"),
    ("challenge_coordinate", "challenge_bayesian"),
)
RULE = "challenge_coordinate"
"""Under which networks are compared."""

PAGE = """# Ablation: network, loss and threshold rule by the metric of the CinC Challenge 2020

The score is that of the challenge: 0 is what sinus rhythm for every record earns, 1 what the truth earns. Each
network was trained with each loss and {seeds} seed(s): {epochs} epochs in all, batch {batch}, Adam from 0.003 falling
along a cosine, the epoch with the lowest validation loss kept. With the loss `challenge`, 60 of 95 parts of the epochs
are weighted BCE on the same training records; then Adam and its rate start anew, and the epoch is kept among those of
the challenge's loss alone. Input: 10 s at 125 Hz, leads z-scored. Thresholds are chosen on the
validation split, by every rule for the same trained network, and scored on the test split. The networks
are {size}:

{networks}

{sections}

All numbers, network by network, are in [{csv}]({csv}). The {trainings} trainings took {minutes_of_training:.0f} minutes
of computing ({there} of them in an earlier run); this run took {minutes:.1f} minutes, with {processes} side by side.
"""

SECTION = """## {title}

{records}
{attribution}
**Challenge score of single networks**: mean over seeds. In brackets its 95 % t-interval, which tells of the seeds
alone.

{single}

**Challenge score of seed 0**. In brackets the 95 % bootstrap interval over patients, which tells of the test split
alone.

{one}
{ensembles}
**Macro AUROC, and macro F1 under `max_f1`**, over the learnt classes that the test split has; mean over seeds with
95 % t-interval.

{averages}

**What a difference is worth.** Differences of the score between networks that have everything else in common, averaged
over what is not named: mean of {seeds} seed(s) with 95 % t-interval. An interval that holds 0 is no difference.

{differences}
"""

ENSEMBLES = """
**Challenge score of ensembles**: mean probability of the {seeds} seeds, thresholds chosen for the mean. In brackets the
95 % bootstrap interval over patients.

{table}
"""


def page(
    results: pd.DataFrame,
    data: Mapping[str, tuple[Mapping[str, Split], Exam]],
    jobs: Sequence[Job],
    done: Sequence[Done],
    settings: Mapping[str, str | int],
    minutes: float,
) -> str:
    """The whole page.

    Args:
        results: rows of :func:`rarebeat.evaluation.compare.score_rules`.
        data: splits and truth of every data set.
        jobs: all trainings.
        done: what came of each.
        settings: "epochs", "batch", "seeds", "processes", "size" and "csv", as the page says them.
        minutes: that the run took.
    """
    sections = [
        section(name, results[results["data"] == name], *parts, seeds=int(settings["seeds"]))
        for name, parts in data.items()
    ]
    return PAGE.format(
        networks=network_table(jobs, done),
        sections="\n".join(sections).strip(),
        trainings=len(done),
        minutes_of_training=sum(entry.seconds for entry in done) / 60,
        there=sum(entry.cached for entry in done),
        minutes=minutes,
        **settings,
    )


def network_table(jobs: Sequence[Job], done: Sequence[Done]) -> str:
    """Size of each network, and how long a training took."""
    rows: list[Row] = []
    for model in dict.fromkeys(job.trained.model for job in jobs):
        own = [(job, entry) for job, entry in zip(jobs, done, strict=True) if job.trained.model == model]
        first, entry = own[0]
        row: Row = {
            "network": model,
            "width": str(first.model.settings.get("width", "that of the paper")),
            "parameters": f"{entry.parameters:,}",
            "seconds per training, median": f"{median(entry.seconds for _, entry in own):.0f}",
        }
        rows.append(row)
    return markdown_table(rows)


def section(name: str, results: pd.DataFrame, splits: Mapping[str, Split], exam: Exam, seeds: int) -> str:
    """One data set."""
    ensembles = ""
    if (results["seed"] == ENSEMBLE).any():
        ensembles = ENSEMBLES.format(seeds=seeds, table=patient_table(results, ENSEMBLE))
    return SECTION.format(
        title=TITLES[name],
        records=_records(splits, exam),
        attribution=ATTRIBUTION if name == "real" else "",
        single=seed_table(results),
        one=patient_table(results, "0"),
        ensembles=ensembles,
        averages=average_table(results, "max_f1"),
        seeds=seeds,
        differences=_differences(results),
    )


def _records(splits: Mapping[str, Split], exam: Exam) -> str:
    """How many there are, and of which classes."""
    sizes = {name: f"{len(split):,}" for name, split in splits.items()}
    counts = (exam.test == 1).sum(axis=0)
    positives = ", ".join(
        f"{entry.names[0]} {count}{'' if place in exam.learnt else ' (not learnt)'}"
        for place, (entry, count) in enumerate(zip(CLASSES, counts, strict=True))
        if count
    )
    text = (
        f"{sizes['train']} records to train on, {sizes['validation']} to choose thresholds, {sizes['test']} of "
        f"{np.unique(exam.patients).size} patients to test on. {len(exam.learnt)} of the {len(CLASSES)} classes have a "
        "positive training record; the others are never called, and count where they are true. Positive test "
        f"records: {positives}."
    )
    return fill(text, 120)


def _differences(results: pd.DataFrame) -> str:
    models = list(dict.fromkeys(results["model"]))
    against_first = [(model, models[0]) for model in models[1:]]
    under_rule = results[results["rule"] == RULE]
    tables = (
        difference_table(results, "loss", LOSS_PAIRS, "rule", "loss, under each rule"),
        difference_table(results, "rule", RULE_PAIRS, "loss", "rule, with each loss"),
        difference_table(under_rule, "model", against_first, "loss", f"network, under {RULE}"),
    )
    return "\n\n".join(table for table in tables if table)
