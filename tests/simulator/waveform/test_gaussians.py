"""Tables that events read give what the Gaussians themselves give."""

import numpy as np
import pytest

from rarebeat.simulator.waveform.gaussians import Events, Placed, Waves, add_pieces, place, read

RATE, LENGTH = 500.0, 1500


def waves() -> Waves:
    """A wave form of two Gaussians and one of one, in two rows."""
    return Waves(
        np.array([2, 1]),
        np.array([240, 120]),
        np.array([[0.02, 0.03], [0.05, 0.05], [0.1, 0.1]], np.float32),
        np.array([[0.01, 0.01], [0.006, 0.008], [0.03, 0.025]], np.float32),
        np.array([[1.0, -0.5], [0.4, 0.8], [0.3, -0.2]], np.float32),
    )


def events(*onsets: float) -> Events:
    """Each wave form at each of some seconds, stretched and scaled differently, on the samples."""
    count = 2 * len(onsets)
    some = np.arange(count)
    return Events(
        some % 2,
        np.repeat(onsets, 2),
        1 + 0.1 * some,
        1 - 0.05 * some,
        np.zeros(count),
        np.full(count, 1 / RATE),
        np.full(count, LENGTH),
    )


def drawn(what: Events) -> tuple[np.ndarray, Placed, np.ndarray]:
    placed, _ = place(waves(), what)
    values, times = read(waves(), 0, 2, placed)
    canvas = np.zeros((2, LENGTH), np.float32)
    add_pieces(canvas, values, placed)
    return canvas, placed, times


def test_events_are_sums_of_gaussians_also_where_they_overlap_or_cross_the_ends() -> None:
    what = events(-0.04, 0.5, 0.56, 2.95, 7.0)
    canvas, placed, times = drawn(what)
    assert len(placed.first) == 8  # the last two are not seen
    expected = np.zeros((2, LENGTH))
    seconds = np.arange(LENGTH) / RATE
    all_waves = waves()
    for event, wave in enumerate(what.wave):
        for gaussian in ([0, 1], [2])[wave]:
            centre, width = all_waves.centre[gaussian, :, None], all_waves.width[gaussian, :, None]
            own = (seconds - what.onset[event]) / what.stretch[event]
            bells = np.exp(-0.5 * ((own - centre) / width) ** 2)
            expected += what.gain[event] * all_waves.amplitude[gaussian, :, None] * bells
    assert np.abs(canvas - expected).max() < 0.006  # a Gaussian ends at 3.5 standard deviations
    assert times.min() >= 0
    assert times.max() < LENGTH / RATE


@pytest.mark.parametrize("spacing", [2, 4])
def test_pieces_on_every_few_places_are_those_of_all(spacing: int) -> None:
    what = events(-0.04, 0.5, 0.561, 2.95)
    canvas, placed, _ = drawn(what)
    values, _ = read(waves(), 0, 2, placed)
    coarse = np.zeros((2, LENGTH // spacing), np.float32)
    add_pieces(coarse, values, placed, spacing)
    assert np.array_equal(coarse, canvas[:, ::spacing])
