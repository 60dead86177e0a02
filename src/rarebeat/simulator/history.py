"""How a patient's rhythm goes on from visit to visit.

Most of it comes and goes: sinus rates change, a reentrant tachycardia is over at the next visit, fibrillation
mostly stays. That part is a Markov chain whose chance to go from one rhythm to another is the share of the
other in the clinic times the mobility of both, so that it leaves the clinic's shares as they are. The rest goes
forward only: complete heart block gets a pacemaker, and a pacemaker stays. The shares at first visits are set
so that over all visits together each rhythm has the share that the prior asks for.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rarebeat.simulator.priors import Prior

Array = npt.NDArray[np.float64]

_MOBILITY = {  # how readily a rhythm begins and ends between visits; 0 is for good
    "sinus": 0.9,
    "fibrillation": 0.25,
    "flutter": 0.8,
    "ectopic_atrial": 1.0,
    "reentrant_tachycardia": 1.1,
    "nodal_reentry": 1.1,
    "wenckebach": 0.7,
    "advanced_block": 0.4,
    "complete_block": 0.3,
    "paced": 0.0,
}
_DEFAULT_MOBILITY = 1.0
_FORWARD: dict[str, dict[str, float]] = {  # what does not go back, as chances per visit
    "complete_block": {"paced": 0.70},
    "advanced_block": {"paced": 0.40, "complete_block": 0.05},
    "wenckebach": {"paced": 0.06, "advanced_block": 0.05},
    "junctional": {"paced": 0.12},
    "sinus_bradycardia": {"paced": 0.015},
    "fibrillation": {"paced": 0.02},
}


def first_rhythm(prior: Prior, visits: tuple[float, ...], draw: float) -> str:
    """The rhythm of a first visit.

    Args:
        prior: shares of the rhythms over all visits.
        visits: share of first visits, second visits, ... among all records.
        draw: from 0 to 1.
    """
    names, first, _ = _chain(tuple(prior.mechanisms.items()), visits)
    return _pick(names, first, draw)


def next_rhythm(prior: Prior, visits: tuple[float, ...], before: str, draw: float) -> str:
    """The rhythm of the visit after one with the rhythm ``before``; other arguments as above."""
    names, _, following = _chain(tuple(prior.mechanisms.items()), visits)
    return _pick(names, following[before], draw)


def _pick(names: tuple[str, ...], cumulated: Array, draw: float) -> str:
    return names[min(int(np.searchsorted(cumulated, draw, side="right")), len(names) - 1)]


@lru_cache(maxsize=8)
def _chain(
    shares: tuple[tuple[str, float], ...], visits: tuple[float, ...]
) -> tuple[tuple[str, ...], Array, Mapping[str, Array]]:
    """Names, and the cumulated chances of the first and of each following rhythm."""
    names = tuple(name for name, _ in shares)
    target = np.array([share for _, share in shares])
    steps = _steps(names, target)
    mean, power = np.zeros_like(steps), np.eye(len(names))
    for share in visits:
        mean += share * power
        power = power @ steps
    first = np.clip(np.linalg.solve(mean.T, target), 0.0, None)
    following = dict(zip(names, np.cumsum(steps, axis=1), strict=True))
    return names, np.cumsum(first / first.sum()), following


def _steps(names: tuple[str, ...], target: Array) -> Array:
    """Chances from each rhythm (row) to each rhythm of the next visit (column)."""
    mobility = np.array([_MOBILITY.get(name, _DEFAULT_MOBILITY) for name in names])
    steps = np.outer(mobility, mobility) * target
    np.fill_diagonal(steps, 0.0)
    steps /= max(1.0, steps.sum(axis=1).max())
    np.fill_diagonal(steps, 1.0 - steps.sum(axis=1))
    for before, changes in _FORWARD.items():
        ahead = {after: chance for after, chance in changes.items() if after in names}
        if before in names:
            row = steps[names.index(before)]
            row *= 1.0 - sum(ahead.values())
            for after, chance in ahead.items():
                row[names.index(after)] += chance
    return steps
