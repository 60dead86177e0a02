"""From the dipole to the leads, and why twelve leads are more than three numbers.

A lead matrix gives eight leads from the three axes of a dipole. A real torso is no such thing: each
patient has another matrix, electrodes are never where they belong, and near electrodes see what no dipole
shows. So the matrix is drawn per patient and moved per visit, and every Gaussian of every wave form is
changed a little per lead, in the same way for all beats of a recording.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rarebeat.core.arithmetic import exp, exp_of, norm, product
from rarebeat.simulator.rhythm.clocks import Rng
from rarebeat.simulator.waveform.beats import Waveform
from rarebeat.simulator.waveform.vectors import Array

INDEPENDENT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""The leads that are simulated; the four others follow from I and II."""

TORSO = np.array(  # rows as INDEPENDENT, columns X (left), Y (feet), Z (back)
    [
        [0.78, -0.38, 0.08],
        [0.35, 0.83, -0.06],
        [-0.46, 0.22, -0.77],
        [0.17, -0.16, -1.54],
        [0.86, 0.31, -1.24],
        [1.20, 0.39, -0.67],
        [1.13, 0.25, -0.20],
        [0.89, 0.16, 0.08],
    ]
)
"""Dower's matrix (1980) with weights moved so that resting adults have their proportions between leads.

Through Dower's own weights lead I comes out too small, V1 too large.
"""

_CHEST_WALL = np.array([[0.0, 0.0, 0.6, 1.0, 1.2, 1.2, 1.0, 0.7]]).T
"""How much the distance between heart and chest wall matters to each lead."""

_BEYOND = np.array(
    [
        [-0.20, -0.24, -0.06, -0.10, 0.00],
        [-0.14, -0.31, 0.26, -0.03, 0.06],
        [-0.09, 0.60, -0.77, 0.08, -0.14],
        [-0.90, -0.49, 0.43, 0.17, -0.23],
        [1.41, -0.81, -0.12, 0.44, -0.03],
        [0.84, 0.44, 0.48, -0.39, -0.23],
        [-0.06, 0.49, 0.36, 0.22, 0.29],
        [-0.36, 0.32, 0.18, 0.48, -0.21],
    ]
)
"""What no dipole explains of real QRS complexes: five patterns over the leads, scaled to one on average."""
_RESIDUAL = {"p": 0.11, "qrs": 0.09, "t": 0.05}  # size of these patterns, of a Gaussian's vector length
_TORSO_RESIDUAL = 0.15  # their size in a patient's matrix, per axis
_LATENESS = 0.17  # of a Gaussian's width, per lead
_BREADTH = 0.06  # of a Gaussian's width, per lead
_ST_BIAS = np.array([0.07, 0.03, 0.00, 0.17, -0.14, -0.32, -0.26, -0.09])
_T_BIAS = np.array([0.14, 0.08, -0.11, 0.28, -0.16, -0.36, -0.27, -0.09])
"""What the matrix, made for the QRS, leaves out of ST and T, as a share of their size: V2 sees more, V4 less."""
_NOTCHES = 4  # narrow Gaussians in the QRS
_NOTCH_SIZE = 0.028  # of the longest vector, per axis

_LARGEST = np.float32(10_000)  # microvolts, far beyond any ECG; keeps the differences within int16

# Neighbouring chest electrodes see similar things: smooths over V1-V6, keeps the variance.
_NEARBY = np.eye(8)
for _row in range(2, 8):
    for _column in range(max(2, _row - 2), min(8, _row + 3)):
        _NEARBY[_row, _column] = (1.0, 0.7, 0.3)[abs(_row - _column)]
_NEARBY /= norm(_NEARBY)[:, None]


@dataclass(frozen=True)
class LeadWaveform:
    """A wave form as the electrodes of one recording see it.

    Attributes:
        centre: (waves, 8) float32, as in :class:`~rarebeat.simulator.waveform.beats.Waveform`.
        width: (waves, 8) float32.
        vector: (waves, 3) dipole in millivolts.
        residual: (waves, 8) what the dipole does not explain, millivolts.
    """

    centre: npt.NDArray[np.float32]
    width: npt.NDArray[np.float32]
    vector: Array
    residual: Array


def patient_matrix(rng: Rng) -> Array:
    """Draw a patient's lead matrix.

    A thick or thin chest wall changes all chest leads together and the limb leads not at all; besides, each
    lead is nearer or farther, each weight is another, and there is what no dipole explains.

    Args:
        rng: source of randomness, of the patient.

    Returns:
        (8, 3) millivolts in a lead per millivolt of X, Y and Z.
    """
    chest = rng.normal(0, 0.18) * _CHEST_WALL
    near = exp(chest + product(_NEARBY, rng.normal(0, 0.07, (8, 1))))
    weights = TORSO * (1 + product(_NEARBY, rng.normal(0, 0.08, TORSO.shape)))
    beyond = product(_BEYOND, rng.normal(0, _TORSO_RESIDUAL, (5, 3)))
    return np.asarray(near * (weights + product(_NEARBY, rng.normal(0, 0.045, TORSO.shape))) + beyond)


