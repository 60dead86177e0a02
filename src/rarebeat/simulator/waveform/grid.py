"""Two grids of time: every sample, and one place in 8 ms for what is slow.

P waves, T waves, f waves and the wandering baseline hold next to nothing above 40 Hz. They are drawn at a quarter of
the samples, together, and interpolated once.
"""

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]

_PLACE = 0.008
"""Seconds from place to place of the coarse grid, about."""


@dataclass(frozen=True)
class Grid:
    """The samples of a recording, and the coarse grid.

    Attributes:
        samples: length.
        rate: samples per second.
    """

    samples: int
    rate: float

    @property
    def spacing(self) -> int:
        """Samples from place to place of the coarse grid."""
        return max(1, round(_PLACE * self.rate))

    @property
    def places(self) -> int:
        """Length of the coarse grid: from one place before the first sample to two behind the last."""
        return -(-self.samples // self.spacing) + 3

    @property
    def step(self) -> float:
        """Seconds from place to place of the coarse grid."""
        return self.spacing / self.rate

    @property
    def times(self) -> Array:
        """Seconds of the coarse grid, (places,)."""
        return _times(self.places, self.step)


@functools.lru_cache(maxsize=4)
def _times(places: int, step: float) -> Array:
    return np.asarray(np.arange(-1, places - 1) * step, np.float64)


def to_samples(coarse: Float, grid: Grid) -> Float:
    """Interpolate from the coarse grid by Catmull-Rom cubics.

    Args:
        coarse: (leads, places).
        grid: both grids.

    Returns:
        float32 (leads, samples).
    """
    spacing, count = grid.spacing, grid.places - 3
    result = np.empty((len(coarse), count, spacing), np.float32)
    before, here, after, behind = (coarse[:, place : place + count] for place in range(4))
    result[:, :, 0] = here
    total, part = np.empty((2, len(coarse), count), np.float32)
    for phase in range(1, spacing):
        weights = _catmull_rom(phase / spacing)
        np.multiply(here, weights[1], out=total)
        for values, weight in ((before, weights[0]), (after, weights[2]), (behind, weights[3])):
            np.multiply(values, weight, out=part)
            total += part
        result[:, :, phase] = total
    return result.reshape(len(coarse), -1)[:, : grid.samples]


def _catmull_rom(share: float) -> tuple[np.float32, ...]:
    """Weights of the four nearest places at a share of the way from the second to the third."""
    square = share * share
    cube = square * share
    weights = (
        (2 * square - share - cube) / 2,
        (2 - 5 * square + 3 * cube) / 2,
        (share + 4 * square - 3 * cube) / 2,
        (cube - square) / 2,
    )
    return tuple(np.float32(weight) for weight in weights)
