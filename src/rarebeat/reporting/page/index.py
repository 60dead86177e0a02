"""The page itself: read what is known, write the sections, and put them together."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import atomic
from rarebeat.dataset.remote import Folder
from rarebeat.dataset.shards import open_split
from rarebeat.dataset.split import Split, take
from rarebeat.evaluation.evaluate import EvaluateSettings, Evaluation
from rarebeat.inference.model_folder import ModelCard, card_digest, load_model
from rarebeat.inference.predictions import Predictions
from rarebeat.models.size import parameters
from rarebeat.reporting.folder import how_to_read
from rarebeat.reporting.page.asked import asked_section
from rarebeat.reporting.page.card import card_section
from rarebeat.reporting.page.cohort import cohort_section
from rarebeat.reporting.page.errors import error_section
from rarebeat.reporting.page.findings import Findings, divide, read_cohorts
from rarebeat.reporting.page.html import document
from rarebeat.reporting.page.scores import class_section, confusion_section, curve_section, group_section
from rarebeat.reporting.page.studies import read_studies, study_section
from rarebeat.reporting.resampling import read_summary, training_records_left_out


@dataclass(frozen=True)
class Sources:
    """Where the page's content comes from.

    Attributes:
        shards: folder written by prepare.
        model: model folder.
        records: folder that holds the records of each cohort by its name; without it, no ECG is drawn, since it is not
            known whether a cohort is private.
        studies: list of studies, see :mod:`rarebeat.reporting.page.studies`; without it, none are shown.
    """

    shards: Folder
    model: Path
    records: Path | None = None
    studies: Path | None = None


def gather(
    sources: Sources,
    test: Predictions,
    evaluation: Evaluation,
    card: ModelCard,
    settings: EvaluateSettings,
    title: str,
) -> Findings:
    """Read and compute what the page shows.

    Args:
        sources: where to read.
        test: predictions of the test split.
        evaluation: their scores.
        card: of the model.
        settings: of the scores.
        title: which label set, trained and tested on what.

    Returns:
        All that is known.

    Raises:
        RarebeatError: when something cannot be read, or the predictions are of other records than the shards hold.
    """
    split = _split_of(sources.shards, test)
    module, _ = load_model(sources.model)
    return Findings(
        title=title,
        test=test,
        split=split,
        evaluation=evaluation,
        groups=divide(test, split, settings),
        card=card,
        digest=card_digest(sources.model),
        parameters=parameters(module),
        left_out=training_records_left_out(sources.shards),
        summary=read_summary(sources.shards),
        cohorts=read_cohorts(sources.shards, sources.records),
    )


def _split_of(shards: Folder, test: Predictions) -> Split:
    """The records of the test split that there are predictions of, in their order."""
    split = open_split(shards, "test")
    keys = zip(split.cohorts.tolist(), split.record_ids.tolist(), strict=True)
    places = {key: row for row, key in enumerate(keys)}
    wanted = list(zip(test.cohorts.tolist(), test.record_ids.tolist(), strict=True))
    if missing := [key for key in wanted if key not in places]:
        cohort, record = missing[0]
        raise RarebeatError(
            f"{shards} lacks record {record} of {cohort}, which was predicted: run `dvc repro`"
        )
    return take(split, np.array([places[key] for key in wanted], dtype=np.int64))


def write_index(path: Path, findings: Findings, sources: Sources) -> Path:
    """Write the page, whole or not at all.

    Args:
        path: HTML to write.
        findings: all that is known.
        sources: where the model and the studies are.

    Returns:
        The path.

    Raises:
        RarebeatError: when something cannot be read or written.
    """
    sections = [
        asked_section(findings),
        cohort_section(findings),
        class_section(findings, how_to_read(findings.card)),
        curve_section(findings),
        confusion_section(findings),
        group_section(findings),
        error_section(findings, sources.model),
        card_section(findings),
    ]
    if sources.studies is not None:
        sections.append(study_section(read_studies(sources.studies)))
    with atomic(path) as temporary:
        temporary.write_text(document(findings.title, sections), encoding="utf-8")
    return path
