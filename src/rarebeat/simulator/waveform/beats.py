"""What one beat looks like: groups of Gaussians in time, each with a dipole vector.

A wave form is a sum of Gaussians (Sameni et al. 2007), but each Gaussian carries one vector in space (X to
the left, Y to the feet, Z to the back) instead of three unrelated courses, and its times follow the
activation sequence of the heart, so that bundle branch block, ectopic foci and pacing are changes of that
sequence.
"""

import math
from dataclasses import dataclass

import numpy as np

from rarebeat.core.arithmetic import direction, limit, norm, product
from rarebeat.simulator.rhythm.clocks import Rng
from rarebeat.simulator.rhythm.events import AtrialFocus, VentricularFocus
from rarebeat.simulator.waveform.anatomy import Anatomy
from rarebeat.simulator.waveform.vectors import Array, turn, turned

T_GAUSSIANS = 5
"""Of a T wave with its ST segment, which is the first of them, and its U wave."""
_WIDTH = 0.083
"""Standard deviation of a Gaussian of the normal QRS, as a share of its duration."""
_USUAL_DURATION = 0.083
"""Seconds; bundle branch blocks stretch with the duration that the patient's QRS had without them."""
_USUAL_AXIS, _USUAL_FRONT = 0.45, -0.61
"""Direction of the usual QRS in the frontal plane, and in the horizontal plane to the front, radians."""
_P_WAVES = {
    "premature": np.array([[0.075, 0.03, 0.055], [0.015, 0.06, 0.06]]),
    "low": np.array([[0.045, -0.090, -0.02], [0.070, -0.105, 0.02]]),
    "left": np.array([[-0.075, 0.032, -0.05], [-0.080, 0.046, -0.08]]),
    "retrograde": np.array([[0.01, -0.100, -0.04], [0.02, -0.115, -0.05]]),
}
"""Right and left atrium of waves that do not start in the sinus node."""
_T_CENTRES, _T_WIDTHS = np.array([[0.41, 0.49, 0.645, 0.755, 1.12], [0.17, 0.12, 0.098, 0.074, 0.055]])
_T_SIZES = np.array([[0.0], [0.05], [0.38], [1.0], [0.07]])
"""ST segment, two parts of the rise, peak, and U wave: shares of the QT interval, and of the T wave's peak."""


@dataclass(frozen=True)
class _RightBlock:
    """What right bundle branch block adds to the normal QRS and leaves of it.

    Attributes:
        late: centres of the late forces, seconds.
        spread: their widths, seconds.
        terminal: (2, 3) their vectors.
        left: (5, 3) what is left of the X, Y and Z of each normal vector.
    """

    late: tuple[float, float]
    spread: tuple[float, float]
    terminal: Array
    left: list[list[float]]


_TERMINAL = np.array([[-0.21, 0.05, -0.50], [-0.15, 0.03, -0.38]])
_RIGHT = {
    "right": _RightBlock(
        (0.080, 0.103),
        (0.014, 0.017),
        _TERMINAL,
        [[1.1, 1.0, 1.1], [1.0, 1.0, 1.0], [0.95, 1.0, 0.4], [0.35, 0.35, 0.25], [0.0, 0.0, 0.0]],
    ),
    "incomplete right": _RightBlock(
        (0.074, 0.084),
        (0.008, 0.008),
        0.30 * _TERMINAL,
        [[1.1, 1.0, 1.1], [1.0, 1.0, 1.0], [1.0, 1.0, 0.8], [0.8, 0.8, 0.8], [0.6, 0.6, 0.6]],
    ),
    "late right": _RightBlock(
        (0.066, 0.082),
        (0.009, 0.016),
        np.array([[-0.13, -0.08, -0.07], [-0.06, -0.04, -0.04]]),
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 0.9], [0.7, 0.7, 0.6], [0.3, 0.3, 0.3]],
    ),
}
"""Of a usual heart, whose size and duration theirs follow."""


