"""What the members of an ensemble say together: mean probabilities, and a decision by vote.

Members may know different classes (a fold's training part can lack one): a member's numbers for a class that it
does not know are NaN, and the class is left to the others.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from rarebeat.core.params import STRICT
from rarebeat.metrics.arrays import BoolArray, FloatArray
from rarebeat.metrics.classification import decide


@dataclass(frozen=True, config=STRICT)
class EnsembleSettings:
    """The group ``ensemble`` of the params file.

    Attributes:
        vote: "majority": a class is called when more than half of the members call it, each by its own threshold
            (an even split is no majority); "mean": when the mean probability reaches the mean threshold.
        at_least_one: a record for which nothing is called gets the class with most votes, as in Zhao et al. 2020 (doi
            10.22489/CinC.2020.112); among equals the one with the highest mean probability.
    """

    vote: Literal["majority", "mean"] = "majority"
    at_least_one: bool = False


def vote(
    probability: npt.NDArray[np.float32], thresholds: FloatArray, settings: EnsembleSettings
) -> tuple[npt.NDArray[np.float32], BoolArray]:
    """Mean probability and decision, both of shape (n, classes).

    Args:
        probability: shape (members, n, classes).
        thresholds: shape (members, classes). Both are NaN where a member does not know the class; each class is
            known to one member at least.
        settings: how they vote.
    """
    known = ~np.isnan(thresholds)
    voters = known.sum(axis=0)
    votes = decide(probability, thresholds[:, None]).sum(axis=0)
    exact = np.mean(probability, axis=0, dtype=np.float64, where=known[:, None])
    mean = np.asarray(exact, dtype=np.float32)
    by_mean = decide(mean, np.nanmean(thresholds, axis=0))
    decisions = np.asarray(2 * votes > voters) if settings.vote == "majority" else by_mean
    if settings.at_least_one:
        without = np.flatnonzero(~decisions.any(axis=1))
        decisions[without, most_votes(votes[without] / voters, mean[without])] = True
    return mean, decisions


def most_votes(shares: FloatArray, mean: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The class of each record with the largest share of votes; among equals the one with the highest mean.

    Args:
        shares: shape (n, classes), between 0 and 1.
        mean: shape (n, classes), probabilities.
    """
    order = np.lexsort((mean, shares), axis=1)
    return np.asarray(order[:, -1], dtype=np.int64)
