"""What one beat looks like: groups of Gaussians in time, each with a dipole vector.

A wave form is a sum of Gaussians (Sameni et al. 2007), but each Gaussian carries one vector in space (X to
the left, Y to the feet, Z to the back) instead of three unrelated courses, and its times follow the
activation sequence of the ventricles, so that bundle branch block, ectopic foci and pacing are changes of
that sequence. Amplitudes are set so that the leads of a normal adult come out with normal amplitudes, which
the published dipole parameters do not.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.simulator.clocks import Rng
from rarebeat.simulator.events import AtrialFocus, VentricularFocus

Array = npt.NDArray[np.float64]


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


@dataclass(frozen=True)
class Anatomy:
    """The patient's heart as a generator.

    Attributes:
        conduction: state of the bundle branches.
        qrs, p, t: factors on the amplitudes.
        frontal: turn of the ventricular vectors in the frontal plane, radians, to the right positive.
        horizontal: turn in the horizontal plane, radians, to the front positive.
        duration: QRS duration in seconds where the bundle branches conduct.
        inverted: T waves against the QRS (nonspecific).
        terminal: factor on the late forces of right bundle branch block.
    """

    conduction: str
    qrs: float
    p: float
    t: float
    frontal: float
    horizontal: float
    duration: float
    inverted: bool
    terminal: float = 1.0

    @property
    def axis(self) -> float:
        """Frontal QRS axis where the bundle branches conduct, degrees; 0 is to the left, 90 to the feet."""
        return 25.0 + float(np.degrees(self.frontal))


def draw_anatomy(rng: Rng, conduction: str, age: float, sex: str) -> Anatomy:
    """A heart for a patient; amplitudes fall and the axis turns to the left with age."""
    aging = (age - 55) / 40
    male = sex == "male"
    axis = rng.normal(3 - 12 * aging, 19)
    if rng.random() < 0.07:
        axis -= rng.uniform(30, 65)  # left anterior fascicle
    return Anatomy(
        conduction=conduction,
        qrs=float(np.clip(rng.lognormal(0.02 + 0.06 * male - 0.08 * aging, 0.26), 0.35, 2.2)),
        p=float(np.clip(rng.lognormal(-0.05, 0.28), 0.4, 1.9)),
        t=float(np.clip(rng.lognormal(-0.18 + 0.15 * male - 0.15 * aging, 0.42), 0.15, 2.2)),
        frontal=float(np.radians(axis)),
        horizontal=float(rng.normal(0.08, 0.32)),
        duration=float(np.clip(rng.normal(0.089 + 0.006 * male, 0.008), 0.070, 0.112)),
        inverted=bool(rng.random() < 0.07),
        terminal=float(np.clip(rng.lognormal(0.0, 0.35), 0.4, 2.0)),
    )


def p_wave(focus: AtrialFocus, anatomy: Anatomy, rng: Rng) -> Waveform:
    """P wave: right, then left atrium; an ectopic or retrograde one runs another way."""
    duration = rng.uniform(0.088, 0.118) if focus in ("sinus", "premature") else rng.uniform(0.075, 0.10)
    vectors = {
        "sinus": [[0.045, 0.078, -0.045], [0.085, 0.055, 0.040]],
        "premature": [[0.07, 0.02, 0.05], [-0.01, 0.06, 0.06]],
        "low": [[0.035, -0.090, -0.02], [0.060, -0.110, 0.02]],
        "left": [[-0.070, 0.030, -0.05], [-0.075, 0.045, -0.09]],
        "retrograde": [[0.01, -0.100, -0.04], [0.02, -0.120, -0.05]],
    }[focus]
    vector = np.array(vectors) * anatomy.p * rng.normal(1, 0.12, (2, 3))
    if focus == "premature":
        vector = vector @ _turn(rng.normal(0, 0.5), rng.normal(0, 0.5)).T
    return Waveform(np.array([0.36, 0.63]) * duration, np.array([0.155, 0.165]) * duration, vector)


def qrs_complex(focus: VentricularFocus, anatomy: Anatomy, rng: Rng) -> Waveform:
    """QRS of a beat through the His bundle or from a focus."""
    if focus == "his":
        return _conducted(anatomy, anatomy.conduction)
    if focus == "aberrant":
        return _conducted(anatomy, "right")
    return _from_focus(_direction(focus, rng), anatomy, rng)


def t_wave(focus: VentricularFocus, qrs: Waveform, anatomy: Anatomy, rng: Rng) -> Waveform:
    """T wave of a beat, in shares of the QT interval: ST segment, ascent, peak."""
    direction = np.array([0.29, 0.11, -0.24]) * anatomy.t
    if anatomy.inverted and focus == "his":
        direction = -0.45 * direction
    direction = direction * rng.normal(1, 0.15, 3)
    level = 0.10 * direction
    block = "right" if focus == "aberrant" else anatomy.conduction
    if focus not in ("his", "aberrant") or block in ("left", "right"):
        # Repolarisation follows a late activation in the same order, hence against the area of the QRS.
        area = (qrs.width[:, None] * qrs.vector).sum(axis=0)
        late = area if focus not in ("his", "aberrant") or block == "left" else _terminal_area(qrs)
        direction = (0.25 if block != "right" else 0.8) * direction - late * rng.uniform(7, 11)
        level = 0.30 * direction
    vector = np.stack([level, 0.42 * direction, direction])
    shift = 0.02 * rng.standard_normal()
    width = np.array([0.13, 0.105, 0.078]) * rng.normal(1, 0.06, 3)
    return Waveform(np.array([0.44, 0.655, 0.775]) + shift, width, vector)


def _conducted(anatomy: Anatomy, conduction: str) -> Waveform:
    duration = anatomy.duration
    if conduction == "left":
        times = np.array([[0.017, 0.050, 0.088, 0.118], [0.009, 0.014, 0.016, 0.013]]) * duration / 0.092
        vector = np.array([[0.15, 0.12, 0.12], [0.72, 0.45, 0.80], [0.90, 0.05, 0.85], [0.45, -0.12, 0.35]])
        return _turned(times[0], times[1], vector, anatomy)
    share = np.array([0.19, 0.44, 0.61, 0.78])
    centre, width = share * duration, np.array([0.075, 0.090, 0.085, 0.070]) * duration
    vector = np.array([[-0.15, -0.02, -0.32], [1.22, 0.66, 0.16], [0.24, -0.05, 0.98], [-0.20, -0.14, 0.14]])
    normal = _turned(centre, width, vector, anatomy)
    if conduction == "normal":
        return normal
    # The right ventricle comes last: little opposes it, so V1 loses its S wave and gains a broad R'.
    complete = conduction == "right"
    size = anatomy.terminal * (1.0 if complete else 0.35)
    late = np.array([0.078, 0.106]) if complete else np.array([0.082, 0.092])
    spread = np.array([0.016, 0.019]) if complete else np.array([0.008, 0.008])
    terminal = np.array([[-0.48, 0.03, -0.38], [-0.40, -0.02, -0.28]]) * size
    opposing = np.array([[1.1], [1.0], [0.35 if complete else 0.8]])
    return Waveform(
        np.concatenate([normal.centre[:3], late * duration / 0.092]),
        np.concatenate([normal.width[:3], spread]),
        np.concatenate([normal.vector[:3] * opposing, terminal]),
    )


def _turned(centre: Array, width: Array, vector: Array, anatomy: Anatomy) -> Waveform:
    turn = _turn(anatomy.frontal, anatomy.horizontal)
    return Waveform(centre, width, anatomy.qrs * vector @ turn.T)


def _terminal_area(qrs: Waveform) -> Array:
    """Area vector of the last two Gaussians: the late part of a right bundle branch block."""
    return np.asarray((qrs.width[-2:, None] * qrs.vector[-2:]).sum(axis=0))


def _direction(focus: VentricularFocus, rng: Rng) -> Array:
    if focus == "pacemaker":  # apex of the right ventricle: to the left, up and back
        return np.array([rng.normal(0.45, 0.3), rng.normal(-0.85, 0.2), rng.normal(0.55, 0.25)])
    drawn = rng.standard_normal(3)
    return np.asarray(drawn / np.linalg.norm(drawn))


def _from_focus(direction: Array, anatomy: Anatomy, rng: Rng) -> Waveform:
    """Slow spread through the muscle from one place: wide, smooth, large, notched or not."""
    duration = rng.uniform(0.135, 0.175)
    size = rng.uniform(1.0, 1.6) * anatomy.qrs**0.5
    bend = [_turn(rng.normal(0, 0.45), rng.normal(0, 0.45)) for _ in range(3)]
    strength = np.array([0.45, 1.0, rng.uniform(0.4, 0.9)])
    vector = np.stack([part * size * (turn @ direction) for part, turn in zip(strength, bend, strict=True)])
    centre = np.array([0.24, 0.45, 0.68]) * duration
    return Waveform(centre, np.array([0.10, 0.115, 0.12]) * duration, vector)


def _turn(frontal: float, horizontal: float) -> Array:
    """Rotation in the frontal (X to Y) and then in the horizontal plane (X to front)."""
    a, b = np.cos(frontal), np.sin(frontal)
    c, d = np.cos(horizontal), np.sin(horizontal)
    in_frontal = np.array([[a, -b, 0], [b, a, 0], [0, 0, 1]])
    in_horizontal = np.array([[c, 0, d], [0, 1, 0], [-d, 0, c]])
    return np.asarray(in_horizontal @ in_frontal)
