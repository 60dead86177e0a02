import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from rarebeat.metrics.calibration import (
    LEAST_SLOPE,
    SPREADS,
    calibrate,
    calibration_slope,
    fit_map,
)


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.4, -2.0), (3.0, 1.0)])
def test_probabilities_are_as_often_right_as_they_say(slope, shift):
    rng = np.random.default_rng([0])
    odds = rng.normal(0, 3, 20_000)
    positive = rng.random(odds.size) < expit(slope * odds + shift)
    found = calibrate(odds, positive)
    np.testing.assert_allclose(found, expit(slope * odds + shift), atol=0.02)
    plain = LogisticRegression(C=1e9).fit(odds[:, None], positive).predict_proba(odds[:, None])[:, 1]
    np.testing.assert_allclose(found, plain, atol=2e-3)


def test_a_few_records_that_are_told_apart_do_not_make_anything_certain():
    found = calibrate(np.array([-5.0, -4.0, -3.0, 4.0]), np.array([False, False, False, True]))
    assert 0.5 < found[3] < 0.7  # Platt's target of one positive is 2/3
    assert 0 < found[0] < found[2] < 0.4


def test_a_model_that_is_wrong_throughout_knows_nothing():
    rng = np.random.default_rng([1])
    odds = rng.normal(size=1000)
    found = calibrate(odds, rng.random(1000) < expit(-2 * odds))
    assert np.ptp(found) < 1e-9
    assert found[0] == pytest.approx(0.5, abs=0.05)


def test_one_label_alone_stays_possible():
    found = calibrate(np.array([-1.0, 2.0, 0.5]), np.zeros(3, dtype=bool))
    assert (found > 0).all()
    assert (found < 0.25).all()


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.4, -2.0), (2.0, 1.0)])
def test_with_many_records_a_map_is_what_made_them(slope, shift):
    rng = np.random.default_rng([2])
    odds = rng.normal(0, 3, 20_000)
    found = fit_map(odds, rng.random(odds.size) < expit(slope * odds + shift))
    np.testing.assert_allclose(found, (slope, shift), atol=0.08)


def test_a_map_has_the_highest_posterior():
    rng = np.random.default_rng([3])
    odds = rng.normal(0, 2, 40)
    positive = rng.random(40) < expit(2 * odds - 1)

    def posterior(slope, offset):
        likelihood = -np.sum(np.logaddexp(0, np.where(positive, -1, 1) * (slope * odds + offset)))
        return likelihood - ((slope - 1) / SPREADS[0]) ** 2 / 2 - (offset / SPREADS[1]) ** 2 / 2

    slope, offset = fit_map(odds, positive)
    best = posterior(slope, offset)
    for step in (1e-3, -1e-3):
        assert posterior(slope + step, offset) < best
        assert posterior(slope, offset + step) < best


def test_without_records_of_a_label_a_map_stays_near_where_it_started():
    odds = np.linspace(-6, -2, 30)
    slope, offset = fit_map(odds, np.zeros(30, dtype=bool), with_slope=False)
    assert slope == 1.0
    assert -1 < offset < 0
    assert fit_map(odds, np.zeros(30, dtype=bool), (0.6, -2.0), with_slope=False)[0] == 0.6


def test_a_map_rises_also_where_the_network_is_wrong_throughout():
    rng = np.random.default_rng([4])
    odds = rng.normal(size=3000)
    slope, offset = fit_map(odds, rng.random(3000) < expit(-3 * odds))
    assert slope == LEAST_SLOPE
    assert expit(slope * odds + offset).mean() == pytest.approx(0.5, abs=0.03)


def test_the_slope_tells_probabilities_that_are_too_sure_of_themselves():
    rng = np.random.default_rng([5])
    odds = rng.normal(0, 3, 5000)
    truth = rng.random(5000) < expit(odds / 2)
    assert calibration_slope(truth, expit(odds)) == pytest.approx(0.5, abs=0.05)
    assert np.isnan(calibration_slope(np.zeros(3, dtype=bool), np.full(3, 0.5)))


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ([0.6, 0.9], [0.1, 0.2]),
        ([0.5, 0.9], [0.1, 0.5]),  # only the records at 0.5 are in doubt, and they fit any slope
        ([0.1, 0.2], [0.6, 0.9]),
        ([0.1, 0.5], [0.5, 0.9]),
        ([0.5, 0.5], [0.5, 0.5]),
    ],
)
def test_there_is_no_slope_where_any_is_as_good_as_a_steeper_one(
    positive: list[float], negative: list[float]
) -> None:
    truth = np.array([True, True, False, False])
    assert np.isnan(calibration_slope(truth, np.array([*positive, *negative])))
