"""Conformal limits of one class: how low a record must score for "no", and how high for "yes".

Records with and without the class are judged apart (class-conditional, or Mondrian, conformal prediction). A label is
excluded where a record scores stranger for it than nearly all calibration records that have it:

- "present" is excluded below the k-th lowest score of n calibration records with the class,
- "absent" above the k-th highest score of n calibration records without it,

with k = floor((1 - coverage) * (n + 1)). If calibration records and a new one come from the same source, the new one's
rank among the n + 1 is as likely as any other: its true label is excluded with a probability of k / (n + 1), which is
1 - coverage at most, whatever the network and however scores are distributed. Nothing is assumed but that. With fewer
than 1 / (1 - coverage) - 1 records k is 0, and the label is never excluded.

Records of one patient resemble each other, and would count too much: one record of each patient is taken, by lot. The
promise is then for one record of a new patient.

Source: Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World, 2005, sections 2.2 (transducers) and 4.5
(Mondrian); Angelopoulos & Bates, A gentle introduction to conformal prediction, arXiv 2107.07511, sections 1 and 4.2;
one record of each patient: Dunn, Wasserman & Ramdas, J Am Stat Assoc 118:2491, 2023 (subsampling once).
"""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from rarebeat.metrics.arrays import BoolArray, FloatArray

NO_LIMIT = np.inf, -np.inf
"""The limits that exclude nothing: "yes" above infinity, "no" below minus infinity."""


def allowed_strangers(records: int, coverage: float) -> int:
    """How many of the strangest calibration records a new one may pass: k of the module's text.

    Args:
        records: calibration records with the label.
        coverage: share of new records whose label is to be kept, between 0 and 1, taken as it is written: 0.9 is nine
            tenths exactly.

    Returns:
        The largest k with k / (records + 1) <= 1 - coverage.

    Example:
        >>> [allowed_strangers(n, 0.9) for n in (8, 9, 18, 19, 99)]
        [0, 1, 1, 2, 10]
    """
    return int((1 - Fraction(str(coverage))) * (records + 1))


def conformal_limits(
    scores: FloatArray, positive: BoolArray, patients: npt.NDArray[np.int64], coverage: float
) -> tuple[float, float]:
    """The limits of one class.

    Args:
        scores: shape (n,), of calibration records; larger speaks for the class.
        positive: shape (n,), what was true.
        patients: shape (n,), the number of each record's patient.
        coverage: share of new records with the class, and of those without it, whose label is to be kept.

    Returns:
        The score above which "absent" is excluded, and the one below which "present" is; infinite where there are too
        few records (:data:`NO_LIMIT`).

    Source:
        See the module.

    Example:
        >>> scores, people = np.arange(20.0), np.arange(20)
        >>> conformal_limits(scores, scores >= 10, people, 0.9)
        (9.0, 10.0)
        >>> conformal_limits(scores, scores >= 15, people, 0.9)
        (14.0, -inf)
    """
    absent = np.sort(scores[one_of_each_patient(~positive, patients)])[::-1]
    present = np.sort(scores[one_of_each_patient(positive, patients)])
    limits = list(NO_LIMIT)
    for place, ordered in enumerate((absent, present)):
        if k := allowed_strangers(ordered.size, coverage):
            limits[place] = float(ordered[k - 1])
    return limits[0], limits[1]


def one_of_each_patient(chosen: BoolArray, patients: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """One of the chosen records of each patient, drawn by a lot that does not look at scores.

    Args:
        chosen: shape (n,), which records may be drawn.
        patients: shape (n,), the number of each record's patient.

    Returns:
        The drawn rows, in order of the patients.

    Example:
        >>> one_of_each_patient(np.array([True, False, True]), np.array([7, 7, 3])).tolist()
        [2, 0]
    """
    shuffled = np.random.default_rng([0]).permutation(chosen.size)
    rows = shuffled[chosen[shuffled]]
    return np.asarray(rows[np.unique(patients[rows], return_index=True)[1]], dtype=np.int64)
