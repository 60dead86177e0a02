"""Windows cover recordings, and what they say is put together class by class."""

import numpy as np
import pytest
import torch

from rarebeat.dataset.windows import Windows, WindowSettings, windows_of
from rarebeat.inference.probabilities import combine


@pytest.mark.parametrize("samples", [1, 7, 100, 250])
def test_every_sample_is_in_a_window_and_neighbours_share_half(samples: int) -> None:
    lengths = np.array([1, 99, 100, 101, 151, 1000])
    windows = windows_of(lengths, samples)
    assert sorted(set(windows.records.tolist())) == list(range(len(lengths)))
    for record, length in enumerate(lengths):
        starts = windows.starts[windows.records == record]
        assert starts[0] == 0
        assert starts[-1] == max(0, length - samples)
        assert (np.diff(starts) <= np.ceil(samples / 2)).all()


def test_a_recording_within_one_window_has_one() -> None:
    windows = windows_of(np.array([80, 100]), 100)
    assert (windows.records.tolist(), windows.starts.tolist()) == ([0, 1], [0, 0])


def test_no_recordings_have_no_windows() -> None:
    assert len(windows_of(np.array([], np.int64), 100).records) == 0


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (WindowSettings(5, "mean"), [[0.5, 0.25], [0.75, 0.5]]),
        (WindowSettings(5, "max"), [[1, 0.5], [1, 0.5]]),
    ],
)
def test_probabilities_of_a_recording_are_the_mean_or_the_largest_of_its_windows(
    settings: WindowSettings, expected: list[list[float]]
) -> None:
    windows = Windows(np.array([0, 0, 1, 1]), np.array([0, 5, 0, 3]))
    probabilities = torch.tensor([[1, 0], [0, 0.5], [0.5, 0.5], [1, 0.5]])
    assert combine(probabilities, windows, 2, settings).tolist() == expected


def test_windows_longer_than_the_stored_recordings_take_them_whole() -> None:
    assert WindowSettings(5000).of(2500) == 2500
    assert WindowSettings(None).of(2500) == 2500
    assert WindowSettings(1000).of(2500) == 1000
