"""Arithmetic of fixed order agrees with the libraries whose last digits depend on the processor."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from rarebeat.core import arithmetic


def test_products_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((4, 8, 3)), rng.standard_normal((3, 5))
    assert np.allclose(arithmetic.product(left, right), left @ right, rtol=1e-14, atol=1e-14)


def test_linear_equations_are_solved_and_singular_ones_refused() -> None:
    rng = np.random.default_rng(1)
    matrix, target = rng.standard_normal((16, 16)), rng.standard_normal(16)
    assert np.allclose(arithmetic.solve(matrix, target), np.linalg.solve(matrix, target), rtol=1e-10)
    with pytest.raises(ZeroDivisionError, match="singular"):
        arithmetic.solve(np.zeros((2, 2)), np.ones(2))


def test_exponentials_are_right_to_fifteen_digits() -> None:
    for value in np.linspace(-40, 20, 5001).tolist():
        assert arithmetic.exp_of(value) == pytest.approx(math.exp(value), rel=2e-15)


def test_exponentials_of_arrays_are_right_to_eight_digits() -> None:
    values = np.linspace(-3.5, 3.5, 2001)
    assert np.allclose(arithmetic.exp(values), np.exp(values), rtol=1e-8, atol=0)


def test_falling_exponentials_are_right_to_four_digits() -> None:
    values = np.linspace(0, 99, 5000, dtype=np.float32)
    assert np.abs(arithmetic.exp_minus(values.copy()) - np.exp(-values)).max() < 6e-5


def test_sines_are_right_in_both_precisions() -> None:
    turns = np.linspace(-3.2, 3.2, 4001)
    assert np.abs(arithmetic.sine(turns) - np.sin(2 * np.pi * turns)).max() < 3e-15
    single = arithmetic.sine(turns.astype(np.float32))
    assert single.dtype == np.float32
    assert np.abs(single - np.sin(2 * np.pi * turns.astype(np.float32).astype(float))).max() < 6e-7
    assert [arithmetic.sine_of(value) for value in turns.tolist()] == arithmetic.sine(turns).tolist()


@pytest.mark.parametrize("angle", [-3.0, -0.4, 0.0, 1.2, 7.5])
def test_cosine_and_sine_of_an_angle(angle: float) -> None:
    expected = (math.cos(angle), math.sin(angle))
    assert arithmetic.cosine_and_sine(angle) == pytest.approx(expected, abs=3e-15)


def test_directions_all_around() -> None:
    for degrees in range(-179, 181):
        angle = math.radians(degrees)
        found = arithmetic.direction(2 * math.sin(angle), 2 * math.cos(angle))
        assert found == pytest.approx(angle, abs=1e-15 * 8)
    assert arithmetic.direction(0.0, 0.0) == 0.0


def test_lengths_and_cube_roots() -> None:
    assert arithmetic.norm(np.array([[3.0, 4.0], [0.0, 2.0]])).tolist() == [5.0, 2.0]
    values = np.linspace(0.05, 30, 500)
    assert np.allclose(arithmetic.cube_root(values), np.cbrt(values), rtol=5e-16, atol=0)


def values(*shape: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(shape).normal(size=shape)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 249, 2500])
@pytest.mark.parametrize("percent", [0, 0.5, 15, 37.3, 50, 98, 99.5, 100])
def test_percentiles_are_those_of_numpy(count: int, percent: float) -> None:
    for of in (values(3, count), np.rint(values(3, count) * 3), np.full((3, count), 0.1)):
        assert np.array_equal(arithmetic.percentiles(of, (percent,)), [np.percentile(of, percent, axis=1)])


def test_several_percentiles_of_one_lead_and_of_whole_numbers() -> None:
    of = np.arange(7, dtype=np.int16)[::-1]
    assert arithmetic.percentiles(of, (50, 25)).tolist() == [3, 1.5]


@pytest.mark.parametrize("count", [1, 2, 5, 12])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_medians_are_those_of_numpy(count: int, axis: int) -> None:
    of = np.moveaxis(values(count, 4, 6), 0, axis)
    assert np.array_equal(arithmetic.medians(of, axis), np.median(of, axis=axis))


def test_what_they_are_given_stays_as_it_is() -> None:
    of = values(3, 8)
    before = of.copy()
    arithmetic.percentiles(of, (50,))
    arithmetic.medians(of, axis=1)
    assert np.array_equal(of, before)