def place_electrodes(rng: Rng, matrix: Array) -> Array:
    """Place the electrodes of one visit: those of the chest slip towards a neighbour.

    Args:
        rng: source of randomness, of the visit.
        matrix: (8, 3), of the patient.

    Returns:
        (8, 3), of the visit.
    """
    placed = matrix.copy()
    slip = rng.normal(0, 0.16, 6)
    for row in range(6):
        neighbour = min(max(row + (1 if slip[row] > 0 else -1), 0), 5)
        placed[2 + row] += abs(slip[row]) * (matrix[2 + neighbour] - matrix[2 + row])
    return placed


def see(waveform: Waveform, rng: Rng, residual: float = _RESIDUAL["p"], smooth: bool = False) -> LeadWaveform:
    """Add what electrodes add: residual amplitude, time and width per lead.

    Args:
        waveform: the dipole's wave form.
        rng: source of randomness.
        residual: size of what no dipole explains, relative to that of the dipole.
        smooth: change all Gaussians of a lead alike, for a wave without notches (T).
    """
    count = 1 if smooth else len(waveform.centre)
    late, broad = product(rng.standard_normal((2, count, len(INDEPENDENT))), _NEARBY.T)
    extra = product(rng.standard_normal((count, _BEYOND.shape[1])), _BEYOND.T)
    width = waveform.width[:, None]
    length = norm(waveform.vector)[:, None]
    return LeadWaveform(
        (waveform.centre[:, None] + width * _LATENESS * late).astype(np.float32),
        (width * exp(_BREADTH * broad)).astype(np.float32),
        waveform.vector,
        length * residual * extra,
    )


def see_t(waveform: Waveform, rng: Rng) -> LeadWaveform:
    """A T wave in the leads: without notches, each lead's Gaussians changed alike."""
    seen = see(waveform, rng, _RESIDUAL["t"], smooth=True)
    forward = (waveform.vector * [0.78, 0.33, -0.53]).sum(axis=1)  # the usual direction of T waves
    bias = forward[:, None] * _T_BIAS
    bias[0] = norm(waveform.vector[0]) * _ST_BIAS  # the ST segment has no usual direction
    return replace(seen, residual=seen.residual + bias)


def see_qrs(waveform: Waveform, rng: Rng) -> LeadWaveform:
    """A QRS in the leads: as :func:`see`, with small sharp notches, mostly but not only of the dipole."""
    seen = see(waveform, rng, _RESIDUAL["qrs"])
    shape = (_NOTCHES, len(INDEPENDENT))
    centre = rng.uniform(waveform.centre[0], waveform.centre[-1], (_NOTCHES, 1)) + rng.normal(0, 0.001, shape)
    width = np.repeat(rng.uniform(0.0012, 0.0030, (_NOTCHES, 1)), shape[1], axis=1)
    size = float(norm(waveform.vector).max()) * _NOTCH_SIZE * exp_of(rng.normal(0, 0.3))
    notches = product(0.15 * size * rng.standard_normal(shape), _NEARBY.T)
    return LeadWaveform(
        np.concatenate([seen.centre, centre.astype(np.float32)]),
        np.concatenate([seen.width, width.astype(np.float32)]),
        np.concatenate([seen.vector, size * rng.standard_normal((_NOTCHES, 3))]),
        np.concatenate([seen.residual, notches]),
    )


def twelve_leads(independent: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """Make twelve leads in whole microvolts from eight in millivolts.

    The eight are rounded first, so that III = II - I holds exactly (the augmented leads: to half a
    microvolt).

    Args:
        independent: (8, samples), rows as :data:`INDEPENDENT`.

    Returns:
        int16 (12, samples): I II III aVR aVL aVF V1-V6.
    """
    stored = independent * np.float32(1000)
    np.rint(stored, out=stored)
    np.clip(stored, -_LARGEST, _LARGEST, out=stored)
    leads = np.empty((12, stored.shape[1]), np.int16)
    leads[:2], leads[6:] = stored[:2], stored[2:]
    one, two = stored[:2]
    leads[2] = two - one
    half_one, half_two = one * np.float32(0.5), two * np.float32(0.5)
    leads[3] = np.rint(-(half_one + half_two))
    leads[4] = np.rint(one - half_two)
    leads[5] = np.rint(two - half_one)
    return leads
