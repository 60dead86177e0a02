"""Offsets are judged on patients that they were not fitted to."""

import numpy as np
import pytest
from scipy.special import expit

from rarebeat.evaluation.site.worth import held_out, mean_with_interval
from rarebeat.metrics.offsets import fit_offsets, without_offsets


def test_another_share_of_positives_is_made_good_on_patients_that_were_not_fitted_to() -> None:
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(150), 2).astype(object)
    odds = rng.normal(-1, 1.5, (300, 1))
    truth = (rng.random((300, 1)) < expit(odds - 1.5)).astype(np.int8)  # rarer than the model believes
    probability = expit(odds).astype(np.float32)
    assert fit_offsets(truth, probability)[0] == pytest.approx(-1.5, abs=0.4)
    weights = rng.multinomial(300, np.full(300, 1 / 300), 500).astype(np.float64)
    _, low, _ = mean_with_interval(probability[:, 0] - truth[:, 0].astype(float), weights)
    _, below, above = mean_with_interval(
        held_out(truth, probability, patients, np.zeros(1))[:, 0] - truth[:, 0].astype(float), weights
    )
    assert low > 0.05
    assert below < 0 < above


def test_an_offset_is_not_fitted_to_the_patient_that_it_is_judged_on() -> None:
    truth = np.array([[1], [1], [0], [0]], dtype=np.int8)
    probability = np.full((4, 1), 0.5, dtype=np.float32)
    patients = np.array(["a", "a", "b", "b"], dtype=object)
    after = held_out(truth, probability, patients, np.zeros(1))[:, 0]
    assert (after[:2] < 0.5).all()  # b says that it is rare
    assert (after[2:] > 0.5).all()


def test_without_labels_of_other_patients_the_earlier_offset_stays() -> None:
    before, earlier = np.full((4, 2), 0.01), np.array([-4.6, -4.6])
    plain = without_offsets(before, earlier)
    patients = np.array(["a", "a", "b", "c"], dtype=object)
    truth = np.array([[0, 0], [1, 0], [-1, 0], [-1, 1]], dtype=np.int8)
    after = held_out(truth, plain, patients, earlier)
    known = truth[:, 0] >= 0
    np.testing.assert_allclose(after[known, 0], before[known, 0])  # a alone has labels of the first class
    assert (np.abs(after[:, 1] - before[:, 1]) > 0.05).all()
