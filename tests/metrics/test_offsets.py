"""One number per class brings mean probabilities to the share of positive records."""

import numpy as np
import pytest
from scipy.special import expit, logit

from rarebeat.metrics.offsets import calibration_error, fit_offsets


def sample(
    records: int, shift: float, seed: int = 0
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int8]], np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """Truth drawn from log odds, and the probabilities of a model whose log odds are too high by ``shift``."""
    random = np.random.default_rng(seed)
    odds = random.normal(-1, 2, (records, 3))
    truth = (random.random(odds.shape) < expit(odds)).astype(np.int8)
    return truth, expit(odds + shift)


def test_a_shift_of_all_log_odds_is_found_again() -> None:
    truth, probability = sample(4000, shift=1.5)
    assert fit_offsets(truth, probability) == pytest.approx([-1.5] * 3, abs=0.15)


def test_without_a_prior_the_mean_probability_is_the_share_of_positives() -> None:
    truth, probability = sample(300, shift=2)
    offsets = fit_offsets(truth, probability, spread=1e9)
    assert expit(logit(probability) + offsets).mean(axis=0) == pytest.approx(truth.mean(axis=0), abs=1e-6)


def test_masked_records_do_not_count() -> None:
    truth, probability = sample(200, shift=1)
    masked, changed = truth.copy(), probability.copy()
    masked[:50] = -1
    changed[:50] = 0.999
    assert fit_offsets(masked, changed) == pytest.approx(fit_offsets(truth[50:], probability[50:]))


def test_a_class_without_positives_negatives_or_records_has_a_finite_offset() -> None:
    truth = np.tile(np.array([0, 1, -1], dtype=np.int8), (30, 1))
    probability = np.tile(np.array([0.2, 0.9, 0.5]), (30, 1))
    none, all_of_them, unknown = fit_offsets(truth, probability)
    assert -6 < none < 0 < all_of_them < 6
    assert unknown == 0


def test_the_error_of_the_mean_falls_on_other_records_too() -> None:
    fitted, tested = sample(400, shift=2), sample(400, shift=2, seed=1)
    offsets = fit_offsets(*fitted)
    truth, probability = tested
    before = calibration_error(truth, probability)
    after = calibration_error(truth, expit(logit(probability) + offsets))
    assert (after < 0.3 * before).all()
    assert np.isnan(calibration_error(np.full((4, 1), -1, dtype=np.int8), np.full((4, 1), 0.5)))[0]
