"""Percentiles and medians are NumPy's, to the bit."""

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core.ranks import medians, percentiles


def values(*shape: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(shape).normal(size=shape)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 249, 2500])
@pytest.mark.parametrize("percent", [0, 0.5, 15, 37.3, 50, 98, 99.5, 100])
def test_percentiles_are_those_of_numpy(count: int, percent: float) -> None:
    for of in (values(3, count), np.rint(values(3, count) * 3), np.full((3, count), 0.1)):
        assert np.array_equal(percentiles(of, (percent,)), [np.percentile(of, percent, axis=1)])


def test_several_percentiles_of_one_lead_and_of_whole_numbers() -> None:
    of = np.arange(7, dtype=np.int16)[::-1]
    assert percentiles(of, (50, 25)).tolist() == [3, 1.5]


@pytest.mark.parametrize("count", [1, 2, 5, 12])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_medians_are_those_of_numpy(count: int, axis: int) -> None:
    of = np.moveaxis(values(count, 4, 6), 0, axis)
    assert np.array_equal(medians(of, axis), np.median(of, axis=axis))


def test_what_they_are_given_stays_as_it_is() -> None:
    of = values(3, 8)
    before = of.copy()
    percentiles(of, (50,))
    medians(of, axis=1)
    assert np.array_equal(of, before)
