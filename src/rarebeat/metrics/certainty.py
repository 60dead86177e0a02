"""What validation records tell of a class beside its threshold: calibrated probability, and whether a call is certain.

Both are functions of the network's log odds, without the offsets that a site may have added, so that they say the same
before and after. Calibration is a logistic map (:func:`rarebeat.metrics.calibration.fit_map`), which rises: it changes
no decision. A call is certain where the other answer is excluded (:mod:`rarebeat.metrics.conformal`): "yes" where the
class is called and "absent" is excluded, "no" where it is not called and "present" is excluded, otherwise "unsure". So
an answer never contradicts the decision, and the set of labels that it leaves holds the conformal set: of the records
with the class at most 1 - coverage get "no", of those without it at most 1 - coverage get "yes".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import field, replace
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy.special import logit

from rarebeat.core.params import STRICT
from rarebeat.metrics.arrays import BoolArray, FloatArray, Probability, Truth
from rarebeat.metrics.calibration import IDENTITY, LEAST_SLOPE, fit_map, mapped
from rarebeat.metrics.conformal import NO_LIMIT, conformal_limits
from rarebeat.metrics.offsets import SMALLEST, exact_log_odds

ANSWERS = ("yes", "no", "unsure")

_FURTHEST = float(-logit(SMALLEST))

Coverage = Annotated[float, Field(ge=0.5, lt=1)]


@dataclass(frozen=True, config=STRICT)
class CertaintySettings:
    """The group ``train.certainty`` of the params file.

    Attributes:
        min_positives: patients with a positive record, and patients with a negative one, from which the slope of a
            class's calibration is fitted; with fewer of either only its offset is.
        coverage: share of records with a class that shall not be answered "no", and of those without it that shall not
            be answered "yes".
    """

    min_positives: Annotated[int, Field(ge=1)] = 10
    coverage: Coverage = 0.9


@dataclass(frozen=True, config=STRICT)
class ClassCertainty:
    """What is stored of one class; all numbers are of log odds without a site's offsets.

    Attributes:
        slope: of the calibration.
        offset: of the calibration.
        yes_above: where "absent" is excluded; None: nowhere, since there were too few records without the class.
        no_below: where "present" is excluded; None: nowhere, since there were too few records with the class.
        positives: patients with a record of the class, in what it was fitted to.
        negatives: patients with a record without it.
    """

    slope: Annotated[float, Field(ge=LEAST_SLOPE)]
    offset: float
    yes_above: float | None
    no_below: float | None
    positives: Annotated[int, Field(ge=0)]
    negatives: Annotated[int, Field(ge=0)]


@dataclass(frozen=True, config=STRICT)
class Certainty:
    """What is stored of a model.

    Attributes:
        coverage: as in :class:`CertaintySettings`.
        classes: class id to its numbers; a class without a known record has none.
    """

    coverage: Coverage
    classes: dict[str, ClassCertainty] = field(default_factory=dict)


@plain_dataclass(frozen=True)
class Told:
    """What is told of n records.

    Attributes:
        calibrated: shape (n, classes), probabilities; NaN for a class of which nothing is stored.
        absent_excluded: shape (n, classes).
        present_excluded: shape (n, classes).
    """

    calibrated: FloatArray
    absent_excluded: BoolArray
    present_excluded: BoolArray

    def answers(self, decisions: BoolArray) -> npt.NDArray[np.str_]:
        """One of :data:`ANSWERS` for each record and class; "" for a class of which nothing is stored.

        Args:
            decisions: shape (n, classes), what is called.

        Returns:
            Shape (n, classes).
        """
        certain = np.where(decisions, self.absent_excluded, self.present_excluded)
        said = np.where(certain, np.where(decisions, "yes", "no"), "unsure")
        return np.where(np.isnan(self.calibrated), "", said)

    def of_classes(self, columns: npt.NDArray[np.intp]) -> "Told":
        """Take some classes.

        Args:
            columns: int, theirs.

        Returns:
            What is told of them.
        """
        return Told(
            self.calibrated[:, columns], self.absent_excluded[:, columns], self.present_excluded[:, columns]
        )


def fit_certainty(
    truth: Truth,
    probability: Probability,
    patients: npt.NDArray[np.object_] | npt.NDArray[np.str_],
    classes: Sequence[str],
    settings: CertaintySettings | None = None,
    offsets: Mapping[str, float] | None = None,
    earlier: Certainty | None = None,
) -> Certainty:
    """Fit calibration and conformal limits to labelled records that the network has not learnt from.

    Args:
        truth: shape (n, classes): 1 present, 0 absent, -1 left out.
        probability: shape (n, classes), what the model says.
        patients: shape (n,), who each record belongs to.
        classes: names, in column order.
        settings: default: :class:`CertaintySettings`.
        offsets: that the model added to its log odds, by class.
        earlier: what was stored before, elsewhere: maps stay near those, and a class without a known record keeps what
            it had; but its limits are lost where they promised another coverage.

    Returns:
        What is stored.

    Example:
        >>> truth = np.array([[1], [0], [0], [0]] * 100, dtype=np.int8)
        >>> certainty = fit_certainty(truth, np.full((400, 1), 0.5), np.arange(400).astype(str), ["avnrt"])
        >>> float(tell(certainty, ["avnrt"], np.array([[0.5]])).calibrated[0, 0].round(2))
        0.25
    """
    settings = settings or CertaintySettings()
    stored = {} if earlier is None else earlier.classes
    owner = np.unique(patients.astype(str), return_inverse=True)[1]
    odds, found = _odds(probability, classes, offsets), {}
    for column, name in enumerate(classes):
        known = truth[:, column] >= 0
        if known.any():
            positive, people = truth[known, column] == 1, owner[known]
            found[name] = _fit_class(odds[known, column], positive, people, settings, stored.get(name))
        elif earlier is not None and name in stored:
            same = earlier.coverage == settings.coverage
            found[name] = stored[name] if same else replace(stored[name], yes_above=None, no_below=None)
    return Certainty(settings.coverage, found)


def _fit_class(
    odds: FloatArray,
    positive: BoolArray,
    owner: npt.NDArray[np.int64],
    settings: CertaintySettings,
    earlier: ClassCertainty | None,
) -> ClassCertainty:
    around = IDENTITY if earlier is None else (earlier.slope, earlier.offset)
    people = [np.unique(owner[rows]).size for rows in (positive, ~positive)]
    near = np.clip(odds, -_FURTHEST, _FURTHEST)  # a few records far out would bend the map
    slope, offset = fit_map(near, positive, around, min(people) >= settings.min_positives)
    limits = conformal_limits(odds, positive, owner, settings.coverage)
    yes_above, no_below = (float(limit) if np.isfinite(limit) else None for limit in limits)
    return ClassCertainty(slope, offset, yes_above, no_below, *people)


def _odds(
    probability: Probability, classes: Sequence[str], offsets: Mapping[str, float] | None
) -> FloatArray:
    """Log odds without offsets, in which float32 probabilities stay apart up to 0 and 1 themselves."""
    added = np.array([(offsets or {}).get(name, 0.0) for name in classes])
    return np.asarray(exact_log_odds(probability) - added)


def tell(
    certainty: Certainty,
    classes: Sequence[str],
    probability: Probability,
    offsets: Mapping[str, float] | None = None,
) -> Told:
    """Say what is known of some records beside their probabilities.

    Args:
        certainty: of the model.
        classes: names, in column order.
        probability: shape (n, classes), what the model says, with the offsets of its card.
        offsets: those of its card, by class.

    Returns:
        What is told.
    """
    odds = _odds(probability, classes, offsets)
    stored = [certainty.classes.get(name) for name in classes]
    maps = np.array([(np.nan, np.nan) if one is None else (one.slope, one.offset) for one in stored])
    above, below = NO_LIMIT
    yes = [above if one is None or one.yes_above is None else one.yes_above for one in stored]
    no = [below if one is None or one.no_below is None else one.no_below for one in stored]
    return Told(mapped(odds, maps[:, 0], maps[:, 1]), odds > np.array(yes), odds < np.array(no))


def tell_together(members: Sequence[Told]) -> Told:
    """What the members of an ensemble tell together.

    The calibrated probability is the mean, and a label is excluded where more than half of the members exclude it. For
    a vote the promise is 2 * (1 - coverage) at most instead of 1 - coverage; the answers of members that resemble each
    other keep to the latter, mostly.

    Args:
        members: what each says of the same records and classes; NaN where it does not know a class.

    Returns:
        What they tell.

    Source:
        Gasparin & Ramdas, Merging uncertainty sets via majority vote, arXiv 2401.09379.
    """
    calibrated = np.stack([one.calibrated for one in members])
    known = ~np.isnan(calibrated)
    voters = known.sum(axis=0)
    total = np.where(known, calibrated, 0.0).sum(axis=0)
    mean = np.divide(total, voters, out=np.full(total.shape, np.nan), where=voters > 0)
    absent, present = (
        2 * np.sum([getattr(one, name) for one in members], axis=0) > voters
        for name in ("absent_excluded", "present_excluded")
    )
    return Told(mean, absent, present)


def add_certainty(classes: Mapping[str, dict[str, Any]], members: Sequence[Told | None]) -> None:
    """Add to the answer of one ECG what is told beside probability and decision.

    Args:
        classes: class id to its answer, which is changed; "decision" is there.
        members: what each model of an ensemble tells of these classes; nothing is added where one tells nothing.
    """
    known = [one for one in members if one is not None]
    if len(known) < len(members):
        return
    told = known[0] if len(known) == 1 else tell_together(known)
    decisions = np.array([[entry["decision"] for entry in classes.values()]])
    columns = zip(
        classes.values(), told.calibrated[0].tolist(), told.answers(decisions)[0].tolist(), strict=True
    )
    for entry, calibrated, certain in columns:
        if certain:
            entry.update(calibrated=calibrated, certain=certain)


def calibrated_threshold(certainty: Certainty, name: str, threshold: float, offset: float = 0.0) -> float:
    """The threshold of the calibrated probability that decides as a threshold of the probability does.

    Args:
        certainty: of the model.
        name: of a class that it holds.
        threshold: of the probability; above 1 it is never reached, and stays.
        offset: of the model's card.

    Returns:
        The threshold.

    Example:
        >>> one = ClassCertainty(slope=0.5, offset=-1.0, yes_above=None, no_below=None, positives=9, negatives=90)
        >>> round(calibrated_threshold(Certainty(0.9, {"avnrt": one}), "avnrt", 0.5), 3)
        0.269
    """
    if threshold > 1:
        return threshold
    told = tell(certainty, [name], np.array([[threshold]]), {name: offset})
    return float(told.calibrated[0, 0])
