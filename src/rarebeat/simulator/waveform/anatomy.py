"""A patient's heart as a generator, drawn by age and sex.

How large its waves are, where they point and how these go together is set so that simulated sinus rhythm has the means
and covariances of real resting ECGs (PTB-XL and the PhysioNet/CinC Challenges, the records that experiments may tune
on), which published dipole parameters have not (their P waves are too small, their T waves in V3 too large).
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from rarebeat.core.arithmetic import direction, exp_of, limit
from rarebeat.simulator.rhythm.clocks import Rng
from rarebeat.simulator.waveform.pathology import draw_findings, show
from rarebeat.simulator.waveform.vectors import Array, Vectors

SHARES = np.array([0.14, 0.32, 0.47, 0.62, 0.80])
"""When the five vectors of the QRS peak, as shares of its duration."""

# What differs between hearts, a row each: the typical value of women at 55, what 40 years more and being male add,
# its scatter on its own, and its part in eight ways in which hearts differ as a whole. The QRS vectors are shares of
# their size, that of the T wave is a share of its own; sizes are logarithms of millivolts, ST is in millivolts, the
# duration of the QRS in milliseconds.
_HEARTS = np.array(
    [
        [-0.02, 0.04, 0.00, 0.03, -0.01, -0.01, 0.02, 0.01, -0.02, 0.02, 0.00, 0.00],  # septum X
        [-0.01, 0.03, 0.02, 0.03, -0.03, 0.00, -0.02, -0.03, -0.02, -0.01, 0.01, 0.01],  # septum Y
        [-0.12, 0.04, 0.00, 0.02, -0.03, 0.01, -0.02, 0.00, -0.03, -0.01, 0.00, 0.02],  # septum Z
        [0.31, 0.13, 0.05, 0.02, 0.00, -0.11, 0.08, -0.03, 0.00, -0.03, -0.02, 0.03],  # apex X
        [0.12, -0.03, -0.05, 0.02, 0.05, -0.01, 0.00, -0.01, -0.01, 0.00, 0.01, 0.01],  # apex Y
        [-0.09, 0.00, -0.07, 0.07, 0.13, -0.01, 0.07, 0.01, -0.04, 0.11, 0.05, 0.04],  # apex Z
        [0.67, 0.00, 0.05, 0.14, -0.08, 0.16, -0.19, -0.09, 0.10, -0.02, 0.05, 0.06],  # free wall X
        [0.38, -0.21, -0.11, 0.11, 0.11, 0.10, 0.00, 0.04, 0.02, 0.01, -0.02, 0.02],  # free wall Y
        [0.32, -0.08, 0.01, 0.19, 0.11, -0.01, 0.09, -0.07, 0.02, 0.06, 0.00, 0.01],  # free wall Z
        [0.11, -0.12, -0.13, 0.13, -0.01, 0.22, -0.02, 0.15, -0.07, -0.04, 0.05, -0.04],  # posterior wall X
        [0.07, -0.11, -0.02, 0.11, 0.00, 0.11, 0.04, 0.15, 0.04, 0.02, 0.00, 0.01],  # posterior wall Y
        [0.43, 0.00, 0.01, 0.06, -0.06, 0.08, 0.07, -0.08, 0.03, 0.04, -0.03, 0.00],  # posterior wall Z
        [-0.02, 0.02, -0.02, 0.01, -0.01, 0.03, 0.03, -0.01, 0.01, -0.02, 0.01, 0.00],  # base X
        [-0.03, 0.01, 0.00, 0.03, -0.03, 0.03, 0.03, 0.05, 0.04, 0.01, 0.00, 0.05],  # base Y
        [0.19, -0.04, 0.00, 0.05, -0.06, 0.04, 0.02, -0.02, -0.01, 0.01, -0.02, 0.02],  # base Z
        [0.30, -0.15, 0.11, 0.02, 0.09, 0.01, 0.02, 0.01, -0.01, -0.01, -0.01, 0.00],  # size
        [0.009, -0.009, 0.018, 0.002, 0.000, 0.000, -0.003, 0.000, 0.001, 0.002, -0.001, 0.000],  # ST X
        [0.004, -0.003, 0.005, 0.003, -0.005, -0.008, 0.001, 0.008, -0.001, -0.005, 0.005, -0.001],  # ST Y
        [-0.025, 0.009, -0.022, 0.003, -0.007, -0.010, 0.003, 0.005, 0.009, 0.004, 0.002, -0.002],  # ST Z
        [0.74, -0.16, 0.03, 0.06, -0.12, -0.04, -0.02, 0.03, 0.02, 0.01, -0.01, 0.03],  # T X
        [0.38, -0.07, -0.09, 0.11, -0.04, 0.01, 0.06, 0.06, -0.04, -0.07, -0.09, -0.02],  # T Y
        [-0.42, -0.02, -0.24, 0.18, 0.08, -0.10, -0.11, 0.16, 0.03, 0.05, -0.09, 0.03],  # T Z
        [-1.21, -0.07, 0.21, 0.06, 0.30, 0.02, -0.15, 0.07, -0.04, -0.03, -0.02, 0.07],  # size of T
        [76.0, 3.4, 8.4, 3.3, 3.0, -2.4, -1.1, -2.9, 4.7, -3.5, -1.5, 1.7],  # duration
    ]
)
_WAYS = _HEARTS.shape[1] - 4
_P = np.array([[0.090, 0.063, -0.082], [0.130, 0.051, 0.010]])


@dataclass(frozen=True)
class Anatomy:
    """The patient's heart.

    Attributes:
        conduction: state of the bundle branches.
        findings: what else it shows, see :mod:`rarebeat.simulator.waveform.pathology`.
        vectors: of QRS, ST, T and P wave, findings included.
        shares: (5,) when the vectors of the QRS peak, as shares of its duration.
        size: factor on the vectors of ventricular ectopic beats.
        terminal: factor on the late forces of right bundle branch block.
    """

    conduction: str
    findings: frozenset[str]
    vectors: Vectors
    shares: Array
    size: float
    terminal: float

    @property
    def axis(self) -> float:
        """Frontal QRS axis where the bundle branches conduct, degrees; 0 is to the left, 90 to the feet."""
        x, y, _ = self.vectors.qrs.sum(axis=0)
        return math.degrees(direction(float(y), float(x)) + self.vectors.frontal)


def _columns(weights: list[float]) -> Array:
    """The typical heart of an age and a sex, in the rows of the table."""
    return np.asarray((_HEARTS[:, :3] * weights).sum(axis=1))


def _forces(drawn: Array) -> tuple[Array, Array, Array, float]:
    """Vectors of QRS, ST and T wave in millivolts from a column like those of the table, and the size of the QRS."""
    size = limit(exp_of(float(drawn[15])), 0.5, 3.5)
    return (
        size * drawn[:15].reshape(5, 3),
        drawn[16:19],
        exp_of(limit(drawn[22], -3.5, 0.0)) * drawn[19:22],
        size,
    )


def _delayed(rng: Rng, vectors: Vectors) -> Vectors:
    """Slow spread in the whole muscle, often a sick one: a wide QRS, broken wave fronts, small R waves in V3 and V4."""
    stretch = rng.uniform(1.10, 1.45)
    return replace(
        vectors,
        duration=limit(stretch * vectors.duration, 0.092, 0.135),
        qrs=vectors.qrs * rng.normal(1, 0.25, vectors.qrs.shape),
        horizontal=rng.normal(-0.2, 0.3),
    )


def draw_anatomy(
    rng: Rng, conduction: str, age: float, sex: str, conditions: frozenset[str] = frozenset()
) -> Anatomy:
    """A heart for a patient.

    QRS and T waves get smaller and the axis turns to the left with age; men have larger QRS and T waves, longer QRS.

    Args:
        rng: source of randomness.
        conduction: state of the bundle branches.
        age: years.
        sex: "female" or "male".
        conditions: diseases and their marks.
    """
    aging = (age - 55) / 40
    male = 1.0 if sex == "male" else 0.0
    drawn = _columns([1.0, aging, male]) + _HEARTS[:, 3] * rng.standard_normal(len(_HEARTS))
    drawn += (_HEARTS[:, 4:] * rng.standard_normal(_WAYS)).sum(axis=1)
    qrs, st, t, size = _forces(drawn)
    p = limit(exp_of(rng.normal(0.0, 0.25)), 0.4, 1.9) * _P * rng.normal(1, 0.18, (2, 3))
    vectors = Vectors(
        qrs=qrs,
        t=t,
        st=st,
        p=p,
        frontal=0.0,  # the table has turned the QRS
        horizontal=0.0,
        duration=limit(drawn[23] / 1000, 0.062, 0.108),
        p_duration=limit(rng.normal(0.103 + 0.006 * aging, 0.010), 0.080, 0.130),
    )
    if conduction == "delayed":
        vectors = _delayed(rng, vectors)
    findings = draw_findings(rng, conduction, age, sex, conditions)
    shares = SHARES + rng.normal(0, 0.03) + rng.normal(0, 0.012, 5)
    return Anatomy(
        conduction,
        findings,
        show(vectors, findings, rng),
        shares,
        0.88 * size,
        limit(exp_of(rng.normal(0.0, 0.3)), 0.65, 2.0),
    )