@dataclass(frozen=True)
class Waveform:
    """Gaussians that are placed together.

    Attributes:
        centre: (waves,) from the onset: in seconds, or as a share of the QT interval for a T wave.
        width: (waves,) standard deviation in the same unit.
        vector: (waves, 3) dipole in millivolts.
    """

    centre: Array
    width: Array
    vector: Array


def p_wave(focus: AtrialFocus, anatomy: Anatomy, rng: Rng) -> Waveform:
    """Shape a P wave: right, then left atrium, and the atrial repolarisation, long, flat and against them.

    Args:
        focus: where it starts; an ectopic or retrograde wave runs another way.
        anatomy: the patient's heart.
        rng: source of randomness, of the patient.

    Returns:
        Three Gaussians, times in seconds from the onset.
    """
    heart = anatomy.vectors
    size = float(norm(heart.p.sum(axis=0))) / 0.24
    vector, duration = heart.p, heart.p_duration
    if focus != "sinus":
        vector = size * _P_WAVES[focus] * rng.normal(1, 0.15, (2, 3))
        duration = heart.p_duration * rng.uniform(0.78, 0.98)
    if focus == "premature":
        vector = product(vector, turn(rng.normal(0, 0.6), rng.normal(0, 0.6)).T)
    repolarisation = -rng.uniform(0.08, 0.22) * vector.sum(axis=0)
    return Waveform(
        np.array([0.36 * duration, 0.63 * duration, duration + rng.uniform(0.05, 0.09)]),
        np.array([0.155 * duration, 0.165 * duration, rng.uniform(0.055, 0.075)]),
        np.vstack([vector, repolarisation]),
    )


def qrs_complex(focus: VentricularFocus, anatomy: Anatomy, rng: Rng) -> Waveform:
    """Shape the QRS complex of a beat through the His bundle or from a focus.

    Args:
        focus: where it starts.
        anatomy: the patient's heart.
        rng: source of randomness, of the patient.

    Returns:
        Three to seven Gaussians, times in seconds from the onset.
    """
    if focus == "his":
        return _conducted(anatomy, anatomy.conduction)
    if focus == "aberrant":
        return _conducted(anatomy, "right")
    return _from_focus(_direction(focus, rng), anatomy, rng, both_sides=focus == "biventricular")


def t_wave(focus: VentricularFocus, qrs: Waveform, anatomy: Anatomy, rng: Rng) -> Waveform:
    """Shape ST segment, T and U wave of a beat.

    Args:
        focus: where the beat starts.
        qrs: its QRS complex; repolarisation after a late activation goes against it.
        anatomy: the patient's heart.
        rng: source of randomness, of the patient.

    Returns:
        Five Gaussians, times as shares of the QT interval.
    """
    heart = anatomy.vectors
    block = "right" if focus == "aberrant" else anatomy.conduction
    peak = turned(turn(0.35 * heart.frontal, 0.0), heart.t)
    level = heart.st
    if focus not in ("his", "aberrant") or block == "left":
        peak, level = _discordant(qrs.width, qrs.vector, 0.2 * peak, rng)
    elif block == "right":
        peak, _ = _discordant(1.6 * qrs.width[-2:], qrs.vector[-2:], peak, rng)
        level = heart.st + 0.06 * (peak - heart.t)
    elif block == "delayed":
        peak, _ = _discordant(0.8 * qrs.width, qrs.vector, 0.5 * peak, rng)
    vector = _T_SIZES * peak
    vector[0] = 1.25 * level
    shift = 0.02 * rng.standard_normal()
    return Waveform(_T_CENTRES + shift, _T_WIDTHS * rng.normal(1, 0.06, T_GAUSSIANS), vector)


def _discordant(width: Array, vector: Array, own: Array, rng: Rng) -> tuple[Array, Array]:
    """T wave and ST segment after a late activation.

    Repolarisation follows a slow activation in the same order, hence against the area of the QRS.
    """
    area = (width[:, None] * vector).sum(axis=0)
    secondary = -area * rng.uniform(5.6, 8.2)
    return own + secondary, 0.17 * secondary


