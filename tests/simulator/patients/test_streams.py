"""Streams are those of NumPy, only started faster."""

import numpy as np
import pytest

from rarebeat.simulator.patients.streams import STREAMS, hashed, stream, wave_stream


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, 2**32, 2**70 + 5])
def test_hashes_are_those_of_numpy(seed: int) -> None:
    numbers, others = np.array([0, 1, 70_000, 9_999_999]), np.array([3, 0, 15, 2])
    for purpose in (0, 10):
        plain, paired = hashed(seed, purpose, numbers), hashed(seed, purpose, numbers, others)
        for place, (number, other) in enumerate(zip(numbers.tolist(), others.tolist(), strict=True)):
            expected = np.random.SeedSequence([seed, purpose, number]).generate_state(4, np.uint64)
            assert np.array_equal(plain[place], expected)
            expected = np.random.SeedSequence([seed, purpose, number, other]).generate_state(4, np.uint64)
            assert np.array_equal(paired[place], expected)


def test_streams_are_generators_of_numpy() -> None:
    ours, theirs = stream(5, "noise", 130), np.random.default_rng([5, STREAMS["noise"], 130])
    assert np.array_equal(ours.standard_normal(9), theirs.standard_normal(9))
    ours, theirs = wave_stream(5, 130, 8), np.random.default_rng([5, STREAMS["waves"], 130, 8])
    assert np.array_equal(ours.random(9), theirs.random(9))
