"""From the dipole to the leads, and why twelve leads are more than three numbers.

A lead matrix gives eight leads from the three axes of a dipole. A real torso is no such thing: each
patient has another matrix, electrodes are never where they belong, and near electrodes see what no dipole
shows. So the matrix is drawn per patient and moved per visit, and every Gaussian of every wave form is
changed a little per lead, in the same way for all beats of a recording.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from rarebeat.core.arithmetic import exp, norm, product
from rarebeat.simulator.rhythm.clocks import Rng
from rarebeat.simulator.waveform.beats import T_GAUSSIANS, Waveform
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
_RESIDUAL = {
    "p": 0.11,
    "qrs": 0.09,
    "t": 0.05,
    "spike": 0.0,
}  # size of these patterns, of a Gaussian's vector length
_TORSO_RESIDUAL = 0.15  # their size in a patient's matrix, per axis
_LATENESS = 0.17  # of a Gaussian's width, per lead
_BREADTH = 0.06  # of a Gaussian's width, per lead
_ST_BIAS = np.array([0.07, 0.03, 0.00, 0.17, -0.14, -0.32, -0.26, -0.09])
_T_BIAS = np.array([0.14, 0.08, -0.11, 0.28, -0.16, -0.36, -0.27, -0.09])
"""What the matrix, made for the QRS, leaves out of ST and T, as a share of their size: V2 sees more, V4 less."""
_NOTCHES = 4  # narrow Gaussians in the QRS
_NOTCH_SIZE = 0.028  # of the longest vector, per axis
_CHANGES = 2 * len(INDEPENDENT) + _BEYOND.shape[1]
_NONE = np.empty(0)

_LARGEST = np.float32(10_000)  # microvolts, far beyond any ECG; keeps the differences within int16

# Neighbouring chest electrodes see similar things: smooths over V1-V6, keeps the variance.
_NEARBY = np.eye(8)
for _row in range(2, 8):
    for _column in range(max(2, _row - 2), min(8, _row + 3)):
        _NEARBY[_row, _column] = (1.0, 0.7, 0.3)[abs(_row - _column)]
_NEARBY /= norm(_NEARBY)[:, None]


Kind = Literal["p", "qrs", "t", "spike"]


@dataclass(frozen=True)
class DrawnWave:
    """A wave form of the dipole, and the random numbers by which the electrodes change it.

    Attributes:
        kind: decides how much they change it.
        waveform: of the dipole.
        changes: (waves, 21) normal numbers: lateness and breadth in eight leads, size of five patterns. One row
            stands for all Gaussians of a wave without notches.
        notches: 8 even numbers and 77 normal ones for the notches of a QRS; empty for the others.
    """

    kind: Kind
    waveform: Waveform
    changes: Array
    notches: Array


@dataclass(frozen=True)
class LeadWaves:
    """Wave forms as the electrodes of their recordings see them: their Gaussians, wave form after wave form.

    Attributes:
        counts: (wave forms,) Gaussians of each.
        centre: (Gaussians, 8) float32, as in :class:`~rarebeat.simulator.waveform.beats.Waveform`.
        width: (Gaussians, 8) float32.
        vector: (Gaussians, 3) dipole in millivolts.
        residual: (Gaussians, 8) what the dipole does not explain, millivolts.
    """

    counts: npt.NDArray[np.int64]
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
    chest = matrix[2:]
    neighbour = np.clip(np.arange(6) + np.where(slip > 0, 1, -1), 0, 5)
    placed[2:] += np.abs(slip)[:, None] * (chest[neighbour] - chest)
    return placed


def draw_wave(kind: Kind, waveform: Waveform, rng: Rng) -> DrawnWave:
    """Draw by what the electrodes change a wave form.

    Args:
        kind: of wave; all Gaussians of a T wave are changed alike, a QRS gets notches, a pacing spike nothing.
        waveform: of the dipole.
        rng: source of randomness, of the patient.
    """
    if kind == "spike":
        return DrawnWave(kind, waveform, np.zeros((1, _CHANGES)), _NONE)
    changes = rng.standard_normal((1 if kind == "t" else len(waveform.centre), _CHANGES))
    notches = np.concatenate([rng.random(2 * _NOTCHES), rng.standard_normal(77)]) if kind == "qrs" else _NONE
    return DrawnWave(kind, waveform, changes, notches)


def see(waves: Sequence[DrawnWave]) -> LeadWaves:
    """Add what electrodes add: residual amplitude, time and width per lead, and the sharp notches of the QRS.

    Args:
        waves: of any number of recordings; each is changed by its own random numbers alone.
    """
    counts = np.array([len(wave.waveform.centre) for wave in waves])
    centre, width, vector = (
        np.concatenate([getattr(wave.waveform, name) for wave in waves])
        for name in ("centre", "width", "vector")
    )
    drawn = np.concatenate([wave.changes for wave in waves])
    rows = np.array([len(wave.changes) for wave in waves])
    first = np.repeat(np.cumsum(rows) - rows, counts)
    within = np.arange(len(centre)) - np.repeat(np.cumsum(counts) - counts, counts)
    row = first + np.minimum(within, np.repeat(rows, counts) - 1)
    length = norm(vector)
    size = length * np.repeat([_RESIDUAL[wave.kind] for wave in waves], counts)
    seen = LeadWaves(
        counts,
        (centre[:, None] + (width * _LATENESS)[:, None] * product(drawn[:, :8], _NEARBY.T)[row]).astype(
            np.float32
        ),
        (width[:, None] * exp(_BREADTH * product(drawn[:, 8:16], _NEARBY.T))[row]).astype(np.float32),
        vector,
        size[:, None] * product(drawn[:, 16:], _BEYOND.T)[row],
    )
    kinds = np.array([wave.kind for wave in waves])
    _turn_t_waves(seen, np.flatnonzero(np.repeat(kinds == "t", counts)))
    return _with_notches(seen, waves, np.flatnonzero(kinds == "qrs"), length)


def _turn_t_waves(seen: LeadWaves, rows: npt.NDArray[np.int64]) -> None:
    """Add what the matrix leaves out of T waves to the rows of their Gaussians, five each: ST segment first."""
    if not len(rows):
        return
    vector = seen.vector[rows].reshape(-1, T_GAUSSIANS, 3)
    forward = np.add.reduce(vector * [0.78, 0.33, -0.53], axis=2)  # the usual direction of T waves
    bias = forward[:, :, None] * _T_BIAS
    bias[:, 0] = norm(vector[:, 0])[:, None] * _ST_BIAS  # the ST segment has no usual direction
    seen.residual[rows] += bias.reshape(-1, len(INDEPENDENT))


def _with_notches(
    seen: LeadWaves, waves: Sequence[DrawnWave], which: npt.NDArray[np.int64], length: Array
) -> LeadWaves:
    """Add small sharp notches to QRS complexes, mostly but not only of the dipole.

    Args:
        seen: all wave forms without notches.
        waves: the same as drawn.
        which: of them are QRS complexes.
        length: (Gaussians,) of the vectors.
    """
    if not len(which):
        return seen
    count = len(which)
    drawn = np.stack([waves[wave].notches for wave in which])
    place, breadth = drawn[:, :_NOTCHES], drawn[:, _NOTCHES : 2 * _NOTCHES]
    late, own, dipole, spread = np.split(drawn[:, 2 * _NOTCHES :], [32, 64, 76], axis=1)
    begin, end = (np.array([waves[wave].waveform.centre[at] for wave in which])[:, None] for at in (0, -1))
    centre = (begin + (end - begin) * place)[:, :, None] + 0.001 * late.reshape(count, _NOTCHES, -1)
    width = np.repeat((0.0012 + 0.0018 * breadth).reshape(-1, 1), len(INDEPENDENT), axis=1)
    first = np.cumsum(seen.counts) - seen.counts
    size = (_NOTCH_SIZE * np.maximum.reduceat(length, first)[which, None] * exp(0.3 * spread))[:, :, None]
    own_size = product(0.15 * size * own.reshape(count, _NOTCHES, -1), _NEARBY.T)
    vector = size * dipole.reshape(count, _NOTCHES, 3)
    order = np.argsort(
        np.concatenate([np.repeat(np.arange(len(waves)), seen.counts), np.repeat(which, _NOTCHES)]),
        kind="stable",
    )
    counts = seen.counts.copy()
    counts[which] += _NOTCHES
    return LeadWaves(
        counts,
        np.concatenate([seen.centre, centre.reshape(-1, len(INDEPENDENT)).astype(np.float32)])[order],
        np.concatenate([seen.width, width.astype(np.float32)])[order],
        np.concatenate([seen.vector, vector.reshape(-1, 3)])[order],
        np.concatenate([seen.residual, own_size.reshape(-1, len(INDEPENDENT))])[order],
    )


def twelve_leads(independent: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """Make twelve leads in whole microvolts from eight in millivolts.

    The eight are rounded first, so that III = II - I holds exactly (the augmented leads: to half a
    microvolt).

    Args:
        independent: (8, samples), rows as :data:`INDEPENDENT`; overwritten.

    Returns:
        int16 (12, samples): I II III aVR aVL aVF V1-V6.
    """
    stored = np.multiply(independent, np.float32(1000), out=independent)
    np.rint(stored, out=stored)
    np.clip(stored, -_LARGEST, _LARGEST, out=stored)
    leads = np.empty((12, stored.shape[1]), np.int16)
    leads[:2], leads[6:] = stored[:2], stored[2:]
    one, two = stored[:2]
    np.subtract(leads[1], leads[0], out=leads[2])
    half: npt.NDArray[np.float32] = stored[:2] * np.float32(0.5)
    leads[3] = np.rint(-(half[0] + half[1]))
    leads[4] = np.rint(one - half[1])
    leads[5] = np.rint(two - half[0])
    return leads
