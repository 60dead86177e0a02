"""The folder ``reports/studies/crossval/``: what a cross-validation and its ensemble leave behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rarebeat.core.tables import markdown_table, write_rows
from rarebeat.evaluation.certainty.measures import claims_of, claims_together
from rarebeat.evaluation.evaluate import EvaluateSettings, Evaluation, evaluate
from rarebeat.evaluation.members import (
    ensemble_predictions,
    member_rows,
    member_table,
    out_of_fold_predictions,
)
from rarebeat.inference.model_card import ModelCard
from rarebeat.inference.predictions import Predictions, write_predictions
from rarebeat.inference.voting import EnsembleSettings
from rarebeat.reporting.folder import write_reports

BESIDE = """## Each model alone

On the same test split. Averages are over the classes that a model knows; the ensemble's probability is the mean of
those who know the class."""


@dataclass(frozen=True)
class CrossvalReport:
    """What was found on the test split, and where it stands.

    Attributes:
        classes: of the ensemble.
        ensemble: its scores.
        members: those of each model alone.
        files: what was written for people and for DVC, without the two tables of predictions.
    """

    classes: tuple[str, ...]
    ensemble: Evaluation
    members: list[Evaluation]
    files: list[Path]


def write_crossval_reports(
    folder: Path,
    predictions: Sequence[Predictions],
    title: str,
    voting: EnsembleSettings,
    settings: EvaluateSettings,
    cards: Sequence[ModelCard] = (),
) -> CrossvalReport:
    """Score the ensemble and its members on the test split, and write tables, curves and predictions.

    Args:
        folder: ``reports/studies/crossval``.
        predictions: of each fold model, for splits ``fold-<its number>`` and ``test``, in order; see
            :func:`rarebeat.evaluation.members.known_to_any`.
        title: heading of ``results.md``.
        voting: how the members vote.
        settings: of the intervals.
        cards: of the fold models; with them, calibration and certain answers of the ensemble are scored, too.

    Raises:
        RarebeatError: when the test split has no records, or a file cannot be written.
    """
    tests = [entry.only("test") for entry in predictions]
    test = ensemble_predictions(tests, voting)
    claims = claims_together([claims_of(card, one) for card, one in zip(cards, tests, strict=bool(cards))])
    ensemble = evaluate(test, settings, claims=claims)
    members = [evaluate(entry, settings, by_cohort=False) for entry in tests]

    held_out = [entry.only(f"fold-{number}") for number, entry in enumerate(predictions)]
    write_predictions(folder / "out_of_fold.parquet", out_of_fold_predictions(held_out))
    write_predictions(folder / "predictions.parquet", test)
    named = {"ensemble": ensemble} | {f"fold {number}": entry for number, entry in enumerate(members)}
    rows = member_rows(named)
    write_rows(folder / "members.csv", rows, list(rows[0]))
    files = write_reports(folder, test, ensemble, title, [BESIDE, markdown_table(member_table(named))])
    return CrossvalReport(test.classes, ensemble, members, [*files, folder / "members.csv"])
