"""A patient's heart as a generator, drawn by age and sex.

The sizes and their scatter are set so that simulated sinus rhythm lies in the range of real resting ECGs, which
published dipole parameters do not (their P waves are too small, their T waves in V3 too large).
"""

from dataclasses import dataclass

import numpy as np

from rarebeat.simulator.clocks import Rng
from rarebeat.simulator.pathology import draw_findings, show
from rarebeat.simulator.vectors import Array, Vectors

SHARES = np.array([0.14, 0.32, 0.47, 0.62, 0.80])
"""When the five vectors of the QRS peak, as shares of its duration."""

_QRS = np.array(
    [
        [-0.045, -0.010, -0.105],  # septum
        [0.28, 0.05, -0.19],  # apex
        [0.83, 0.45, 0.375],  # free wall
        [0.06, 0.09, 0.52],  # posterior wall
        [-0.04, -0.01, 0.17],  # base
    ]
)
# Standard deviations between patients, millivolts.
_QRS_SCATTER = np.array([0.05, 0.15, 0.15, 0.11, 0.05])[:, None]
_LEFT_IS_DOWN = np.array([[1.0, 0.6, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, 1.0]])
"""Forces that point more to the left point more to the feet, too."""
_LEFT_IS_FRONT = np.array([[1.0, 0.0, -0.5], [0.0, 1.0, 0.0], [0.0, 0.0, 0.85]])
"""ST segments that are higher on the left are higher in front, too."""
_P = np.array([[0.058, 0.064, -0.066], [0.092, 0.050, 0.034]])
_T_SCATTER = np.array([0.065, 0.045, 0.070])
_ST_SCATTER = 0.013


@dataclass(frozen=True)
class Anatomy:
    """The patient's heart.

    Attributes:
        conduction: state of the bundle branches.
        findings: what else it shows, see :mod:`rarebeat.simulator.pathology`.
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
        return float(np.degrees(np.arctan2(y, x) + self.vectors.frontal))


def average_heart(conduction: str) -> Anatomy:
    """A heart without anything of its own, for comparison."""
    vectors = Vectors(
        _QRS, np.array([0.26, 0.11, -0.15]), np.array([0.0, 0.0, -0.03]), _P, 0.0, 0.0, 0.078, 0.104
    )
    return Anatomy(conduction, frozenset(), vectors, SHARES, 1.0, 1.0)


def draw_anatomy(
    rng: Rng, conduction: str, age: float, sex: str, conditions: frozenset[str] = frozenset()
) -> Anatomy:
    """A heart for a patient.

    T waves get smaller and the axis turns to the left with age; men have larger QRS and T waves, longer QRS.

    Args:
        rng: source of randomness.
        conduction: state of the bundle branches.
        age: years.
        sex: "female" or "male".
        conditions: diseases and their marks.
    """
    aging = (age - 55) / 40
    male = 1.0 if sex == "male" else 0.0
    size = float(np.clip(rng.lognormal(0.20 + 0.06 * male, 0.15), 0.5, 2.3))
    scatter = _QRS_SCATTER * rng.standard_normal((5, 3))
    scatter[3:] += np.outer([1.0, 0.6], rng.normal(0, [0.14, 0.11, 0.08]))  # where activation ends
    qrs = size * (_QRS + scatter @ _LEFT_IS_DOWN)
    strength = float(np.clip(size * rng.lognormal(-0.26 - 0.14 * aging, 0.30), 0.25, 1.9))
    t = np.array([0.26 - 0.07 * aging, 0.11 - 0.02 * aging, -0.105 - 0.07 * male])
    t = strength * (t + _T_SCATTER * rng.standard_normal(3))
    st = np.array([-0.009 - 0.006 * aging, -0.004, -0.018 - 0.010 * male])
    st = st + _ST_SCATTER * rng.standard_normal(3) @ _LEFT_IS_FRONT
    p = float(np.clip(rng.lognormal(0.0, 0.25), 0.4, 1.9)) * _P * rng.normal(1, 0.18, (2, 3))
    vectors = Vectors(
        qrs=qrs,
        t=t,
        st=st,
        p=p,
        frontal=float(np.radians(np.clip(rng.normal(3 - 14 * aging, 17), -60, 60))),
        horizontal=float(rng.normal(0.0, 0.24)),
        duration=float(np.clip(rng.normal(0.071 + 0.006 * male, 0.0075), 0.056, 0.098)),
        p_duration=float(np.clip(rng.normal(0.103 + 0.006 * aging, 0.010), 0.080, 0.130)),
    )
    findings = draw_findings(rng, conduction, age, sex, conditions)
    shares = SHARES + rng.normal(0, 0.03) + rng.normal(0, 0.012, 5)
    return Anatomy(
        conduction,
        findings,
        show(vectors, findings, rng),
        shares,
        size,
        float(np.clip(rng.lognormal(0.0, 0.3), 0.65, 2.0)),
    )
