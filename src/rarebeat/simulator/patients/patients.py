"""Who comes to the clinic: patients with age, sex and conditions, each with one or several ECGs."""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from rarebeat.core.arithmetic import limit
from rarebeat.simulator.patients.history import (
    bundle_branch_factors,
    draw_conditions,
    first_rhythm,
    long_pr,
    next_conduction,
    next_rhythm,
)
from rarebeat.simulator.patients.priors import Prior
from rarebeat.simulator.patients.streams import stream
from rarebeat.simulator.rhythm.clocks import Rng

BLOCK = 8
"""Consecutive records are shared out among patients in blocks of this size, so no patient crosses a block."""
NEW_PATIENT = 0.6
"""Chance that a record belongs to another patient than the one before it."""
OPENING = datetime(2004, 1, 1)
"""The clinic's first day. All dates are invented."""
IN_HOSPITAL = 0.35
"""Share of later recordings made within days of the one before, during one stay in hospital."""

_AGES = {  # mean and deviation in years, by the rhythm of the first visit
    "fibrillation": (73, 11),
    "flutter": (71, 12),
    "ectopic_atrial": (58, 18),
    "reentrant_tachycardia": (44, 16),
    "nodal_reentry": (50, 16),
    "atrial_tachycardia": (64, 16),
    "junctional": (68, 16),
    "wenckebach": (66, 16),
    "advanced_block": (75, 10),
    "complete_block": (76, 10),
    "ventricular_tachycardia": (65, 13),
    "idioventricular": (70, 13),
    "paced": (76, 10),
    "sinus_tachycardia": (54, 19),
}


@dataclass(frozen=True)
class Patient:
    """Who comes: conduction and PR interval are those of the day, the rest stays the same from visit to visit.

    Attributes:
        number: index of the first record.
        mechanism: rhythm of the first visit.
        age: years at the first visit.
        sex: "female" or "male".
        conduction: state of the bundle branches: "normal", "incomplete right", "late right" (another incomplete
            block, whose late forces point upwards), "right" or "left" (block), or "delayed" where the whole of the
            ventricles is activated slowly.
        pr: PR interval at rest, seconds, onset to onset.
        qtc: QT interval at 60 beats per minute, seconds.
        conditions: diseases and their lasting marks, of :mod:`rarebeat.simulator.patients.history`.
        since: time of the first visit.
        device: from 0 to 1; decides which pacemaker it is, should there be one.
    """

    number: int
    mechanism: str
    age: float
    sex: str
    conduction: str
    pr: float
    qtc: float
    conditions: frozenset[str] = frozenset()
    since: datetime = OPENING
    device: float = 0.5

    @property
    def conducts_poorly(self) -> bool:
        """A bundle branch is blocked, or the PR interval is longer than 200 ms."""
        return self.pr > 0.200 or self.conduction in ("left", "right")


@dataclass(frozen=True)
class Visit:
    """One recording's place in a patient's history.

    Attributes:
        patient: who.
        number: 0 for the first recording of the patient.
        months: since the recording before it, whole ones; 0 at the first.
        age: years on the day.
        mechanism: what drives the heart on the day.
        time: of the recording.
    """

    patient: Patient
    number: int
    months: int
    age: float
    mechanism: str
    time: datetime = OPENING


