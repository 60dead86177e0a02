"""The vectors of a heart, and how to turn them. X points to the left, Y to the feet, Z to the back."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.core.arithmetic import cosine_and_sine, product

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Vectors:
    """Vectors in millivolts, and what turns and times them.

    Attributes:
        qrs: (5, 3) activation of septum, apex, free wall, posterior wall and base.
        t: (3,) T wave at its peak.
        st: (3,) ST segment.
        p: (2, 3) right and left atrium.
        frontal: turn of QRS and T in the frontal plane, radians, to the right positive.
        horizontal: turn of the QRS in the horizontal plane, radians, to the front positive.
        duration: QRS duration in seconds where the bundle branches conduct.
        p_duration: of the sinus P wave, seconds.
        qt: seconds added to the corrected QT interval.
    """

    qrs: Array
    t: Array
    st: Array
    p: Array
    frontal: float
    horizontal: float
    duration: float
    p_duration: float
    qt: float = 0.0


def turn(frontal: float, horizontal: float) -> Array:
    """Rotation in the frontal (X to Y) and then in the horizontal plane (X to front)."""
    a, b = cosine_and_sine(frontal)
    c, d = cosine_and_sine(horizontal)
    return np.array([[c * a, -c * b, d], [b, a, 0.0], [-d * a, d * b, c]])


def turned(rotation: Array, vector: Array) -> Array:
    """A vector, (3,), after a rotation, (3, 3)."""
    return product(rotation, vector[:, None])[:, 0]
