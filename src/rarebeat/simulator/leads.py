"""From the dipole to the leads, and why twelve leads are more than three numbers.

The Dower matrix gives eight leads from the three axes of a dipole. A real torso is no such thing: each
patient has another matrix, electrodes are never where they belong, and near electrodes see what no dipole
shows. So the matrix is drawn per patient and moved per visit, and every Gaussian of every wave form is
changed a little per lead, in the same way for all beats of a recording.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rarebeat.simulator.beats import Array, Waveform
from rarebeat.simulator.clocks import Rng

INDEPENDENT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""The leads that are simulated; the four others follow from I and II."""

DOWER = np.array(  # Dower et al. 1980; rows as INDEPENDENT, columns X (left), Y (feet), Z (back)
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)

_RESIDUAL = 0.085  # of a Gaussian's vector length, per lead
_LATENESS = 0.22  # of a Gaussian's width, per lead
_BREADTH = 0.06  # of a Gaussian's width, per lead

_NEARBY = np.eye(
    8
)  # neighbouring chest electrodes see similar things: smooths over V1-V6, keeps the variance
for _row in range(2, 8):
    for _column in range(max(2, _row - 1), min(8, _row + 2)):
        _NEARBY[_row, _column] = 1.0 if _row == _column else 0.6
_NEARBY /= np.linalg.norm(_NEARBY, axis=1, keepdims=True)


@dataclass(frozen=True)
class LeadWaveform:
    """A wave form as the electrodes of one recording see it.

    Attributes:
        centre: (waves, 8) float32, as in :class:`~rarebeat.simulator.beats.Waveform`.
        width: (waves, 8) float32.
        vector: (waves, 3) dipole in millivolts.
        residual: (waves, 8) what the dipole does not explain, millivolts.
    """

    centre: npt.NDArray[np.float32]
    width: npt.NDArray[np.float32]
    vector: Array
    residual: Array


def patient_matrix(rng: Rng) -> Array:
    """A patient's lead matrix, (8, 3): Dower's, each weight changed by about a tenth."""
    return np.asarray(DOWER * rng.normal(1, 0.10, DOWER.shape) + rng.normal(0, 0.06, DOWER.shape))


def place_electrodes(rng: Rng, matrix: Array) -> Array:
    """The matrix of one visit: chest electrodes slipped towards a neighbour."""
    placed = matrix.copy()
    slip = rng.normal(0, 0.14, 6)
    for row in range(6):
        neighbour = min(max(row + (1 if slip[row] > 0 else -1), 0), 5)
        placed[2 + row] += abs(slip[row]) * (matrix[2 + neighbour] - matrix[2 + row])
    return placed


def see(waveform: Waveform, rng: Rng, smooth: bool = False) -> LeadWaveform:
    """Add what electrodes add: residual amplitude, time and width per lead.

    Args:
        waveform: the dipole's wave form.
        rng: source of randomness.
        smooth: change all Gaussians of a lead alike, for a wave without notches (T).
    """
    count = 1 if smooth else len(waveform.centre)
    late, broad, extra = rng.standard_normal((3, count, len(INDEPENDENT))) @ _NEARBY.T
    width = waveform.width[:, None]
    length = np.linalg.norm(waveform.vector, axis=1, keepdims=True)
    return LeadWaveform(
        (waveform.centre[:, None] + width * _LATENESS * late).astype(np.float32),
        (width * np.exp(_BREADTH * broad)).astype(np.float32),
        waveform.vector,
        length * _RESIDUAL * extra,
    )


def twelve_leads(independent: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """All twelve leads in whole microvolts from eight in millivolts.

    The eight are rounded first, so that III = II - I holds exactly (the augmented leads: to half a
    microvolt).

    Args:
        independent: (8, samples), rows as :data:`INDEPENDENT`.

    Returns:
        int16 (12, samples): I II III aVR aVL aVF V1-V6.
    """
    limit = 10_000  # far beyond any ECG; keeps the differences within int16
    stored = np.clip(np.rint(independent * 1000), -limit, limit)
    one, two = stored[0], stored[1]
    derived = np.stack([two - one, -(one + two) / 2, one - two / 2, two - one / 2])
    return np.concatenate([stored[:2], np.rint(derived), stored[2:]]).astype(np.int16)