def visit_at(seed: int, index: int, prior: Prior) -> Visit:
    """Find the visit that a record belongs to, with the patient as of that day.

    Args:
        seed: of the cohort.
        index: of the record, from 0.
        prior: how common each rhythm is.

    Returns:
        The visit; it depends on nothing but the arguments.
    """
    within = index % BLOCK
    new = stream(seed, "block", index // BLOCK).random(BLOCK) < NEW_PATIENT
    number = 0
    while number < within and not new[within - number]:
        number += 1
    first = index - number
    patient = _patient(seed, first, prior)
    mechanism, time, gap = patient.mechanism, patient.since, timedelta()
    for later in range(first + 1, index + 1):
        rng = stream(seed, "visit", later)
        gap = _gap(rng)
        time += gap
        mechanism = next_rhythm(prior, _VISITS, mechanism, rng.random(), patient.conducts_poorly)
        patient = _at_the_next_visit(rng, patient, prior)
    age = patient.age + (time - patient.since).days / 365.25
    return Visit(patient, number, gap.days // 30, age, mechanism, time)


def _visits() -> tuple[float, ...]:
    """Share of first, second, ... visits among the records of a block."""
    shares = [0.0] * BLOCK
    for within in range(BLOCK):
        stays = 1.0
        for number in range(within + 1):
            begins = 1.0 if number == within else NEW_PATIENT
            shares[number] += stays * begins / BLOCK
            stays *= 1 - NEW_PATIENT
    return tuple(shares)


_VISITS = _visits()


def _at_the_next_visit(rng: Rng, patient: Patient, prior: Prior) -> Patient:
    frailty = prior.block * (1.25 if patient.age > 62 else 0.65)
    frailty *= 2.5 if "av_node_disease" in patient.conditions else 0.95
    conduction, pr = next_conduction(rng, patient.conduction, patient.pr, frailty)
    return replace(patient, conduction=conduction, pr=pr)


def _gap(rng: Rng) -> timedelta:
    days = rng.exponential(3) if rng.random() < IN_HOSPITAL else 20 + rng.exponential(420)
    return timedelta(minutes=30 + int(days * 1440))


def _conduction(chances: dict[str, float], draw: float) -> str:
    """The state of the bundle branches: normal, unless one of the chances comes true."""
    draw *= max(1.0, sum(chances.values()))
    draw -= max(0.0, 1 - sum(chances.values()))
    if draw < 0:
        return "normal"
    for state, chance in chances.items():
        draw -= chance
        if draw < 0:
            return state
    return state


def _first_rhythm(seed: int, index: int, prior: Prior) -> str:
    # Golden-ratio steps spread the draws evenly: small cohorts, too, get their share of rare rhythms.
    position = (_beginning(seed) + index * (math.sqrt(5) - 1) / 2) % 1.0
    return first_rhythm(prior, _VISITS, position)


@lru_cache(maxsize=8)
def _beginning(seed: int) -> float:
    return float(stream(seed, "draws", 0).random())


def _patient(seed: int, number: int, prior: Prior) -> Patient:
    rng = stream(seed, "patient", number)
    mechanism = _first_rhythm(seed, number, prior)
    mean, deviation = _AGES.get(mechanism, (58, 18))
    age = limit(rng.normal(mean, deviation), 18, 96)
    sex = "male" if rng.random() < 0.52 else "female"
    old = age > 62
    conditions = draw_conditions(rng, mechanism, age, sex)
    right, left = bundle_branch_factors(conditions, old)
    chances = {
        "right": (0.107 if old else 0.054) * prior.block * right,
        "left": (0.047 if old else 0.026) * prior.block * left,
        "incomplete right": 0.035 * prior.block,
    }
    if prior.unspecific_delay:
        chances["delayed"] = prior.unspecific_delay
    if prior.late_right:
        chances["late right"] = prior.late_right
    conduction = _conduction(chances, rng.random())
    pr = limit(rng.normal(0.157, 0.018), 0.120, 0.198)
    slow = 2.0 if "av_node_disease" in conditions else 0.93
    if rng.random() < (0.149 if old else 0.059) * prior.block * slow:
        pr = long_pr(rng)
    qtc = limit(rng.normal(0.405 if sex == "male" else 0.415, 0.018), 0.36, 0.50)
    since = OPENING + timedelta(minutes=int(rng.random() * 15 * 365.25 * 1440))
    return Patient(number, mechanism, age, sex, conduction, pr, qtc, conditions, since, float(rng.random()))
