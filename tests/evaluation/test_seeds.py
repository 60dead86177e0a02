import numpy as np
import pytest
from scipy.stats import ttest_1samp

from rarebeat.evaluation.seeds import mean_over_seeds


@pytest.mark.parametrize("seeds", [2, 3, 10])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_is_that_of_students_test(seeds, confidence):
    values = np.random.default_rng(seeds).normal(0.4, 0.05, seeds)
    found = mean_over_seeds(values, confidence)
    expected = ttest_1samp(values, 0).confidence_interval(confidence)
    assert (found.mean, found.low, found.high) == pytest.approx((values.mean(), expected.low, expected.high))
    assert found.seeds == seeds


def test_three_seeds_by_hand():
    # Mean 2, standard deviation 1; Student's quantile for two degrees of freedom is 4.303.
    found = mean_over_seeds([1, 2, 3])
    assert found.high - found.mean == pytest.approx(4.303 / np.sqrt(3), abs=1e-3)


def test_one_seed_has_no_interval_and_none_has_no_mean():
    one = mean_over_seeds([0.5])
    assert (one.mean, one.seeds) == (0.5, 1)
    assert np.isnan([one.low, one.high, mean_over_seeds([]).mean]).all()


def test_five_intervals_of_a_hundred_miss_the_truth():
    rng = np.random.default_rng(0)
    missed = sum(
        not (found.low < 0 < found.high)
        for found in (mean_over_seeds(rng.normal(0, 1, 3)) for _ in range(2000))
    )
    assert missed / 2000 == pytest.approx(0.05, abs=0.015)
