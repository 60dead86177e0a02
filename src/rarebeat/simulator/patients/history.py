"""A patient's history: diseases, and how rhythm and conduction go on from visit to visit.

The rhythm is drawn first, from the shares of the clinic, and the diseases given the rhythm: complete heart block makes
a diseased AV node certain, fibrillation makes heart failure likely. So the shares of the rhythms stay those that were
asked for. The chances are orders of magnitude, not epidemiology.

Most of a rhythm comes and goes: sinus rates change, a reentrant tachycardia is over at the next visit, fibrillation
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

CONDITIONS = (
    "hypertension",
    "coronary_disease",
    "valve_disease",
    "heart_failure",
    "lung_disease",
    "sick_sinus",
    "av_node_disease",
)
MARKS = (
    "left_ventricular_hypertrophy",
    "left_atrial_enlargement",
    "inferior_infarct",
    "anterior_infarct",
    "lateral_ischemia",
    "pulmonary_pattern",
)
"""What a condition may leave in the ECG for good: reports speak of it, and the signal shows it (``pathology``)."""

_BY_RHYTHM: dict[str, dict[str, float]] = {  # what the rhythm adds to the chance of a condition
    "fibrillation": {"valve_disease": 0.12, "heart_failure": 0.14, "sick_sinus": 0.04, "hypertension": 0.10},
    "flutter": {"valve_disease": 0.08, "heart_failure": 0.10, "lung_disease": 0.10},
    "atrial_tachycardia": {"lung_disease": 0.25},
    "sinus_tachycardia": {"lung_disease": 0.10, "heart_failure": 0.05},
    "sinus_bradycardia": {"sick_sinus": 0.08},
    "junctional": {"sick_sinus": 0.35},
    "wenckebach": {"av_node_disease": 0.7},
    "advanced_block": {"av_node_disease": 1.0},
    "complete_block": {"av_node_disease": 1.0, "coronary_disease": 0.1},
    "ventricular_tachycardia": {"coronary_disease": 0.35, "heart_failure": 0.30},
    "idioventricular": {"coronary_disease": 0.25, "heart_failure": 0.10},
    "paced": {"av_node_disease": 0.5, "sick_sinus": 0.4, "heart_failure": 0.10},
}
_MARK_CHANCES = {  # mark: condition, chance
    "left_ventricular_hypertrophy": ("hypertension", 0.16),
    "left_atrial_enlargement": ("valve_disease", 0.35),
    "inferior_infarct": ("coronary_disease", 0.28),
    "anterior_infarct": ("coronary_disease", 0.22),
    "lateral_ischemia": ("coronary_disease", 0.20),
    "pulmonary_pattern": ("lung_disease", 0.12),
}
_BUNDLE_BRANCHES = {  # condition: factors on right and left bundle branch block
    "heart_failure": (1.2, 3.0),
    "coronary_disease": (1.5, 1.6),
    "valve_disease": (1.1, 1.6),
    "av_node_disease": (2.4, 2.4),
}
_TYPICAL_FACTORS = {False: (1.0, 1.13), True: (1.28, 1.82)}
"""About the mean of the factors below and above 62 years; divided by it, the blocks stay as common as before."""

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


def draw_conditions(rng: Rng, mechanism: str, age: float, sex: str) -> frozenset[str]:
    """Draw the diseases of a patient, and the marks that they left in the ECG.

    Args:
        rng: source of randomness.
        mechanism: rhythm of the first visit.
        age: years.
        sex: "female" or "male".

    Returns:
        Some of :data:`CONDITIONS` and :data:`MARKS`.
    """
    chance = {
        "hypertension": min(0.65, max(0.05, (age - 25) / 80)),
        "coronary_disease": min(0.40, max(0.0, (age - 40) / 130)) * (1.3 if sex == "male" else 0.8),
        "valve_disease": min(0.20, max(0.01, (age - 50) / 250)),
        "heart_failure": 0.02,
        "lung_disease": 0.06,
        "sick_sinus": max(0.0, (age - 65) / 600),
        "av_node_disease": max(0.0, (age - 60) / 400),
    }
    for name, extra in _BY_RHYTHM.get(mechanism, {}).items():
        chance[name] += extra
    found: set[str] = set()
    draws = rng.random(len(CONDITIONS) + len(MARKS))
    for name, draw in zip(CONDITIONS, draws, strict=False):
        if name == "heart_failure":  # the end of most other diseases of the heart
            chance[name] += 0.04 * ("hypertension" in found) + 0.13 * ("coronary_disease" in found)
            chance[name] += 0.12 * ("valve_disease" in found)
        if draw < chance[name]:
            found.add(name)
    for name, draw in zip(MARKS, draws[len(CONDITIONS) :], strict=True):
        condition, share = _MARK_CHANCES[name]
        if condition in found and draw < share:
            found.add(name)
    return frozenset(found)


def bundle_branch_factors(conditions: frozenset[str], old: bool) -> tuple[float, float]:
    """Say how much more often the diseased have a bundle branch block.

    Args:
        conditions: of the patient.
        old: older than 62 years.

    Returns:
        Factors on the chances of right and of left block; one on average over a clinic.
    """
    right, left = 1.0, 1.0
    for name, factors in _BUNDLE_BRANCHES.items():
        if name in conditions:
            right, left = right * factors[0], left * factors[1]
    typical = _TYPICAL_FACTORS[old]
    return right / typical[0], left / typical[1]


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
    if bundles in ("normal", "incomplete right", "late right") and branch < _NEW_LEFT + _NEW_RIGHT:
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