def _conducted(anatomy: Anatomy, conduction: str) -> Waveform:
    heart = anatomy.vectors
    if conduction == "left":
        return _left_block(anatomy)
    centre = anatomy.shares * heart.duration
    width = np.full(5, _WIDTH * heart.duration)
    rotation = turn(heart.frontal, heart.horizontal).T
    if conduction in _RIGHT:
        return _right_block(
            anatomy, Waveform(centre, width, product(heart.qrs, rotation)), _RIGHT[conduction]
        )
    if "preexcitation" in anatomy.findings:  # the delta wave
        delta = 0.42 * (heart.qrs[2] + [0.1, 0.0, -0.3])
        centre, width = np.r_[-0.022, centre], np.r_[0.014, width]
        return Waveform(centre, width, product(np.vstack([delta, heart.qrs]), rotation))
    return Waveform(centre, width, product(heart.qrs, rotation))


def _left_block(anatomy: Anatomy) -> Waveform:
    """The septum is activated from the right, then the left ventricle slowly, from the front to the back."""
    heart = anatomy.vectors
    stretch = heart.duration / _USUAL_DURATION
    vector = np.array([[0.12, 0.10, -0.12], [0.48, 0.36, 1.05], [0.60, 0.0, 1.20], [0.30, -0.12, 0.52]])
    return Waveform(
        np.array([0.017, 0.050, 0.086, 0.116]) * stretch,
        np.array([0.009, 0.017, 0.018, 0.014]) * stretch,
        product(anatomy.size * vector, _position(anatomy).T),
    )


def _position(anatomy: Anatomy) -> Array:
    """The turn of a heart against the usual one: half of the turn of its own QRS, which the block hides."""
    x, _, z = anatomy.vectors.qrs.sum(axis=0)
    frontal = math.radians(anatomy.axis) - _USUAL_AXIS
    horizontal = direction(-float(z), float(x)) - _USUAL_FRONT
    return turn(limit(0.5 * frontal, -0.6, 0.6), limit(0.5 * horizontal, -0.6, 0.6))


def _right_block(anatomy: Anatomy, normal: Waveform, block: _RightBlock) -> Waveform:
    """The right ventricle comes last: little opposes it, so V1 loses its S wave and gains a broad R'."""
    stretch = anatomy.vectors.duration / _USUAL_DURATION
    size = math.sqrt(anatomy.size) * anatomy.terminal
    return Waveform(
        np.concatenate([normal.centre, np.array(block.late) * stretch]),
        np.concatenate([normal.width, block.spread]),
        np.vstack([normal.vector * block.left, size * block.terminal]),
    )


def _direction(focus: VentricularFocus, rng: Rng) -> Array:
    if focus == "pacemaker":  # apex of the right ventricle: to the left, up and back
        return np.array([rng.normal(0.45, 0.3), rng.normal(-0.85, 0.2), rng.normal(0.55, 0.25)])
    if focus == "biventricular":  # and from the side of the left one: to the right, up and to the front
        return np.array([rng.normal(-0.55, 0.15), rng.normal(-0.45, 0.22), rng.normal(-0.4, 0.2)])
    drawn = rng.standard_normal(3)
    return np.asarray(drawn / norm(drawn))


def _from_focus(main: Array, anatomy: Anatomy, rng: Rng, both_sides: bool = False) -> Waveform:
    """Slow spread through the muscle from one place: wide, smooth, large, notched or not.

    From both sides (biventricular pacing) it takes less time, and part of the forces cancel each other.
    """
    duration = rng.uniform(0.112, 0.150) if both_sides else rng.uniform(0.135, 0.175)
    size = (rng.uniform(0.8, 1.2) if both_sides else rng.uniform(1.0, 1.6)) * math.sqrt(anatomy.size)
    bend = [turn(rng.normal(0, 0.45), rng.normal(0, 0.45)) for _ in range(3)]
    strength = np.array([0.45, 1.0, rng.uniform(0.4, 0.9)])
    vector = np.stack([part * size * turned(one, main) for part, one in zip(strength, bend, strict=True)])
    centre = np.array([0.24, 0.45, 0.68]) * duration
    return Waveform(centre, np.array([0.10, 0.115, 0.12]) * duration, vector)
