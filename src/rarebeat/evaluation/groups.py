"""Scores of groups of people: by sex, and by age. Within one division all macro averages are over the same classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rarebeat.evaluation.evaluate import EvaluateSettings, Evaluation, count_positive_patients, evaluate
from rarebeat.inference.predictions import Predictions

AGES = (40, 60, 80)
"""Years at which one group of ages ends and the next begins."""

FEWEST = 30
"""Patients below which a group is not scored: it would be a score of single persons."""

NOT_KNOWN = "not known"

Names = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Groups:
    """A division of the records into groups.

    Attributes:
        classes: those with enough positive patients, and a negative record, in every group that is scored; none where
            no group is.
        scored: group to its scores for these classes.
        too_few: group to its number of records, where there are fewer than :data:`FEWEST` patients.
    """

    classes: tuple[str, ...]
    scored: Mapping[str, Evaluation]
    too_few: Mapping[str, int]


def sex_groups(sexes: Sequence[str | None]) -> Names:
    """Name the group of each record by sex.

    Args:
        sexes: "female", "male", or None.

    Returns:
        Shape (n,).

    Example:
        >>> sex_groups(["male", None]).tolist()
        ['male', 'not known']
    """
    return np.array([sex or NOT_KNOWN for sex in sexes], dtype=object)


def age_groups(ages: npt.NDArray[np.floating]) -> Names:
    """Name the group of each record by age.

    Args:
        ages: years, shape (n,); NaN where not known.

    Returns:
        Shape (n,).

    Example:
        >>> age_groups(np.array([12.0, 40.0, 90.0, np.nan])).tolist()
        ['under 40', '40 to 59', '80 and over', 'not known']
    """
    names = [
        f"under {AGES[0]}",
        *(f"{low} to {high - 1}" for low, high in pairwise(AGES)),
        f"{AGES[-1]} and over",
    ]
    places = np.digitize(np.nan_to_num(ages), AGES)
    return np.array(
        [NOT_KNOWN if np.isnan(age) else names[place] for age, place in zip(ages, places, strict=True)],
        dtype=object,
    )


def evaluate_groups(
    predictions: Predictions, names: Names, settings: EvaluateSettings | None = None
) -> Groups:
    """Score each group of records for the classes that all groups can be scored for.

    Args:
        predictions: of records that neither weights nor thresholds have seen.
        names: shape (n,), the group of each record.
        settings: of the intervals and of how many positive patients a class needs.

    Returns:
        The scores, group by group in the order of their names; those not known come last.
    """
    settings = settings or EvaluateSettings()
    known = predictions.known_classes()
    order = sorted(set(names.tolist()), key=_order)
    parts = {name: known.rows(names == name) for name in order}
    enough = {name: part for name, part in parts.items() if np.unique(part.patients).size >= FEWEST}
    kept = np.full(len(known.classes), bool(enough))
    for part in enough.values():
        kept &= count_positive_patients(part) >= settings.at_least
        kept &= (part.truth == 0).any(axis=0)
    columns = np.flatnonzero(kept)
    return Groups(
        classes=tuple(known.classes[column] for column in columns),
        scored={
            name: evaluate(part.of_classes(columns), settings, by_cohort=False)
            for name, part in enough.items()
            if columns.size
        },
        too_few={name: len(part) for name, part in parts.items() if name not in enough},
    )


def _order(name: str) -> tuple[bool, bool, str]:
    """Alphabetical, which is also by age, but for "under"; those not known last."""
    return name == NOT_KNOWN, not name.startswith("under"), name
