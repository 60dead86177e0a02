import numpy as np
import pytest

from rarebeat.metrics.ranking import candidate_thresholds


def test_cuts_lie_midway_between_neighbours_and_beyond_both_ends():
    assert candidate_thresholds(np.array([0.2, 0.8, 0.4, 0.8])).tolist() == pytest.approx(
        [0.9, 0.6, 0.3, 0.1]
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("levels", [1, 5, 10**6])
def test_each_cut_calls_one_more_distinct_score_than_the_one_before(dtype, levels):
    rng = np.random.default_rng(levels)
    scores = (np.round(rng.random(200) * levels) / levels).astype(dtype)
    scores[:2] = 0, 1
    cuts = candidate_thresholds(scores)
    called = [np.unique(scores[scores >= cut]).size for cut in cuts]
    assert called == list(range(np.unique(scores).size + 1))
    np.testing.assert_array_equal(cuts, cuts.astype(dtype))  # as good in the precision of the scores


def test_without_scores_there_is_one_half():
    assert candidate_thresholds(np.zeros(0)).tolist() == [0.5]
