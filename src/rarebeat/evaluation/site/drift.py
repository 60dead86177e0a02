"""Is a cohort what a model saw in training? Its inputs against training records, its scores against validation records.

Inputs are judged record by record by the model's detector (:mod:`rarebeat.inference.novelty`), whose limits nearly all
validation records keep. Scores are compared class by class: how far the distribution of the probabilities is from that
of the validation records (Kolmogorov and Smirnov's distance), and how often the class is called.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit

from rarebeat.core.errors import RarebeatError
from rarebeat.core.tables import interval_text, markdown_table
from rarebeat.evaluation.site.recordings import Scored, Source, check_single, score_site
from rarebeat.inference.model_card import ModelCard
from rarebeat.inference.model_folder import load_detector, load_model, load_scores
from rarebeat.inference.novelty import SHARE, Detector, Evidence
from rarebeat.inference.signal_summary import MEASURES
from rarebeat.metrics.arrays import BoolArray, FloatArray
from rarebeat.metrics.intervals import share_interval
from rarebeat.metrics.known_scores import KnownScores
from rarebeat.metrics.offsets import exact_log_odds

TOLERATED = 0.05
"""Share of records unlike the training data from which a cohort is outside of it; or twice that of validation."""

SMALLEST_DISTANCE = 0.1
"""Below it a distance of two distributions means nothing, however sure it is."""

ALPHA = 0.01
"""Probability that any class is said to differ where none does."""

FEW = 30
"""Patients below which only large differences can be seen."""

_CLOSE = 12.0  # log odds above which float32 is too coarse for offsets to be added and taken off again

TOO_FEW = "too few patients to tell whether they are inside of what the model saw: whatever they were like"
"""What is said instead of a verdict where none could have been given."""

ANY, RATE = "any of these", "heart rate"


@dataclass(frozen=True)
class InputDrift:
    """Records of a cohort that one check calls unlike the training data.

    Attributes:
        check: what was looked at.
        share: of the records.
        low: low end of its exact 95 % interval over patients.
        high: high end.
        expected: share of validation records; NaN where the model folder does not tell.
    """

    check: str
    share: float
    low: float
    high: float
    expected: float


@dataclass(frozen=True)
class ScoreDrift:
    """How the scores of one class differ from those of validation records.

    Attributes:
        name: class id.
        called_before: share of the validation records that is called.
        called: share of the cohort's records.
        low: low end of its 95 % interval over patients.
        high: high end.
        distance: largest difference of the two distributions of probabilities.
        limit: the distance from which they differ.
    """

    name: str
    called_before: float
    called: float
    low: float
    high: float
    distance: float
    limit: float

    @property
    def differs(self) -> bool:
        """Whether the distributions differ."""
        return self.distance > self.limit


@dataclass(frozen=True)
class Drift:
    """A cohort compared with what a model saw.

    Attributes:
        records: that the model was asked about.
        patients: of how many; a record whose patient is not known counts as one.
        inputs: the checks of the detector; none where the model has no detector.
        scores: of the classes; none where the model folder holds no scores of validation records.
        verdicts: why the model is outside of what it saw; none where it is not.
        warnings: what a person must know besides.
        tells: whether there are enough records for a verdict, had all of them been unlike the training data.
    """

    records: int
    patients: int
    inputs: tuple[InputDrift, ...]
    scores: tuple[ScoreDrift, ...]
    verdicts: tuple[str, ...]
    warnings: tuple[str, ...]
    tells: bool


def find_drift(model: Path, source: Source) -> Drift:
    """Compare a cohort with what a model saw.

    Args:
        model: model folder.
        source: where the recordings of the cohort are.

    Returns:
        The comparison.

    Raises:
        ParamsError: as :func:`rarebeat.evaluation.site.recordings.read_site`.
        RarebeatError: likewise; for an ensemble; for a model folder that tells nothing of what it saw.
    """
    check_single(model)
    detector, known = load_detector(model), load_scores(model)
    if detector is None and known is None:
        raise RarebeatError(f"{model} tells nothing of what the model saw: train again, with this version")
    module, card = load_model(model)
    return compare_with_training(score_site(module, card, source), card, detector, known)


def compare_with_training(
    scored: Scored, card: ModelCard, detector: Detector | None, known: KnownScores | None
) -> Drift:
    """Compare what a model says of a cohort with what it knows of its training.

    Args:
        scored: what it says of the records.
        card: of the model.
        detector: of the model.
        known: what it said of validation records.

    Returns:
        The comparison.
    """
    patients = len(set(scored.patients.tolist()))
    inputs = () if detector is None else _inputs(scored, detector, known)
    scores = () if known is None else _scores(scored, card, known, patients)
    warnings = [f"{one.name} cannot be used: {one.reason}" for one in scored.refused]
    if detector is None:
        warnings.append("the model folder has no detector: inputs were not compared")
    if known is None:
        warnings.append("the model folder has no scores of validation records: scores were not compared")
    if patients < FEW:
        warnings.append(f"{patients} patients: only large differences can be seen")
    verdicts = (*_verdict_on_inputs(inputs), *_verdict_on_scores(scores))
    tells = _inputs_tell(scored, inputs) or any(row.limit < 1 for row in scores)
    return Drift(len(scored.names), patients, inputs, scores, verdicts, tuple(warnings), tells)


def unlike_by_check(detector: Detector, evidence: Evidence) -> dict[str, BoolArray]:
    """Which records each check of a detector calls unlike the training data.

    Args:
        detector: of the model.
        evidence: on n records.

    Returns:
        For each check an array of shape (n,), the last one for any of them.
    """
    low, high = detector.ranges
    measures = evidence.summary.measures
    found: dict[str, BoolArray] = {
        "features of the network": detector.feature_distances(evidence.features) > detector.feature_limit[0],
        "spectrum": detector.band_distances(evidence.summary.bands) > detector.band_limit[0],
    }
    for column, name in enumerate(MEASURES):
        values = measures[:, column]
        found[name.replace("_", " ")] = (values < low[column]) | (values > high[column])
    found[RATE] |= np.isnan(measures[:, MEASURES.index("heart_rate")]) & detector.expects_rate
    return found | {ANY: np.any(list(found.values()), axis=0)}


def _inputs(scored: Scored, detector: Detector, known: KnownScores | None) -> tuple[InputDrift, ...]:
    expected = {"features of the network": 1 - SHARE, "spectrum": 1 - SHARE}
    expected[RATE] = (
        np.nan if detector.expects_rate and detector.without_rate[0] else 0.0
    )  # of validation alone
    expected[ANY] = np.nan if known is None else float(known.unlike[0])
    rows = []
    for check, unlike in unlike_by_check(detector, scored.evidence).items():
        share, low, high = share_interval(unlike, scored.patients, exact=True)
        rows.append(InputDrift(check, share, low, high, expected.get(check, 0.0)))
    return tuple(rows)


def _scores(scored: Scored, card: ModelCard, known: KnownScores, patients: int) -> tuple[ScoreDrift, ...]:
    if len(known.quantiles) != len(card.classes):
        raise RarebeatError("the scores of the model folder are of other classes than the model")
    before = with_offsets(known.quantiles, card.offsets, card.classes)
    limit = distance_limit(patients, float(known.patients[0]), ALPHA / len(card.classes))
    rows = []
    for k, name in enumerate(card.classes):
        own = scored.probability[:, k].astype(np.float64)
        share, low, high = share_interval(own >= card.thresholds[name], scored.patients)
        distance = distribution_distance(*told_apart(before[k], own, card.offsets.get(name, 0.0)))
        called = float(np.mean(before[k] >= card.thresholds[name]))
        rows.append(ScoreDrift(name, called, share, low, high, distance, max(limit, SMALLEST_DISTANCE)))
    return tuple(rows)


def with_offsets(quantiles: FloatArray, offsets: Mapping[str, float], classes: tuple[str, ...]) -> FloatArray:
    """Stored probabilities as a model gives them that was adapted to a site since; shape (classes, k)."""
    added = np.array([offsets.get(name, 0.0) for name in classes])[:, None]
    return np.where(added == 0, quantiles, expit(exact_log_odds(quantiles) + added))


def told_apart(before: FloatArray, own: FloatArray, offset: float) -> tuple[FloatArray, FloatArray]:
    """Both probabilities of a class, and those near 1 as one where an offset was added to what float32 had rounded."""
    if not offset:
        return before, own
    most = expit(_CLOSE + min(offset, 0.0))
    return np.minimum(before, most), np.minimum(own, most)


def distribution_distance(one: FloatArray, other: FloatArray) -> float:
    """The largest difference of two distributions.

    Args:
        one: shape (n,).
        other: shape (m,).

    Returns:
        From 0 to 1.

    Source:
        Smirnov, Ann Math Stat 19:279, 1948.

    Example:
        >>> distribution_distance(np.array([0.1, 0.2]), np.array([0.2, 0.3]))
        0.5
    """
    places = np.concatenate([one, other])
    shares = [np.searchsorted(np.sort(values), places, side="right") / len(values) for values in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


def distance_limit(one: float, other: float, alpha: float) -> float:
    """The distance that two samples of one distribution exceed with a probability of about alpha.

    Args:
        one: size of a sample.
        other: size of the other one.
        alpha: the probability.

    Returns:
        The distance.

    Source:
        The first term of Smirnov's series, Ann Math Stat 19:279, 1948.

    Example:
        >>> round(distance_limit(100, 100, 0.05), 3)
        0.192
    """
    return float(np.sqrt(-np.log(alpha / 2) / 2 * (1 / one + 1 / other)))


def _verdict_on_inputs(inputs: tuple[InputDrift, ...]) -> list[str]:
    found = {row.check: row for row in inputs}
    if not found:
        return []
    all_checks = found.pop(ANY)
    limit = _tolerated(all_checks)
    if all_checks.low <= limit:
        return []
    most = max(found.values(), key=lambda row: row.share)
    return [
        f"{all_checks.share:.0%} of the records are unlike the training data (at most {limit:.0%} are tolerated), most "
        f"often by their {most.check}"
    ]


def _tolerated(all_checks: InputDrift) -> float:
    return max(TOLERATED, 2 * float(np.nan_to_num(all_checks.expected)))


def _inputs_tell(scored: Scored, inputs: tuple[InputDrift, ...]) -> bool:
    """Whether the inputs could be outside at all: one record could not, for one in twenty may be unlike."""
    if not inputs:
        return False
    everything = np.ones(len(scored.names), dtype=np.bool_)
    return share_interval(everything, scored.patients, exact=True)[1] > _tolerated(inputs[-1])


def _verdict_on_scores(scores: tuple[ScoreDrift, ...]) -> list[str]:
    names = [row.name for row in sorted(scores, key=lambda row: -row.distance) if row.differs]
    if not names:
        return []
    return [
        f"scores are distributed otherwise than in validation for {len(names)} classes: {', '.join(names)}"
    ]


def format_drift(drift: Drift) -> str:
    """The comparison for a person: two tables and the verdict."""
    inputs = [
        {
            "Unlike the training data by": row.check,
            "Records": _percent(row.share, row.low, row.high),
            "Validation": "" if np.isnan(row.expected) else f"{100 * row.expected:.1f} %",
        }
        for row in drift.inputs
    ]
    scores = [
        {
            "Class": row.name,
            "Called in validation": f"{row.called_before:.2f}",
            "Called here": interval_text(row.called, row.low, row.high),
            "Distance of scores": f"{row.distance:.2f}",
            "Limit": f"{row.limit:.2f}",
            "": "differs" if row.differs else "",
        }
        for row in drift.scores
    ]
    verdict = [f"OUTSIDE of what the model saw: {text}" for text in drift.verdicts] or [
        "inside of what the model saw, as far as these records tell" if drift.tells else TOO_FEW
    ]
    parts = [
        f"{drift.records} records of {drift.patients} patients",
        markdown_table(inputs),
        markdown_table(scores),
    ]
    return "\n\n".join([*filter(None, parts), *(f"warning: {text}" for text in drift.warnings), *verdict])


def _percent(share: float, low: float, high: float) -> str:
    return f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
