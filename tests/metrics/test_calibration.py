import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from rarebeat.metrics.calibration import calibrate


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
