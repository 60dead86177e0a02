"""How a patient's rhythm and conduction go on from visit to visit.

Most of it comes and goes: sinus rates change, a reentrant tachycardia is over at the next visit, fibrillation
mostly stays. That part is a Markov chain whose chance to go from one rhythm to another is the share of the
other in the clinic times the mobility of both, so that it leaves the clinic's shares as they are. The rest goes
forward only: complete heart block gets a pacemaker, and a pacemaker stays; who has a bundle branch block or a
long PR interval goes on to higher degrees of block. The shares at first visits are set so that over all visits
together each rhythm has the share that the prior asks for.

Bundle branches and AV node only get worse: a block that is new at one visit is there at all later ones.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rarebeat.core.arithmetic import product, solve
from rarebeat.simulator.patients.priors import Prior
from rarebeat.simulator.rhythm.clocks import Rng

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
_PROGRESS = {"wenckebach": 0.025, "advanced_block": 0.020, "complete_block": 0.020}
"""What becomes of a sinus rhythm that is conducted poorly, as chances per visit."""
_SINUS = ("sinus", "sinus_bradycardia", "sinus_tachycardia")
_POOR = 0.19
"""About the share of sinus rhythms that are conducted poorly, to be multiplied by ``prior.block``."""
_NEW_LEFT, _NEW_RIGHT, _NEW_FIRST_DEGREE = 0.006, 0.009, 0.012
"""Chances per later visit that a block is new."""


def first_rhythm(prior: Prior, visits: tuple[float, ...], draw: float) -> str:
    """The rhythm of a first visit.

    Args:
        prior: shares of the rhythms over all visits.
        visits: share of first visits, second visits, ... among all records.
        draw: from 0 to 1.
    """
    names, first, _ = _chain(tuple(prior.mechanisms.items()), prior.block, visits)
    return _pick(names, first, draw)


def next_rhythm(
    prior: Prior, visits: tuple[float, ...], before: str, draw: float, poorly_conducted: bool = False
) -> str:
    """The rhythm of the visit after one with another rhythm.

    Args:
        prior: shares of the rhythms over all visits.
        visits: share of first visits, second visits, ... among all records.
        before: the rhythm of the visit before.
        draw: from 0 to 1.
        poorly_conducted: the patient has a bundle branch block or a PR interval above 200 ms.
    """
    names, _, following = _chain(tuple(prior.mechanisms.items()), prior.block, visits)
    return _pick(names, following[poorly_conducted][before], draw)


def next_conduction(rng: Rng, bundles: str, pr: float, frailty: float) -> tuple[str, float]:
    """Bundle branches and PR interval (seconds) at the next visit: as before, or a block is new.

    Args:
        rng: source of randomness; two numbers are drawn, and a third for a new PR interval.
        bundles: state of the bundle branches before.
        pr: PR interval at rest before.
        frailty: factor on the chances, 1 on average.
    """
    branch, node = rng.random(2) / frailty
    if bundles in ("normal", "incomplete right") and branch < _NEW_LEFT + _NEW_RIGHT:
        bundles = "left" if branch < _NEW_LEFT else "right"
    if pr <= 0.200 and node < _NEW_FIRST_DEGREE:
        pr = long_pr(rng)
    return bundles, pr


def long_pr(rng: Rng) -> float:
    """PR interval at rest in first degree block, seconds."""
    return min(0.36, 0.206 + float(rng.gamma(1.7, 0.022)))


def _pick(names: tuple[str, ...], cumulated: Array, draw: float) -> str:
    return names[min(int(np.searchsorted(cumulated, draw, side="right")), len(names) - 1)]


@lru_cache(maxsize=8)
def _chain(
    shares: tuple[tuple[str, float], ...], block: float, visits: tuple[float, ...]
) -> tuple[tuple[str, ...], Array, Mapping[bool, Mapping[str, Array]]]:
    """Names, and the cumulated chances of the first and, by how well they are conducted, of each following rhythm."""
    names = tuple(name for name, _ in shares)
    target = np.array([share for _, share in shares])
    steps = _steps(names, target, _POOR * block)
    mean, power = np.zeros_like(steps), np.eye(len(names))
    for share in visits:
        mean += share * power
        power = product(power, steps)
    first = np.clip(solve(mean.T, target), 0.0, None)
    following = {
        poor: dict(zip(names, np.cumsum(_steps(names, target, float(poor)), axis=1), strict=True))
        for poor in (False, True)
    }
    return names, np.cumsum(first / first.sum()), following


def _steps(names: tuple[str, ...], target: Array, poor: float) -> Array:
    """Chances from each rhythm (row) to each rhythm of the next visit (column), with a share of poor conduction."""
    mobility = np.array([_MOBILITY.get(name, _DEFAULT_MOBILITY) for name in names])
    steps = np.asarray(mobility[:, None] * mobility * target)
    np.fill_diagonal(steps, 0.0)
    steps /= max(1.0, steps.sum(axis=1).max())
    np.fill_diagonal(steps, 1.0 - steps.sum(axis=1))
    progress = {name: poor * chance for name, chance in _PROGRESS.items()}
    for row, before in zip(steps, names, strict=True):
        changes = _FORWARD.get(before, {}) | (progress if before in _SINUS else {})
        ahead = {after: chance for after, chance in changes.items() if after in names}
        row *= 1.0 - sum(ahead.values())
        for after, chance in ahead.items():
            row[names.index(after)] += chance
    return steps
