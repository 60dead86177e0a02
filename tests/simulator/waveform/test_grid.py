"""The coarse grid: what it holds comes back at every sample."""

import numpy as np
import pytest

from rarebeat.simulator.waveform.grid import Grid, to_samples


@pytest.mark.parametrize(
    ("samples", "rate"), [(5000, 500.0), (4999, 500.0), (1000, 100.0), (2570, 257.0), (12000, 2000.0)]
)
def test_waves_as_fast_as_a_p_wave_come_back(samples: int, rate: float) -> None:
    grid = Grid(samples, rate)
    assert grid.times.shape == (grid.places,)

    def wave(times: np.ndarray) -> np.ndarray:
        """A millivolt at half a second, with a standard deviation of 16 ms."""
        return np.exp(-0.5 * ((times - 0.5) / 0.016) ** 2)

    found = to_samples(wave(grid.times)[None].astype(np.float32), grid)
    assert found.shape == (1, samples)
    assert np.abs(found[0] - wave(np.arange(samples) / rate)).max() < 0.01


def test_a_straight_line_stays_one() -> None:
    grid = Grid(5000, 500.0)
    found = to_samples(grid.times[None].astype(np.float32), grid)
    assert np.allclose(found[0], np.arange(5000) / 500, atol=1e-5)
